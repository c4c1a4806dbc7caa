"""The decision: which answers are served, and which are not and why."""

import json
from pathlib import Path

import pytest

from agentmem.answers.decision import (
    POLICIES,
    Decision,
    corrected,
    decider,
    default_decider,
    read_policies,
    write_policies,
)
from agentmem.answers.query_types import BUILT_IN
from agentmem.answers.values import STRICT, Candidate, Certificate, Labelled, QueryPolicy
from agentmem.errors import ConfigError
from agentmem.recall.embedder import MiniLM
from tests.recall.threads import Hashed

MINILM = MiniLM()
DECIDE = decider({"faq": QueryPolicy("faq", 0.87)}, MINILM.spells)
LENIENT = decider({"faq": QueryPolicy("faq", 0.7)}, MINILM.spells)


def candidates(asked: str, kept: list[tuple[str, str]]) -> list[Candidate]:
    """(question, answer) pairs as candidates, nearest first."""
    rows = MINILM.embed([asked, *(question for question, _ in kept)])
    found = [
        Candidate(str(at), question, answer, float(rows[0] @ rows[at + 1]))
        for at, (question, answer) in enumerate(kept)
    ]
    return sorted(found, key=lambda one: -one.vector_similarity)


def served(decide: Decision, asked: str, *kept: tuple[str, str]) -> str:
    """The answer that is served, or the rule that prevented it."""
    verdict = decide(asked, MINILM.embed([asked])[0], candidates(asked, list(kept)), "faq")
    return verdict.candidate.answer if verdict.serve and verdict.candidate else verdict.rule


def test_a_rewording_is_served_and_a_trap_is_not() -> None:
    """A rewording is served. The opposite question is not, at any threshold."""
    kept = ("How do I lock my bike?", "With the key.")
    assert served(DECIDE, "Hi, how can I lock my bike, please?", kept) == "With the key."
    assert served(LENIENT, "How do I unlock my bike?", kept) == "antonyms"


def test_a_misspelt_question_is_the_same_and_its_words_in_other_roles_are_not() -> None:
    """Typos are no objection. The same words in other places are."""
    kept = ("How do I change the address on my account?", "In Settings.")
    assert served(LENIENT, "How do I chnage the adress on my account?", kept) == "In Settings."
    assert served(DECIDE, "Do cats chase dogs at night?", ("Do dogs chase cats at night?", "Yes.")) == "roles"


def test_answers_in_other_words_are_no_rivals() -> None:
    """Two kept wordings with two differently worded answers do not stand in each other's way."""
    kept = [("Where is the bike rack?", "Left of the door."), ("Where is the bike rack please?", "It is on the left.")]
    assert served(DECIDE, "um, where is the bike rack", *kept) in ("Left of the door.", "It is on the left.")


def test_two_wordings_near_serve_nothing_that_is_only_near() -> None:
    """Two wordings of one answer do not attract a question that differs from both."""
    kept = [("How do I delete a branch in git?", "-d"), ("How can I delete a git branch?", "-d")]
    assert served(DECIDE, "How do I rename a branch in git?", *kept) not in ("-d",)


def test_what_is_far_is_not_served_and_the_verdict_says_how_far() -> None:
    """A question about something else is below the threshold; without candidates nothing is near."""
    assert served(DECIDE, "When does the museum open?", ("How do I bake bread?", "Slowly.")) == "below the threshold"
    assert served(DECIDE, "When does the museum open?") == "nothing near"


def test_a_candidate_behind_one_that_is_objected_to_may_be_served() -> None:
    """The guard excludes the opposite question, the next candidate is served, and the verdict names both."""
    asked = "How can I turn off the alarm?"
    kept = [("How do I turn on the alarm?", "Press 1."), ("How do I turn off the alarm?", "Press 0.")]
    verdict = DECIDE(asked, MINILM.embed([asked])[0], candidates(asked, kept), "faq")
    assert verdict.serve
    assert verdict.candidate is not None
    assert verdict.candidate.answer == "Press 0."
    assert verdict.score == pytest.approx(verdict.candidate.vector_similarity)


def test_without_a_spelling_check_a_swapped_word_is_not_served() -> None:
    """Without a vocabulary, a question with one swapped word is not served."""
    plain = decider({"faq": QueryPolicy("faq", 0.5)})
    assert served(plain, "How do I fold the tent?", ("How do I fold the chair?", "Twice.")) == "swap"


def test_a_type_without_a_policy_is_strict() -> None:
    """A type without a policy needs the strict cosine. A threshold of zero is a threshold."""
    near = candidates("a b c", [("a b c", "x")])
    assert DECIDE("a b c", MINILM.embed(["a b c"])[0], near, "unheard of").threshold == STRICT
    open_to_all = decider({"faq": QueryPolicy("faq", 0.0)}, MINILM.spells)
    assert open_to_all("a b c", MINILM.embed(["a b c"])[0], near, "faq").serve


def test_a_type_that_errs_too_often_is_served_by_exact_keys_alone() -> None:
    """With ``exact_only`` nothing is served by meaning, and the verdict says why."""
    decide = decider({"faq": QueryPolicy("faq", 0.9, exact_only=True)}, MINILM.spells)
    assert served(decide, "How do I lock my bike?", ("How do I lock a bike?", "x")) == "exact keys only"


def test_another_embedder_has_the_strict_threshold_until_it_is_tuned(tmp_path: Path) -> None:
    """The types' own thresholds are meant for the default embedder's cosines."""
    own = default_decider(tmp_path, BUILT_IN, embedder=MINILM).policies["faq"].threshold
    assert own == BUILT_IN["faq"].threshold
    assert default_decider(tmp_path, BUILT_IN, embedder=Hashed()).policies["faq"].threshold == STRICT


def audited(similarity: float, same: bool) -> Labelled:
    """One audited hit."""
    return Labelled("a", "b", same, "faq", similarity, origin="audit")


def test_audits_that_find_errors_raise_the_threshold_to_where_there_are_few() -> None:
    """The threshold rises above the cosines at which audits failed; matches and a few false alarms change nothing."""
    policy = QueryPolicy("faq", 0.88)
    bad, good = [audited(0.89, False)] * 18, [audited(0.95, True)] * 20
    raised = corrected(policy, [*bad, *good])
    assert not raised.exact_only
    assert 0.89 < raised.threshold <= 0.95
    assert corrected(policy, good) == policy
    assert corrected(policy, [*good, *bad[:5]]) == policy
    assert corrected(policy, [Labelled("a", "b", False, "support", origin="audit")] * 20) == policy


def test_audits_that_fail_at_every_cosine_leave_exact_keys() -> None:
    """If no threshold would do, only exact keys are served."""
    assert corrected(QueryPolicy("faq", 0.88), [audited(0.88 + at / 200, False) for at in range(20)]).exact_only


def test_tuned_policies_are_kept_and_used(tmp_path: Path) -> None:
    """Policies that tuning wrote are read back with their certificates, and replace the types' own thresholds."""
    tuned = QueryPolicy("faq", 0.955, Certificate(400, 0, 0.0075))
    write_policies(tmp_path, [tuned])
    write_policies(tmp_path, [QueryPolicy("search", 0.8, exact_only=True)])
    assert read_policies(tmp_path) == {"faq": tuned, "search": QueryPolicy("search", 0.8, exact_only=True)}
    decide = default_decider(tmp_path, BUILT_IN, (), MINILM)
    assert decide.policies["faq"].threshold == pytest.approx(0.955)
    assert decide.policies["support"].threshold == BUILT_IN["support"].threshold


def test_policies_of_an_earlier_version_are_not_used(tmp_path: Path) -> None:
    """Their thresholds are scores of another kind, and would serve far too much or nothing as cosines."""
    (tmp_path / POLICIES).write_text(json.dumps([{"kind": "faq", "threshold": 0.5}]), encoding="utf-8")
    assert read_policies(tmp_path) == {}


def test_policies_that_cannot_be_read_are_an_error(tmp_path: Path) -> None:
    """A broken file is an error that names it and says what to do."""
    (tmp_path / POLICIES).write_text(json.dumps([{"threshold": 1, "unit": "cosine"}]), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"policies.json.*Tune the cache again"):
        read_policies(tmp_path)

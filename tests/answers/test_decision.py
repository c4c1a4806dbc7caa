"""The decision: what is served, and why not."""

import json
from pathlib import Path

import numpy as np
import pytest

from agentmem.answers import features
from agentmem.answers.decision import (
    POLICIES,
    Decision,
    corrected,
    correction,
    decider,
    default_decider,
    fit,
    provenance,
    read_policies,
    shipped,
    sigmoid,
    write_policies,
)
from agentmem.answers.features import around, same_answer
from agentmem.answers.query_types import BUILT_IN
from agentmem.answers.values import STRICT, Candidate, Certificate, Labelled, QueryPolicy
from agentmem.errors import ConfigError
from agentmem.recall.embedder import MiniLM

MINILM = MiniLM()
DECIDE = decider({"faq": QueryPolicy("faq", 0.9)}, MINILM)


def candidates(asked: str, kept: list[tuple[str, str]]) -> list[Candidate]:
    """(question, answer) pairs as candidates, nearest first."""
    rows = MINILM.embed([asked, *(question for question, _ in kept)])
    found = [
        Candidate(str(at), question, answer, float(rows[0] @ rows[at + 1]))
        for at, (question, answer) in enumerate(kept)
    ]
    return sorted(found, key=lambda one: -one.vector_similarity)


def served(decide: Decision, asked: str, *kept: tuple[str, str]) -> str:
    """The answer that is served, or the rule that was in the way."""
    verdict = decide(asked, MINILM.embed([asked])[0], candidates(asked, list(kept)), "faq")
    return verdict.candidate.answer if verdict.serve and verdict.candidate else verdict.rule


def test_a_rewording_is_served_and_a_trap_is_not() -> None:
    """The same question in other words gets the answer; the opposite one does not, though its cosine is higher."""
    kept = ("How do I lock my bike?", "With the key.")
    assert served(DECIDE, "Hi, how can I lock my bike, please?", kept) == "With the key."
    assert served(DECIDE, "How do I unlock my bike?", kept) == "antonyms"


def test_the_same_words_are_served_before_anything_is_tuned(tmp_path: Path) -> None:
    """A misspelt question is the same one; with its words in other roles, or of a stricter type, it is not served."""
    decide = default_decider(tmp_path, BUILT_IN, embedder=MINILM)
    kept = ("How do I change the address on my account?", "In Settings.")
    misspelt = "How do I chnage the adress on my acount?"
    assert served(decide, misspelt, ("How do I change my account?", "Ask us."), kept) == "In Settings."
    verdict = decide(misspelt, MINILM.embed([misspelt])[0], candidates(misspelt, [kept]), "faq")
    assert (verdict.rule, verdict.scores[0][2]) == ("score", "in the same words")
    assert not decide(misspelt, MINILM.embed([misspelt])[0], candidates(misspelt, [kept]), "transactional").serve
    assert served(decide, "How do I change my account on the address?", kept) != "In Settings."


def test_answers_that_do_not_agree_are_not_served_for_the_same_words(tmp_path: Path) -> None:
    """Two wordings of a question with two answers: nobody knows which is right."""
    decide = default_decider(tmp_path, BUILT_IN, embedder=MINILM)
    kept = [("Where is the bike rack?", "Left."), ("Where is the bike rack please?", "Right.")]
    assert served(decide, "um, where is the bike rack", *kept) not in ("Left.", "Right.")


def test_what_is_far_is_not_looked_at() -> None:
    """A question about something else meets no candidate."""
    assert served(DECIDE, "When does the museum open?", ("How do I bake bread?", "Slowly.")) == "nothing near"


def test_a_candidate_behind_one_that_is_objected_to_may_be_served() -> None:
    """The guard takes out the opposite; the next candidate answers, and the verdict tells of both."""
    asked = "How can I turn off the alarm?"
    kept = [("How do I turn on the alarm?", "Press 1."), ("How do I turn off the alarm?", "Press 0.")]
    verdict = DECIDE(asked, MINILM.embed([asked])[0], candidates(asked, kept), "faq")
    assert verdict.serve
    assert verdict.candidate is not None
    assert verdict.candidate.answer == "Press 0."
    assert 0.9 <= (verdict.score or 0) <= 1


def test_answers_that_agree_around_a_question_support_each_other() -> None:
    """Wordings of one answer count once each; copies of a wording do not add up."""
    asked = "Where is my card?"
    kept = [("When does my card arrive?", "Soon."), ("Has my card been sent?", "Soon."), ("Which cards exist?", "Two.")]
    near = candidates(asked, kept)
    assert around(near, 0, same_answer).support == 2
    copies = candidates(asked, [("When does my card arrive?", "Soon."), ("Hi, when does my card arrive?", "Soon.")])
    assert around(copies, 0, same_answer).alone


def test_without_a_reader_a_swapped_word_is_not_served() -> None:
    """The rule on swaps is hard where words cannot be compared."""
    plain = decider({"faq": QueryPolicy("faq", 0.9)})
    assert served(plain, "How do I fold the tent?", ("How do I fold the chair?", "Twice.")) == "swap"


def test_a_type_without_a_policy_is_strict() -> None:
    """What nobody set is asked for the strict score; a threshold of zero is a threshold."""
    near = candidates("a b c", [("a b c", "x")])
    assert DECIDE("a b c", MINILM.embed(["a b c"])[0], near, "unheard of").threshold == STRICT
    open_to_all = decider({"faq": QueryPolicy("faq", 0.0)}, MINILM)
    assert open_to_all("a b c", MINILM.embed(["a b c"])[0], near, "faq").serve


def test_audits_that_find_errors_raise_the_threshold_and_good_ones_never_lower_it() -> None:
    """Eighteen mismatches in twenty make it stricter; matches, and a few false alarms of the judge, leave it."""
    policy = QueryPolicy("faq", 0.9)
    bad = [Labelled("a", "b", at % 10 == 0, "faq", origin="audit") for at in range(20)]
    good = [Labelled("a", "b", True, "faq", origin="audit")] * 20
    assert corrected(policy, bad).threshold > 0.95
    assert corrected(policy, good).threshold == pytest.approx(0.9)
    assert corrected(policy, [*good[:14], *bad[1:7]]).threshold == pytest.approx(0.9, abs=0.02)
    assert corrected(policy, [Labelled("a", "b", False, "support", origin="audit")]) == policy


def test_tuned_policies_are_kept_and_used(tmp_path: Path) -> None:
    """What tuning wrote is read back, certificate included, and stands before the type's own threshold."""
    tuned = QueryPolicy("faq", 0.955, Certificate(400, 0, 0.0075))
    write_policies(tmp_path, [tuned])
    write_policies(tmp_path, [QueryPolicy("search", 0.8)])
    assert read_policies(tmp_path) == {"faq": tuned, "search": QueryPolicy("search", 0.8)}
    decide = default_decider(tmp_path, BUILT_IN, (), MINILM)
    assert decide.policies["faq"].threshold == pytest.approx(0.955)
    assert decide.policies["support"].threshold == BUILT_IN["support"].threshold


def test_policies_that_cannot_be_read_are_an_error(tmp_path: Path) -> None:
    """A broken file is named, with what to do."""
    (tmp_path / POLICIES).write_text(json.dumps([{"threshold": 1}]), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"policies.json.*Tune the cache again"):
        read_policies(tmp_path)


def test_a_fit_finds_the_coefficients_that_made_the_data() -> None:
    """On rows drawn from a known regression the chances come out within a few points."""
    random = np.random.default_rng(1)
    rows = random.normal(size=(6000, 2))
    truth = 1 / (1 + np.exp(-(0.5 + rows @ np.array([2.0, -1.0]))))
    model = fit(rows, (random.random(6000) < truth).astype(float), np.ones(6000), penalty=0.01)
    assert (model.bias, *model.weights) == pytest.approx((0.5, 2.0, -1.0), abs=0.15)


def test_a_weight_that_may_not_be_negative_is_left_out() -> None:
    """A floor of zero on a column that would count against keeps it out."""
    random = np.random.default_rng(2)
    rows = random.normal(size=(2000, 2))
    right = (rows[:, 0] - rows[:, 1] > 0).astype(float)
    model = fit(rows, right, np.ones(2000), prior=np.array([0.0, 0.0]))
    assert model.weights[0] > 0
    assert model.weights[1] == 0


def test_the_correction_moves_towards_what_was_seen_and_no_farther_than_it_is_sure() -> None:
    """Errors lower the odds, successes hardly raise what was high, and one case moves little."""
    assert correction([3.0] * 50, [True] * 25 + [False] * 25) == pytest.approx(-3, abs=0.6)
    assert -1.0 < correction([3.0], [False]) < 0
    assert correction([], []) == 0


def test_the_shipped_models_fit_their_features_and_say_how_they_were_made() -> None:
    """A weight for each feature, monotone where it must be, and a command that makes them anew."""
    models = shipped()
    for model, names in (
        (models.alone, features.ALONE),
        (models.plain, features.PLAIN),
        (models.among, features.AMONG),
    ):
        assert len(model.weights) == len(names)
        assert all(model.weights[names.index(name)] >= 0 for name in ("similarity", "margin"))
    made = provenance()["made"]
    assert isinstance(made, dict)
    assert made["command"].startswith("python -m tests.benchmarks.answers_fit")


def test_chances_lie_between_nought_and_one() -> None:
    """However large the logit."""
    assert 0 < sigmoid(-1e6) < 1e-6
    assert 1 - 1e-6 < sigmoid(1e6) <= 1
    assert sigmoid(0) == 0.5

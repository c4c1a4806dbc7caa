"""Tuning thresholds on a log of questions with their answers."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from agentmem.answers.log_replay import LogReplay, ReplayedOutcome, ReplayedQuestion
from agentmem.answers.logs import (
    THRESHOLDS,
    certified,
    is_log,
    reached,
    read_log,
    replay_log,
    scorer,
    tune_log,
)
from agentmem.answers.tuning import LIMIT, TooFewLabels, Tuned, upper_bound
from agentmem.answers.values import Candidate, Decider, Verdict
from agentmem.errors import ConfigError
from agentmem.recall.embedder import MiniLM, available
from agentmem.types import Vectors
from tests.recall.threads import Hashed


def log(count: int, kind: str = "faq") -> list[ReplayedQuestion]:
    """Each question once, and then once in another wording."""
    return [
        ReplayedQuestion(f"{kind} {wording} {at}", f"{kind} {at}", kind)
        for wording in ("one", "two")
        for at in range(count)
    ]


def numbered(one: ReplayedQuestion) -> tuple[str, int]:
    """The type and the number of a question."""
    return one.kind, int(one.question.split()[-1])


def vectors(asked: Sequence[ReplayedQuestion], cosine: Callable[[int], float]) -> Vectors:
    """The two wordings of an answer have the cosine that its number says; all else is far apart."""
    places = {key: at for at, key in enumerate(dict.fromkeys(map(numbered, asked)))}
    count = len(places)
    rows = np.zeros((len(asked), 2 * count), np.float32)
    for at, one in enumerate(asked):
        place, near = places[numbered(one)], cosine(numbered(one)[1])
        rows[at, place] = 1.0 if " one " in one.question else near
        rows[at, count + place] = 0.0 if " one " in one.question else (1 - near**2) ** 0.5
    return rows


def erring(asked: list[ReplayedQuestion], wrong: Callable[[int], bool]) -> list[ReplayedQuestion]:
    """The log, with another answer to the second wording of some questions."""
    return [
        replace(one, answer=f"{one.answer} not") if " two " in one.question and wrong(number) else one
        for one in asked
        for number in (int(one.question.split()[-1]),)
    ]


def spread(number: int) -> float:
    """Cosines from .80 to 1, by number."""
    return 0.80 + number % 100 / 500


def nothing(kept: str, asked: str) -> bool:
    """No gate objects."""
    return False


def tuned_on(asked: list[ReplayedQuestion], cosine: Callable[[int], float], limit: float = LIMIT) -> dict[str, Tuned]:
    return tune_log(asked, vectors(asked, cosine), nothing, limit=limit)


def test_the_lowest_threshold_that_is_certified_with_all_above_it() -> None:
    """If errors begin below .91 the threshold is .91, and the held-out half has few errors."""
    tuned = tuned_on(erring(log(800), lambda number: spread(number) < 0.909), spread, 0.05)["faq"]
    assert tuned.chosen == tuned.policy.threshold == 0.91
    assert tuned.policy.certificate is not None
    assert tuned.policy.certificate.upper <= tuned.limit
    assert tuned.held.wrong == 0
    assert tuned.more == 0
    assert [point.threshold for point in tuned.curve] == sorted(THRESHOLDS, reverse=True)


def test_a_type_with_few_hits_has_the_threshold_of_all() -> None:
    """A type with few hits gets the threshold of all, because its own certificate would need hundreds of hits."""
    asked = erring(log(800), lambda number: spread(number) < 0.909) + log(20, "returns")
    tuned = tuned_on(asked, spread, 0.05)
    assert tuned["returns"].policy.kind == "returns"
    assert tuned["returns"].policy.threshold == 0.91
    assert tuned["faq"].policy.certificate is not None


def test_too_short_a_log_is_refused_with_how_much_is_needed() -> None:
    """A log that is too short is refused, with a number that is larger than itself."""
    asked = log(60)
    with pytest.raises(TooFewLabels, match=r"about [\d,]+ questions") as refused:
        tuned_on(asked, spread)
    found = re.search(r"about ([\d,]+) questions", str(refused.value))
    assert found is not None
    assert int(found[1].replace(",", "")) > len(asked)


def test_a_log_without_a_single_hit_still_says_how_many_questions_it_takes() -> None:
    """Nothing is near anything: the number needed is not zero."""
    with pytest.raises(TooFewLabels, match=r"about [1-9][\d,]* questions"):
        tuned_on(log(60), lambda number: 0.1)


def test_a_log_whose_answers_are_all_different_is_refused() -> None:
    """Answers as models write them differ with every wording, so they say nothing about which may be shared."""
    asked = [replace(one, answer=f"{one.answer} {at}") for at, one in enumerate(log(50))]
    with pytest.raises(TooFewLabels, match="sample"):
        tuned_on(asked, spread)


def test_where_todays_setting_errs_too_often_only_exact_keys_are_served() -> None:
    """If every twentieth hit is wrong at every threshold, nothing by meaning is served any more."""
    asked = erring(log(600), lambda number: number % 20 == 0)
    tuned = tuned_on(asked, lambda number: 0.99)["faq"]
    assert tuned.policy.exact_only
    assert tuned.more == -1
    assert tuned.policy.certificate is not None
    assert tuned.policy.certificate.wrong > 0


def test_a_time_limit_leaves_the_lower_thresholds_untried() -> None:
    """The strictest is always tried; what was certified until then counts, and the progress says what is left out."""
    said: list[str] = []
    asked = log(400)
    near = vectors(asked, lambda number: 0.99)
    tuned = tune_log(asked, near, nothing, limit=0.05, told=said.append, seconds=0.0)["faq"]
    assert tuned.policy.threshold == max(THRESHOLDS)
    assert [one.threshold for one in tuned.curve] == [max(THRESHOLDS)]
    assert any("the time is over" in line for line in said)


def test_the_same_answer_for_other_slots_is_wrong() -> None:
    """A log whose answers are intents does not certify an answer for another order or name."""
    asked = [ReplayedQuestion(f"track order {at:05} please {at}", "track") for at in range(400)]
    near = np.ones((400, 1), np.float32)
    tuned = tune_log(asked, near, nothing)["faq"]
    assert tuned.policy.exact_only


def test_excluded_questions_are_neither_kept_nor_served() -> None:
    """A log is played with the exclusions on."""
    asked = [ReplayedQuestion("What is my balance?", "40")] * 3 + log(3)
    play = LogReplay(asked, np.eye(len(asked), dtype=np.float32), nothing)
    assert [one.how for one in play.at(0.9)][:3] == ["excluded"] * 3


def test_a_play_is_a_replay_at_each_threshold() -> None:
    """What is computed once for all thresholds ends as the lookups one by one do."""
    asked = erring(log(60), lambda number: number % 7 == 0)
    rows = vectors(asked, spread)
    for threshold in (0.80, 0.90, 0.95):
        found = LogReplay(asked, rows, nothing).at(threshold)
        one_by_one = replay_log(asked, rows, nearest_from(threshold))
        assert [one.how for one in found] == [one.how for one in one_by_one]


def test_a_log_is_read_in_its_order(tmp_path: Path) -> None:
    """A log is read in order. A missing kind is classified, and a missing answer is an error with its line."""
    path = tmp_path / "log.csv"
    path.write_text("question,answer,kind\nWhere?,here,\n\nWho?, Anna ,support\n")
    assert is_log(path)
    found, rows = read_log(path, Hashed(), lambda question, vector: "told")
    assert found == [ReplayedQuestion("Where?", "here", "told"), ReplayedQuestion("Who?", "Anna", "support")]
    assert len(rows) == 2
    path.write_text("question,answer\n\nWho?,Anna\nWhere?,\n")
    with pytest.raises(ConfigError, match="line 4"):
        read_log(path, Hashed(), lambda question, vector: "told")
    path.write_text("left,right,label\n")
    assert not is_log(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="is not text in UTF-8"):
        is_log(path)


LOG = [
    ReplayedQuestion("where is the pier", "left"),
    ReplayedQuestion("Where is the pier?", "left"),
    ReplayedQuestion("where is the pier please", "left"),
    ReplayedQuestion("where is the peer", "person"),
    ReplayedQuestion("who sings", "anna", "support"),
]


def nearest_from(least: float) -> Decider:
    """Serves the nearest candidate from this cosine on."""

    def decide(question: str, vector: Vectors, candidates: Sequence[Candidate], kind: str) -> Verdict:
        best = candidates[0]
        return Verdict(best.vector_similarity >= least, best, best.vector_similarity, least, "cosine", "", kind)

    return decide


def played(least: float) -> list[ReplayedOutcome]:
    return replay_log(LOG, Hashed().embed([one.question for one in LOG]), nearest_from(least))


def test_what_is_not_served_is_kept() -> None:
    """An exact key is a hit whatever the decision. A missed question is kept with its right answer."""
    assert [one.how for one in played(2.0)] == ["miss", "exact", "miss", "miss", "miss"]
    assert [one.known for one in played(2.0)] == [False, True, True, False, False]


def test_a_wrong_answer_is_seen() -> None:
    """If the nearest is always served, rewordings are right and other questions wrong."""
    found = played(-2.0)
    assert [one.how for one in found] == ["miss", "exact", "semantic", "semantic", "semantic"]
    assert [one.right for one in found] == [False, True, True, False, False]
    point = reached(found, 0.5)
    assert (point.served, point.wrong, point.right) == (4, 2, 2)
    assert reached(found, 0.5, "support").served == 1


def outcomes(sizes: Sequence[int], wrong: int, exact: int = 0) -> list[ReplayedOutcome]:
    """Semantic hits on questions that come so often each, the first ones wrong, and exact hits."""
    meant = [
        ReplayedOutcome(f"q{at}", "faq", "semantic", at >= wrong, True)
        for at, size in enumerate(sizes)
        for _ in range(size)
    ]
    return meant + [ReplayedOutcome(f"e{at}", "faq", "exact", True, True) for at in range(exact)]


def test_hits_on_one_question_are_no_independent_ones() -> None:
    """A hundred questions of four hits each count as a hundred hits. Exact hits dilute the bound."""
    assert certified(outcomes([1] * 400, 2)).upper == pytest.approx(upper_bound(2, 400))
    assert certified(outcomes([4] * 100, 2)).upper == pytest.approx(upper_bound(2, 100))
    half = certified(outcomes([4] * 100, 2, exact=400))
    assert half.upper == pytest.approx(upper_bound(2, 100) / 2)
    assert (half.hits, half.wrong) == (800, 8)
    uneven = certified(outcomes([97, 1, 1, 1], 0)).upper
    assert uneven == pytest.approx(upper_bound(0, 1))


def test_nothing_served_is_not_certified() -> None:
    """Without a semantic hit, one wrong hit is assumed."""
    assert certified([]).upper == 1.0
    assert certified(outcomes([], 0, exact=50)).upper == pytest.approx(1 / 50)
    assert np.isclose(certified(outcomes([1] * 3, 3)).upper, 1.0)


def test_scores_of_pairs() -> None:
    """The same question in other words scores higher. Pairs that are far apart, or objected to, have no score."""
    if available():
        pytest.skip("needs the embedder")
    score = scorer(MiniLM())
    same = score("How do I reset my password?", "How can I reset my password?")
    assert same is not None
    assert same > 0.5
    assert score("How do I reset my password?", "How do I not reset my password?") is None
    assert score("How do I reset my password?", "Which whales sing?") is None

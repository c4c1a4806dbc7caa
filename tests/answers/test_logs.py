"""Thresholds from a log of questions with their answers."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from agentmem.answers.logs import (
    THRESHOLDS,
    ReplayedOutcome,
    ReplayedQuestion,
    certified,
    is_log,
    reached,
    read_log,
    replay_log,
    scorer,
    tune_log,
)
from agentmem.answers.tuning import TooFewLabels, upper_bound
from agentmem.answers.values import STRICT, Candidate, Decider, Verdict
from agentmem.errors import ConfigError
from agentmem.recall.embedder import MiniLM, available
from agentmem.types import Vectors
from tests.recall.threads import Hashed


def log(count: int, kind: str = "faq") -> list[ReplayedQuestion]:
    """Every question once, and then in another wording."""
    return [
        ReplayedQuestion(f"{kind} {wording} {at}", f"{kind} {at}", kind)
        for wording in ("one", "two")
        for at in range(count)
    ]


def scoring(score: Callable[[int], float], wrong: Callable[[int], bool]) -> Callable[[float], Decider]:
    """A decision that knows the right candidate, scores by the number in the question, and errs where it is told."""

    def at(threshold: float) -> Decider:
        def decide(question: str, vector: Vectors, candidates: Sequence[Candidate], kind: str) -> Verdict:
            number = int(question.split()[-1])
            right = next((one for one in candidates if one.question.split()[-1] == str(number)), None)
            serve = right is not None and score(number) >= threshold
            chosen = Candidate("x", "x", "wrong", 1.0) if wrong(number) else right
            return Verdict(serve, chosen, score(number), threshold, "score", "", kind)

        return decide

    return at


def vectors(asked: Sequence[ReplayedQuestion]) -> Vectors:
    """One vector for each answer, so that both wordings are nearest to each other."""
    numbers = {answer: at for at, answer in enumerate(dict.fromkeys(one.answer for one in asked))}
    rows = np.random.default_rng(1).standard_normal((len(numbers), 32)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    found: Vectors = rows[[numbers[one.answer] for one in asked]]
    return found


def spread(number: int) -> float:
    """Scores from .90 to 1, by the number."""
    return 0.90 + number % 100 / 1000


def test_the_lowest_threshold_that_is_certified_with_all_above_it() -> None:
    """Where errors begin below .95 the threshold is .95, and the half held out has few."""
    asked = log(4000)
    at = scoring(spread, lambda number: spread(number) < 0.95)
    tuned = tune_log(asked, vectors(asked), at)["faq"]
    assert tuned.chosen == tuned.policy.threshold == 0.95
    assert tuned.policy.certificate is not None
    assert tuned.policy.certificate.upper <= tuned.limit
    assert tuned.held.wrong == 0
    assert tuned.more == 0
    assert [point.threshold for point in tuned.curve] == sorted(THRESHOLDS, reverse=True)


def test_a_type_with_few_hits_has_the_threshold_of_all() -> None:
    """Its own certificate would take hundreds of hits."""
    asked = log(4000) + log(20, "returns")
    at = scoring(spread, lambda number: spread(number) < 0.95)
    tuned = tune_log(asked, vectors(asked), at)
    assert tuned["returns"].policy.kind == "returns"
    assert tuned["returns"].policy.threshold == 0.95
    assert tuned["faq"].policy.certificate is not None


def test_too_short_a_log_is_refused_with_how_much_is_needed() -> None:
    """And so is one whose strictest threshold errs too often."""
    asked = log(60)
    with pytest.raises(TooFewLabels, match=r"about [\d,]+ questions"):
        tune_log(asked, vectors(asked), scoring(spread, lambda number: False))
    asked = log(2000)
    with pytest.raises(TooFewLabels, match="No threshold can be certified"):
        tune_log(asked, vectors(asked), scoring(lambda number: 1.0, lambda number: number % 20 == 0))


def test_what_errs_on_the_half_held_out_is_not_used() -> None:
    """A threshold that looked good by chance falls back to the strict one."""
    asked = log(1500)
    certifying = scoring(lambda number: 0.96, lambda number: False)
    erring = scoring(lambda number: 0.96, lambda number: True)
    calls: list[float] = []

    def at(threshold: float) -> Decider:
        calls.append(threshold)
        return (certifying if len(calls) <= len(THRESHOLDS) else erring)(threshold)

    tuned = tune_log(asked, vectors(asked), at, limit=0.02)["faq"]
    assert tuned.chosen < STRICT
    assert tuned.policy.threshold == STRICT
    assert tuned.more == -1


def test_a_log_is_read_in_its_order(tmp_path: Path) -> None:
    """The kind is told where it does not stand; an answer that is missing is named by its line."""
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
    with pytest.raises(ConfigError, match="cannot be read"):
        is_log(path)


LOG = [
    ReplayedQuestion("where is the pier", "left"),
    ReplayedQuestion("Where is the pier?", "left"),
    ReplayedQuestion("where is the pier please", "left"),
    ReplayedQuestion("where is the peer", "person"),
    ReplayedQuestion("who sings", "anna", "support"),
]


def nearest_from(least: float) -> Decider:
    """Serve the nearest from a cosine on."""

    def decide(question: str, vector: Vectors, candidates: Sequence[Candidate], kind: str) -> Verdict:
        best = candidates[0]
        return Verdict(best.vector_similarity >= least, best, best.vector_similarity, least, "cosine", "", kind)

    return decide


def played(least: float) -> list[ReplayedOutcome]:
    return replay_log(LOG, Hashed().embed([one.question for one in LOG]), nearest_from(least))


def test_what_is_not_served_is_kept() -> None:
    """An exact key is a hit whatever the decision; what is missed is kept with its right answer."""
    assert [one.how for one in played(2.0)] == ["miss", "exact", "miss", "miss", "miss"]
    assert [one.known for one in played(2.0)] == [False, True, True, False, False]


def test_a_wrong_answer_is_seen() -> None:
    """Serving whatever is nearest is right for a rewording and wrong for another question."""
    found = played(-2.0)
    assert [one.how for one in found] == ["miss", "exact", "semantic", "semantic", "semantic"]
    assert [one.right for one in found] == [False, True, True, False, False]
    point = reached(found, 0.5)
    assert (point.served, point.wrong, point.right) == (4, 2, 2)
    assert reached(found, 0.5, "support").served == 1


def outcomes(sizes: Sequence[int], wrong: int, exact: int = 0) -> list[ReplayedOutcome]:
    """Hits by meaning on questions that come so often each, the first ones wrong; and exact hits."""
    meant = [
        ReplayedOutcome(f"q{at}", "faq", "semantic", at >= wrong, True)
        for at, size in enumerate(sizes)
        for _ in range(size)
    ]
    return meant + [ReplayedOutcome(f"e{at}", "faq", "exact", True, True) for at in range(exact)]


def test_hits_on_one_question_are_no_independent_ones() -> None:
    """A hundred questions of four hits each count as a hundred hits; exact hits dilute the bound."""
    assert certified(outcomes([1] * 400, 2)).upper == pytest.approx(upper_bound(2, 400))
    assert certified(outcomes([4] * 100, 2)).upper == pytest.approx(upper_bound(2, 100))
    half = certified(outcomes([4] * 100, 2, exact=400))
    assert half.upper == pytest.approx(upper_bound(2, 100) / 2)
    assert (half.hits, half.wrong) == (800, 8)
    uneven = certified(outcomes([97, 1, 1, 1], 0)).upper
    assert uneven == pytest.approx(upper_bound(0, 1))


def test_nothing_served_is_not_certified() -> None:
    """Without a hit by meaning one that is wrong is reckoned with."""
    assert certified([]).upper == 1.0
    assert certified(outcomes([], 0, exact=50)).upper == pytest.approx(1 / 50)
    assert np.isclose(certified(outcomes([1] * 3, 3)).upper, 1.0)


def test_scores_of_pairs() -> None:
    """Higher for the same question in other words; none where the guard objects or they are far apart."""
    if available():
        pytest.skip("needs the embedder")
    score = scorer(MiniLM())
    same = score("How do I reset my password?", "How can I reset my password?")
    assert same is not None
    assert same > 0.5
    assert score("How do I reset my password?", "How do I not reset my password?") is None
    assert score("How do I reset my password?", "Which whales sing?") is None

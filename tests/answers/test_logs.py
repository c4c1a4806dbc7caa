"""Thresholds from a log of questions with their answers."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from agentmem.answers.logs import THRESHOLDS, is_log, read_log, tune_log
from agentmem.answers.played import PlayedQuestion
from agentmem.answers.tuning import TooFewLabels
from agentmem.answers.values import STRICT, Candidate, Decider, Verdict
from agentmem.errors import ConfigError
from agentmem.types import Vectors
from tests.recall.threads import Hashed


def log(count: int, kind: str = "faq") -> list[PlayedQuestion]:
    """Every question once, and then in another wording."""
    return [
        PlayedQuestion(f"{kind} {wording} {at}", f"{kind} {at}", kind)
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


def vectors(asked: Sequence[PlayedQuestion]) -> Vectors:
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
    assert found == [PlayedQuestion("Where?", "here", "told"), PlayedQuestion("Who?", "Anna", "support")]
    assert len(rows) == 2
    path.write_text("question,answer\n\nWho?,Anna\nWhere?,\n")
    with pytest.raises(ConfigError, match="line 4"):
        read_log(path, Hashed(), lambda question, vector: "told")
    path.write_text("left,right,label\n")
    assert not is_log(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="cannot be read"):
        is_log(path)

"""How much may go to the small model, with a certificate: "at most 2 % worse than the large one, at 95 %".

The questions that set the threshold are none of those that the guesses come from. Thresholds are tried from the
strictest on, each at the full risk, up to the first that cannot be certified (fixed sequence testing: Angelopoulos and
others, "Learn then test", 2021). A threshold is certified by bounds on two shares (Clopper and Pearson, 1934): of
questions that the small model gets wrong and the large one right, less those where it is the other way round.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import numpy as np

from agentmem.answers.tuning import lower_bound, upper_bound
from agentmem.errors import ConfigError
from agentmem.routing.difficulty import Difficulty, LabelledQuestion
from agentmem.routing.logistic import Numbers
from agentmem.types import Embedder

WORSE = 0.02
SURE = 0.95
STEPS = 40
"""The thresholds that are tried: shares of the questions that go to the small model, evenly spaced."""
NOTHING_SMALL = -2.0
"""A threshold below every gain, with which everything goes to the large model."""
HELD = 3
"""Of so many questions one is held out for the certificate, by the digest of its text."""
LEAST = 30
"""The labelled questions without which nothing is certified."""
_TRUE, _FALSE = frozenset({"1", "true", "yes", "right"}), frozenset({"0", "false", "no", "wrong"})


@dataclass(frozen=True, slots=True)
class RouterCertificate:
    """What was found on ``held`` questions that nothing was fitted to: with this ``threshold`` a share ``small`` of
    them goes to the small model. ``worse`` is the bound on the share by which fewer are right than with the large model
    alone, at the confidence ``sure``; ``right``, ``large`` and ``only_small`` are the shares that are right with
    routing, with the large and with the small model alone.
    """

    threshold: float
    held: int
    small: float
    worse: float
    sure: float
    right: float
    large: float
    only_small: float


class TunedRouter(NamedTuple):
    """A router, ready to be saved, and its certificate."""

    router: Difficulty
    certificate: RouterCertificate


def tune(
    questions: Sequence[LabelledQuestion], embedder: Embedder, worse: float = WORSE, sure: float = SURE
) -> TunedRouter:
    """A router from labelled questions. Where nothing can be certified everything goes to the large model.

    Raises ConfigError for too few questions.
    """
    held = [one for one in questions if is_held(one.text)]
    kept = [one for one in questions if not is_held(one.text)]
    if len(held) < LEAST or len(kept) < LEAST:
        raise ConfigError(f"too few labelled questions: {len(questions)}, and about {HELD * LEAST} are needed")
    router = Difficulty.of(kept, embedder)
    gains = router.gains([(one.text, one.subject) for one in held])
    found = certified(held, gains, worse, sure)
    return TunedRouter(router.at(found.threshold), found)


def is_held(text: str) -> bool:
    """True if a question is held out for the certificate."""
    return int.from_bytes(sha256(text.encode()).digest()[:4], "big") % HELD == 0


def certified(
    held: Sequence[LabelledQuestion], gains: Numbers, worse: float = WORSE, sure: float = SURE
) -> RouterCertificate:
    """The loosest threshold on the gains that is certified for the held questions."""
    best = _at(held, gains, NOTHING_SMALL, sure)
    for share in np.linspace(0, 1, STEPS + 1)[1:]:
        tried = _at(held, gains, float(np.quantile(gains, share)), sure)
        if tried.worse > worse:
            break
        best = tried
    return best


def _at(held: Sequence[LabelledQuestion], gains: Numbers, threshold: float, sure: float) -> RouterCertificate:
    count = len(held)
    small = gains < threshold
    right = np.array([(one.small, one.large) for one in held], bool)
    lost = int((small & right[:, 1] & ~right[:, 0]).sum())
    won = int((small & right[:, 0] & ~right[:, 1]).sum())
    side = (1 + sure) / 2
    large = float(right[:, 1].mean())
    return RouterCertificate(
        threshold=threshold,
        held=count,
        small=float(small.mean()),
        worse=upper_bound(lost, count, side) - lower_bound(won, count, side) if small.any() else 0.0,
        sure=sure,
        right=large + (won - lost) / count,
        large=large,
        only_small=float(right[:, 0].mean()),
    )


def read_labels(path: Path) -> list[LabelledQuestion]:
    """Labelled questions from a CSV with the columns question, small, large (right or wrong) and, if known, subject.

    Raises ConfigError that names the line.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            lines = csv.DictReader(file)
            if lacking := {"question", "small", "large"} - set(lines.fieldnames or ()):
                raise ConfigError(f"{path} has no column {', '.join(sorted(lacking))}")
            return [_question(path, lines.line_num, line) for line in lines]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error


def _question(path: Path, number: int, line: dict[str, str]) -> LabelledQuestion:
    for name in ("small", "large"):
        if (line[name] or "").strip().lower() not in _TRUE | _FALSE:
            raise ConfigError(f"{path}, line {number}: {name} is {line[name]!r}; write right or wrong")
    small, large = (line[name].strip().lower() in _TRUE for name in ("small", "large"))
    return LabelledQuestion(line["question"], small, large, (line.get("subject") or "").strip())

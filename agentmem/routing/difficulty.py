"""How hard a question is: what the large model would gain on it, by its subject and the nearest labelled questions.

The guess is a Gaussian process over labelled questions (Rasmussen and Williams, 2006, algorithm 2.1): its kernel says
how alike two questions are, by their subject, their embedding and a few cues of their text. So it is the mean of all
labels, moved by those of questions that are alike. Nothing is trained: the weights are solved for, in closed form.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from agentmem.errors import ConfigError
from agentmem.types import Embedder

Numbers = NDArray[np.float64]

CUES: tuple[tuple[str, str], ...] = (
    ("numbers", r"\d+(?:[.,]\d+)*"),
    ("options", r"(?m)^\(?[A-J][.)] "),
    ("sentences", r"[.?!](?:\s|$)"),
    ("formulas", r"[=^\\{}<>∑∫√]|\b(?:log|sin|cos)\b"),
    ("negations", r"\b(?:NOT|EXCEPT|not|except|false|neither)\b"),
    ("statements", r"\bStatement \d|\b(?:I|II|III|IV)\b"),
    ("parts", r"%|\b(?:half|third|quarter|percent|fraction|twice|times|ratio|average|remaining|rest)\b"),
    ("rates", r"\b(?:per|each|every|total|more than|less than|how (?:many|much))\b"),
    ("blanks", r"_{2,}"),
    ("code", r"```|\bdef |\breturn\b|;\s*$"),
)
"""What of a text is counted, each by a pattern. Its length in words is counted, too."""


class LikenessWeights(NamedTuple):
    """How much each part of the likeness counts beside the noise, and how far an embedding reaches."""

    subject: float = 0.03
    near: float = 0.03
    cues: float = 0.02
    reach: float = 0.5


USUAL = LikenessWeights()
TRIED: tuple[LikenessWeights, ...] = (
    USUAL,
    LikenessWeights(subject=0.06),
    LikenessWeights(near=0.06),
    LikenessWeights(near=0.06, reach=0.25),
    LikenessWeights(near=0.12, reach=1.0),
    LikenessWeights(cues=0.06),
    LikenessWeights(near=0.01, cues=0.06),
    LikenessWeights(near=0.06, cues=0.06),
)
"""The weights that are tried on the labelled questions themselves, each left out in turn."""
SAMPLE = 1_000
"""The labelled questions on which weights are compared: leaving each out takes the cube of their number."""


@dataclass(frozen=True, slots=True)
class LabelledQuestion:
    """A question, whether the small and the large model answered it right, and its subject ("": not known)."""

    text: str
    small: bool
    large: bool
    subject: str = ""


@dataclass(frozen=True)
class Difficulty:
    """What the large model gains over the small one on questions like those that were labelled.

        known = Difficulty.of(questions, MiniLM())
        print(known.gains([("What is 7 x 8?", "arithmetic")]))  # about 0: both answer it

    ``threshold``: from this gain on a question goes to the large model.
    """

    embedder: Embedder
    vectors: Numbers
    cues: Numbers
    subjects: tuple[str, ...]
    labels: Numbers
    weights: LikenessWeights = USUAL
    threshold: float = 0.0

    @classmethod
    def of(
        cls, questions: Sequence[LabelledQuestion], embedder: Embedder, vectors: Numbers | None = None
    ) -> "Difficulty":
        """From labelled questions. ``vectors`` are their embeddings, if they are at hand. Raises ConfigError."""
        if len(questions) < 2:
            raise ConfigError("too few labelled questions: difficulty needs at least two")
        found = embedder.embed([one.text for one in questions]) if vectors is None else vectors
        made = cls(
            embedder,
            np.asarray(found, np.float64),
            np.array([cues_of(one.text) for one in questions]),
            tuple(one.subject for one in questions),
            np.array([float(one.large) - float(one.small) for one in questions]),
        )
        return made.tuned()

    def tuned(self) -> "Difficulty":
        """With the weights of `TRIED` that order the labelled questions best, each question left out in turn."""
        some = self.some(np.random.default_rng(0).permutation(len(self.labels))[:SAMPLE])
        best = max(TRIED, key=lambda weights: area(some.weighed(weights).left_out(), some.labels))
        return self.weighed(best)

    def weighed(self, weights: LikenessWeights) -> "Difficulty":
        """With other weights."""
        return replace(self, weights=weights)

    def at(self, threshold: float) -> "Difficulty":
        """With another threshold."""
        return replace(self, threshold=threshold)

    def some(self, places: "NDArray[np.intp]") -> "Difficulty":
        """Of some of its labelled questions."""
        subjects = tuple(self.subjects[at] for at in places)
        return replace(
            self,
            vectors=self.vectors[places],
            cues=self.cues[places],
            subjects=subjects,
            labels=self.labels[places],
        )

    def gains(self, asked: Sequence[tuple[str, str]], vectors: Numbers | None = None) -> Numbers:
        """The expected gain (-1 to 1) of each question, given as text and subject."""
        found = self.embedder.embed([text for text, _ in asked]) if vectors is None else vectors
        cues = np.array([cues_of(text) for text, _ in asked])
        alike = self._alike(np.asarray(found, np.float64), self._scaled(cues), [subject for _, subject in asked])
        gains: Numbers = self.labels.mean() + alike @ self._solved
        return gains

    def needs_large(self, text: str, subject: str = "") -> bool:
        """True if a question goes to the large model."""
        return bool(self.gains([(text, subject)])[0] >= self.threshold)

    def left_out(self) -> Numbers:
        """The gain of each labelled question as if it had not been labelled (the same book, equation 5.12)."""
        inverse = np.linalg.inv(self._noisy)
        gains: Numbers = self.labels - (inverse @ (self.labels - self.labels.mean())) / np.diag(inverse)
        return gains

    @cached_property
    def _noisy(self) -> Numbers:
        alike = self._alike(self.vectors, self._scaled(self.cues), self.subjects)
        noise = float(self.labels.var()) or 1.0
        return alike + noise * np.eye(len(alike))

    @cached_property
    def _solved(self) -> Numbers:
        return solved(self._noisy, self.labels - self.labels.mean())

    def _scaled(self, cues: Numbers) -> Numbers:
        spread = self.cues.std(axis=0)
        scaled: Numbers = np.clip((cues - self.cues.mean(axis=0)) / np.where(spread > 0, spread, 1.0), -3, 3)
        return scaled

    def _alike(self, vectors: Numbers, cues: Numbers, subjects: Sequence[str]) -> Numbers:
        """How alike each question is to each labelled one."""
        own, weights = self._scaled(self.cues), self.weights
        asked, labelled = _numbered(subjects, self.subjects)
        alike: Numbers = weights.subject * (asked[:, None] == labelled[None, :])
        alike += weights.near * np.exp((np.clip(vectors @ self.vectors.T, -1, 1) - 1) / weights.reach)
        squares = (cues**2).sum(axis=1)[:, None] + (own**2).sum(axis=1)[None, :] - 2 * cues @ own.T
        alike += weights.cues * np.exp(-squares / (4 * cues.shape[1]))
        return alike

    def save(self, path: Path) -> None:
        """Writes it to a file: vectors, counts and labels, no text."""
        with path.open("wb") as file:
            np.savez_compressed(
                file,
                vectors=self.vectors.astype(np.float32),
                cues=self.cues,
                subjects=np.array(self.subjects, dtype=str),
                labels=self.labels,
                weights=np.array(self.weights),
                threshold=np.array(self.threshold),
                embedder=np.array(self.embedder.name),
            )


def read(path: Path, embedder: Embedder) -> Difficulty:
    """Reads what `save` has written. Raises ConfigError for a file that is none, or of another embedder."""
    try:
        with np.load(path, allow_pickle=False) as file:
            made = {name: file[name] for name in file.files}
        named = str(made["embedder"])
        known = Difficulty(
            embedder,
            made["vectors"].astype(np.float64),
            made["cues"],
            tuple(map(str, made["subjects"])),
            made["labels"],
            LikenessWeights(*map(float, made["weights"])),
            float(made["threshold"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{path} is no router (`agentmem route tune` makes one): {error}") from error
    if named != embedder.name:
        raise ConfigError(f"{path} was made with the embedder {named}, and this is {embedder.name}: tune it again")
    return known


def solved(matrix: Numbers, values: Numbers, steps: int = 200, close: float = 1e-6) -> Numbers:
    """What, times a positive definite matrix, gives the values: by conjugate gradients (Hestenes and Stiefel, 1952).

    The noise keeps the matrix well away from singular, so a few dozen steps are enough, each a square of the labelled
    questions instead of a cube.
    """
    found, left = np.zeros_like(values), values.copy()
    way, size = left.copy(), float(left @ left)
    enough = size * close**2
    for _ in range(steps):
        if size <= enough:
            break
        ahead = matrix @ way
        step = size / float(way @ ahead)
        found += step * way
        left -= step * ahead
        before, size = size, float(left @ left)
        way = left + (size / before) * way
    return found


def _numbered(*named: Sequence[str]) -> "list[NDArray[np.int64]]":
    """Names as numbers, the same for the same name; a question without a subject shares it with no other."""
    known: dict[str, int] = {}
    count = iter(range(-1, -1_000_000_000, -1))
    return [np.array([known.setdefault(one, len(known)) if one else next(count) for one in some]) for some in named]


def cues_of(text: str) -> list[float]:
    """The counts of a text's cues, as logarithms."""
    counts = (len(re.findall(pattern, text)) for _, pattern in CUES)
    return [float(np.log1p(count)) for count in (len(text.split()), *counts)]


def area(scores: Numbers, gains: Numbers) -> float:
    """The average performance gap recovered (APGR of RouteLLM, Ong and others, 2024): the mean, over all shares of
    questions that go to the large model by their score, of the share of its whole gain. Chance is 0.5.
    """
    ordered = gains[np.argsort(-scores, kind="stable")]
    total = ordered.sum()
    return float(np.cumsum(ordered).mean() / total) if total else 0.5

"""How hard a question is: what the large model would gain on it, by its subject, its text and labelled ones near it.

The chance that a model answers a question right is a logistic regression over the question's subject, its embedding, a
few cues of its text, and how often the model was right on the nearest labelled questions, of all and of its subject.
There is one for each of the two models, and the gain is the difference of their chances. A regression on the gain
itself orders questions less well: it does not know that a question which both answer has none.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agentmem.errors import ConfigError
from agentmem.routing.logistic import Numbers, chances, fitted
from agentmem.types import Embedder

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


NEAREST, REACH = 40, 0.1
"""The labelled questions that are asked for how a model did near one, and how far an embedding reaches: the weight of
each falls with its cosine, by e for this much.
"""
CUES_COUNT = 0.3
"""The scale of the cues' columns, beside an embedding of length 1 and a subject of 1."""
PENALTY = 0.125
"""The penalty of a regression, times the square root of the number of labelled questions."""
_ROWS = 512  # questions whose likenesses are in memory at a time
_UNKNOWN, _NONE = -2, -1  # the columns of a subject that no labelled question has, and of a labelled one without any


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

    ``answers`` has a row for each labelled question: whether the small and the large model were right, as 0 and 1.
    ``threshold``: from this gain on a question goes to the large model.
    """

    embedder: Embedder
    vectors: Numbers
    cues: Numbers
    subjects: tuple[str, ...]
    answers: Numbers
    weights: Numbers | None = None
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
            np.array([(one.small, one.large) for one in questions], np.float64),
        )
        features = made._features(made.vectors, made.cues, made.subjects, own=True)
        penalty = PENALTY * np.sqrt(len(questions))
        return replace(made, weights=np.array([fitted(features, one, penalty) for one in made.answers.T]))

    def at(self, threshold: float) -> "Difficulty":
        """With another threshold."""
        return replace(self, threshold=threshold)

    def gains(self, asked: Sequence[tuple[str, str]], vectors: Numbers | None = None) -> Numbers:
        """The expected gain (-1 to 1) of each question, given as text and subject."""
        assert self.weights is not None
        found = self.embedder.embed([text for text, _ in asked]) if vectors is None else vectors
        cues = np.array([cues_of(text) for text, _ in asked])
        features = self._features(np.asarray(found, np.float64), cues, [subject for _, subject in asked])
        small, large = (chances(features, weights) for weights in self.weights)
        return large - small

    def needs_large(self, text: str, subject: str = "") -> bool:
        """True if a question goes to the large model."""
        return bool(self.gains([(text, subject)])[0] >= self.threshold)

    def _features(self, vectors: Numbers, cues: Numbers, subjects: Sequence[str], *, own: bool = False) -> Numbers:
        """A row for each question. ``own``: they are the labelled ones, and none is a neighbour of itself."""
        asked = np.array([self._places.get(one, _UNKNOWN) for one in subjects])
        of = (asked[:, None] == np.arange(len(self._places))[None, :]).astype(np.float64)
        starts = range(0, len(vectors), _ROWS)
        near = [self._near(vectors[at : at + _ROWS], asked[at : at + _ROWS], at if own else None) for at in starts]
        return np.column_stack([of, vectors, CUES_COUNT * self._scaled(cues), np.concatenate(near)])

    @cached_property
    def _places(self) -> dict[str, int]:
        """The column of each subject that was labelled."""
        return {name: at for at, name in enumerate(sorted(set(self.subjects) - {""}))}

    @cached_property
    def _labelled(self) -> "NDArray[np.int64]":
        """The column of each labelled question's subject; one without a subject shares none with any question."""
        return np.array([self._places.get(one, _NONE) for one in self.subjects])

    def _near(self, vectors: Numbers, asked: "NDArray[np.int64]", first: int | None) -> Numbers:
        """How much oftener than on average each model was right on the nearest questions, and on those of the subject.

        ``first`` is the place of the first of these questions among the labelled ones, if they are such.
        """
        likeness = vectors @ self.vectors.T
        if first is not None:
            likeness[np.arange(len(vectors)), np.arange(first, first + len(vectors))] = -np.inf
        weight = np.exp((likeness - 1) / REACH)
        some = min(NEAREST, weight.shape[1] - 1)
        least = np.partition(weight, -some, axis=1)[:, -some, None]
        alike = asked[:, None] == self._labelled[None, :]
        parts = (np.where(weight >= least, weight, 0.0), np.where(alike, weight, 0.0))
        above = self.answers - self.answers.mean(axis=0)
        return np.column_stack([part @ above / (part.sum(axis=1, keepdims=True) + 1e-9) for part in parts])

    def _scaled(self, cues: Numbers) -> Numbers:
        spread = self.cues.std(axis=0)
        scaled: Numbers = np.clip((cues - self.cues.mean(axis=0)) / np.where(spread > 0, spread, 1.0), -3, 3)
        return scaled

    def save(self, path: Path) -> None:
        """Writes it to a file: vectors, counts, answers and weights, no text."""
        with path.open("wb") as file:
            np.savez_compressed(
                file,
                vectors=self.vectors.astype(np.float32),
                cues=self.cues,
                subjects=np.array(self.subjects, dtype=str),
                answers=self.answers,
                weights=np.asarray(self.weights),
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
            made["answers"],
            made["weights"],
            float(made["threshold"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{path} is no router (`agentmem route tune` makes one): {error}") from error
    if named != embedder.name:
        raise ConfigError(f"{path} was made with the embedder {named}, and this is {embedder.name}: tune it again")
    return known


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

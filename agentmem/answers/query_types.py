"""Query types: classifies questions by their vector and form, with a ridge regression over examples.

A vector says what a question is about, but not what it is for. So a few cues of form are added: does it begin with a
question word, or with a verb that orders something? The regression needs only a few examples of each type.

Thresholds are cosines, as in `agentmem.answers.decision`. The user's own types come from agentmem.toml, with a few
examples each, in addition to these.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from agentmem.answers.tuning import interval
from agentmem.answers.values import DEFAULT, Classifier, Kind, Kinds
from agentmem.types import Embedder, Vectors

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

DAY = 86_400.0
FALLBACK = "faq"
PENALTY = 1.0
"""The penalty of the ridge regression."""
SAY = 0.5
"""The weight of a cue, beside a vector of unit length."""
LEAST = 0.15
"""The least fitted value, from 0 to 1. Below it a question is of no known type and counts as FALLBACK."""

CUES: tuple[tuple[str, str], ...] = (
    ("asks", r"^(?:what|which|who|where|when|how|why|do|does|is|are|can|could|will|should|may)\b"),
    ("a question mark", r"\?"),
    ("of oneself", r"\b(?:i|my|me|mine|it|we|our)\b"),
    (
        "orders",
        r"^(?:please )?(?:transfer|send|pay|cancel|book|order|buy|change|add|close|refund|sign|delete|remove|update|"
        r"move|reserve|schedule|withdraw|renew|upgrade|downgrade|activate|block|freeze|unsubscribe|reschedule|place|put|set|"
        r"stop|start|make|switch|top up)\b",
    ),
    (
        "looks for",
        r"^(?:find|show|search|list|compare|look up|best|top|cheap|recommend|examples?|articles?|papers?|documentation|"
        r"docs|results)\b|\bvs\b",
    ),
    (
        "trouble",
        r"\b(?:error|fail\w*|crash\w*|not|cannot|problem|issue|wrong|stuck|broken|declined|missing|slow|noise|still|"
        r"locked|lost|never|unable|keeps|why)\b|n't\b",
    ),
)
"""The cues of a question's form, each with its pattern."""

_FAQ = (
    "What are your opening hours?",
    "How do I reset my password?",
    "What is your return policy?",
    "Do you offer student discounts?",
    "What does the warranty cover?",
    "How long does delivery usually take?",
    "Which payment methods do you accept?",
    "What documents do I need to open an account?",
    "Is breakfast included in the price?",
    "What is the capital of Norway?",
    "How much does the basic plan cost?",
    "Can I use my card abroad?",
)
_SEARCH = (
    "best laptops for students",
    "papers on sparse attention",
    "show me red running shoes",
    "python read csv example",
    "hotels near the station",
    "find articles about heat pumps",
    "vegan recipes with lentils",
    "list all pages about onboarding",
    "compare noise cancelling headphones",
    "documentation for the export API",
    "search for invoices guide",
    "cheap flights to Lisbon",
)
_SUPPORT = (
    "The app crashes when I open it, what can I do?",
    "I get an error when I try to log in",
    "My payment failed, why?",
    "The page does not load on my phone",
    "My card was declined at the shop",
    "The printer is not found by my computer",
    "I did not receive the confirmation email",
    "Why is my internet connection so slow?",
    "The update is stuck and will not install",
    "My parcel has not arrived yet",
    "It says my account is locked, how do I get in?",
    "The heating makes a strange noise",
)
_TRANSACTIONAL = (
    "Transfer 50 pounds to my savings account",
    "Cancel my order",
    "Book a table for two at seven",
    "Pay my electricity bill now",
    "Change my flight to Friday",
    "Add two tickets to my basket",
    "Close my account today",
    "Send this invoice to Anna",
    "Order a replacement card for me",
    "Refund my last purchase",
    "Sign me up for the premium plan",
    "Delete all my data",
)

BUILT_IN: Kinds = {
    "faq": Kind("faq", _FAQ, DEFAULT, 14 * DAY),
    "search": Kind("search", _SEARCH, DEFAULT, DAY),
    "support": Kind("support", _SUPPORT, DEFAULT, 7 * DAY),
    "transactional": Kind("transactional", _TRANSACTIONAL, DEFAULT, 4 * 3600.0),
}


@dataclass(frozen=True, slots=True)
class Ridge:
    """A Classifier: the type with the highest fitted value. ``weights`` has a row a feature and a column a type."""

    names: tuple[str, ...]
    weights: "Floats"

    def __call__(self, question: str, vector: Vectors) -> str:
        """The query type of a question of this vector."""
        if not self.names:
            return FALLBACK
        values = form(question, vector) @ self.weights
        best = int(values.argmax())
        return self.names[best] if values[best] >= LEAST else FALLBACK


@dataclass(frozen=True, slots=True)
class KindError:
    """The classifier's errors on ``of`` questions of known type, with bounds at 95 %."""

    wrong: int
    of: int
    confused: Mapping[tuple[str, str], int]

    @property
    def share(self) -> float | None:
        """The share of wrong types; None if there were no questions."""
        return self.wrong / self.of if self.of else None

    @property
    def bounds(self) -> tuple[float, float]:
        """Clopper and Pearson's bounds on the share."""
        return interval(self.wrong, self.of)


def classifier(embedder: Embedder, kinds: Kinds) -> Classifier:
    """The classifier over the types' examples. It is fitted on first use."""
    made = cache(lambda: trained(*examples(embedder, kinds)))
    return lambda question, vector: made()(question, vector)


def examples(embedder: Embedder, kinds: Kinds) -> tuple["Floats", tuple[str, ...]]:
    """Rows of features for the examples, and the examples' types."""
    import numpy as np

    given = [(text, name) for name, kind in kinds.items() for text in kind.examples]
    vectors = embedder.embed([text for text, _ in given])
    rows = [form(text, vector) for (text, _), vector in zip(given, vectors, strict=True)]
    return np.array(rows), tuple(name for _, name in given)


def trained(rows: "Floats", kinds: Sequence[str]) -> Ridge:
    """The regression of each type on the examples' features: 1 for its own examples, 0 for others."""
    import numpy as np

    names = tuple(dict.fromkeys(kinds))
    wanted = np.array([[float(kind == name) for name in names] for kind in kinds])
    if not len(kinds):
        return Ridge((), np.zeros((0, 0)))
    kernel = rows @ rows.T + PENALTY * np.eye(len(rows))
    return Ridge(names, rows.T @ np.linalg.solve(kernel, wanted))


def form(question: str, vector: Vectors) -> "Floats":
    """The features of a question: its vector, the cues of its form, and a constant."""
    import numpy as np

    seen = [SAY * (bool(cue.search(question.lower())) - 0.5) for cue in _cues()]
    return np.array([*vector, *seen, 1.0])


def kind_error(classify: Classifier, embedder: Embedder, labelled: Sequence[tuple[str, str]]) -> KindError:
    """The classifier's errors on pairs of a question and its type."""
    vectors = embedder.embed([question for question, _ in labelled])
    confused: dict[tuple[str, str], int] = {}
    for (question, kind), vector in zip(labelled, vectors, strict=True):
        told = classify(question, vector)
        if told != kind:
            confused[kind, told] = confused.get((kind, told), 0) + 1
    return KindError(sum(confused.values()), len(labelled), confused)


def left_out(embedder: Embedder, kinds: Kinds) -> KindError:
    """The errors on the examples themselves, each classified by the others. It shows what a few examples can do."""
    import numpy as np

    rows, named = examples(embedder, kinds)
    confused: dict[tuple[str, str], int] = {}
    for at, kind in enumerate(named):
        others = np.arange(len(named)) != at
        fitted = trained(rows[others], [name for name, keep in zip(named, others, strict=True) if keep])
        told = fitted.names[int((rows[at] @ fitted.weights).argmax())] if fitted.names else FALLBACK
        if told != kind:
            confused[kind, told] = confused.get((kind, told), 0) + 1
    return KindError(sum(confused.values()), len(named), confused)


@cache
def _cues() -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(pattern) for _, pattern in CUES)

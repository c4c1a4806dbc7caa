"""Labels of a request: a pure function of what is known of it and of the ledger. Each label says why.

A person's own label wins. `LABELS` is the table: a new label is a row with its values and its function.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from types import MappingProxyType

from agentmem.errors import ConfigError
from agentmem.routing.history import PATIENT, SMALL, RouteHistory, work_of

PREFILL = 10
"""A request is prefill-heavy if it processes at least this many input tokens for each token of output: an engine
decodes one token in about the time in which it prefills ten to a hundred."""
ENOUGH = 5
"""The requests of a purpose from which on the ledger predicts its shape."""
SHORT, LONG = 8_000, 32_000
"""The tokens of context below which it is short, and from which on it is long."""
HARD = 0.5
"""The predicted chance, from which on a question asks for the large model, that only the large model answers it."""

USUAL: Mapping[str, str] = MappingProxyType({"summary": "prefill", "audit": "prefill", "tester": "prefill"})
"""The phase of a purpose that the ledger does not know yet; of others: decode."""


@dataclass(frozen=True, slots=True)
class RequestFacts:
    """The facts of a request before it is sent.

    ``tokens`` are those of its context, ``new`` those of them that no cache has, both estimates. ``private`` says in
    a few words why the request must not leave ("": nothing found). ``hard`` is the predicted chance that only the
    large model answers well, None if nobody predicts it. ``size`` is the class of model that the conversation began
    with, where one was predicted: it does not change with each turn. ``given`` are a person's own labels. ``image``:
    the context has a picture.
    """

    purpose: str = "answer"
    tokens: int = 0
    new: int = 0
    image: bool = False
    private: str = ""
    hard: float | None = None
    size: str = ""
    agent: str = "agent"
    thread: str = "main"
    given: Mapping[str, str] = field(default_factory=dict)

    @property
    def work(self) -> str:
        """The purpose; of a sub-task's agent, what the sub-task is for."""
        return work_of(self.purpose, self.agent)


@dataclass(frozen=True, slots=True)
class Label:
    """One label: its value, and why it has it."""

    value: str
    why: str


Labels = Mapping[str, Label]


def labels(facts: RequestFacts, history: RouteHistory) -> Labels:
    """The labels of a request, by name, in the order of `LABELS`.

        labels(RequestFacts("summary", tokens=90_000), RouteHistory())["phase"].value  # "prefill"

    Raises ConfigError for a person's label that does not exist.
    """
    check_given(facts.given)
    found: dict[str, Label] = {}
    for name, (_, read) in LABELS.items():
        own = facts.given.get(name)
        found[name] = Label(own, "a person said so") if own is not None else read(facts, history)
    return MappingProxyType(found)


_SAID: ContextVar[Mapping[str, str]] = ContextVar("labels", default=MappingProxyType({}))


@contextmanager
def labelled(**given: str) -> Iterator[None]:
    """Labels all requests that are made in the block: they win over what is read of the request.

        with labelled(urgency="batch", purpose="audit"):
            agent.run("Check the pages of this week.")

    Raises ConfigError for a label, or a value of one, that does not exist.
    """
    check_given(given)
    before = _SAID.set({**_SAID.get(), **given})
    try:
        yield
    finally:
        _SAID.reset(before)


def said() -> Mapping[str, str]:
    """The labels of `labelled` around the caller."""
    return _SAID.get()


def check_given(given: Mapping[str, str]) -> None:
    """Raises ConfigError for a label, or a value of one, that does not exist."""
    for name, value in given.items():
        if name not in LABELS:
            raise ConfigError(f"there is no label {name!r}: the labels are {', '.join(LABELS)}")
        values = LABELS[name][0]
        if values and value not in values:
            raise ConfigError(f"the label {name} cannot be {value!r}: it is {' or '.join(values) or 'a text'}")


def _phase(facts: RequestFacts, history: RouteHistory) -> Label:
    shape = history.shape(facts.work)
    if shape.requests < ENOUGH:
        usual = USUAL.get(facts.work, "decode")
        return Label(usual, f"the ledger has {shape.requests} requests for {facts.work}; usual for it is {usual}")
    value = "prefill" if shape.processed >= PREFILL * shape.output else "decode"
    said = f"{shape.processed:,.0f} tokens processed and {shape.output:,.0f} of output"
    return Label(value, f"requests for {facts.work} have {said} on average")


def _context(facts: RequestFacts, history: RouteHistory) -> Label:
    value = "short" if facts.tokens < SHORT else "long" if facts.tokens >= LONG else "medium"
    return Label(value, f"{facts.tokens:,} tokens of context")


def _urgency(facts: RequestFacts, history: RouteHistory) -> Label:
    if facts.work in PATIENT:
        return Label("batch", f"nobody waits for {facts.work}")
    return Label("interactive", f"somebody waits for {facts.work}")


def _purpose(facts: RequestFacts, history: RouteHistory) -> Label:
    return Label(facts.work, "the caller's purpose" if facts.work == facts.purpose else f"the agent is a {facts.work}")


def _modality(facts: RequestFacts, history: RouteHistory) -> Label:
    return Label("image", "the context has a picture") if facts.image else Label("text", "the context is text")


def _privacy(facts: RequestFacts, history: RouteHistory) -> Label:
    return Label("private", facts.private) if facts.private else Label("open", "nothing private was found")


def _size(facts: RequestFacts, history: RouteHistory) -> Label:
    if facts.hard is not None:
        value = "large" if facts.hard >= HARD else "small"
        return Label(value, f"{facts.hard:.0%} of questions like it need the large model")
    if facts.size:
        return Label(facts.size, "the conversation began so")
    if facts.work in SMALL:
        return Label("small", f"{facts.work} is a sub-task whose outcome is checked")
    return Label("large", f"{facts.work} has no check behind it")


Reading = Callable[[RequestFacts, RouteHistory], Label]

LABELS: Mapping[str, tuple[tuple[str, ...], Reading]] = MappingProxyType(
    {
        "phase": (("prefill", "decode"), _phase),
        "context": (("short", "medium", "long"), _context),
        "urgency": (("interactive", "batch"), _urgency),
        "purpose": ((), _purpose),
        "modality": (("text", "image"), _modality),
        "privacy": (("private", "open"), _privacy),
        "size": (("small", "large"), _size),
    }
)
"""Every label: its values (none: any text), and the function that reads it."""

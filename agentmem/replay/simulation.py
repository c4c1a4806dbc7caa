"""One policy's requests on their way through a simulated cache, and what is counted of each."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from agentmem.kvcache.frames import frame
from agentmem.kvcache.prompts import Breakpoint, Prompt
from agentmem.kvcache.rules import UNMARKABLE, CacheRules
from agentmem.kvcache.simulated.simulator import Simulator
from agentmem.kvcache.simulated.simulators import CacheSimulator, simulate
from agentmem.replay.layout import Layout, Run, Strip
from agentmem.replay.resent import RecordedTexts, SentTexts
from agentmem.replay.thinking import without_thinking
from agentmem.types import Ttl, Usage

GRACE = 15.0
"""Seconds that entries outlive their documented lifetime, by a log's times: prompts are logged some seconds before they
are sent. In recorded sessions idle times up to 309 s still hit; from 324 s on most missed."""


@dataclass(frozen=True, slots=True)
class MeteredRequest:
    """One request: its usage, its new tokens, and how it stands to the request before."""

    usage: Usage
    new_tokens: int
    broke: bool
    cut: bool
    expired: bool


Marker = Callable[[Layout, Ttl], Iterable[Breakpoint]]
"""Places the breakpoints of a request, as the server sees it."""
EARLIER = 1.0
"""Seconds before a recording's first request at which what it found in the cache is taken to have been sent."""

_QUESTION = Strip((frame("message", {"type": "text", "text": "What may the user ask next?"}, "user"),))


class SimulatedRequests:
    """Sends layouts in order. The store is empty at first; ``rules`` finds a row, ``texts`` are the recording's."""

    def __init__(self, rules: Callable[[str], CacheRules], ttl: Ttl = "5m", texts: RecordedTexts | None = None) -> None:
        self._rules: dict[str, CacheRules] = {}
        self._find, self._ttl = rules, ttl
        self._simulator = Simulator(rules)
        self._previous: tuple[Layout, float] | None = None
        self._sent = SentTexts(texts)
        self._others: dict[str, CacheSimulator] = {}

    def send(
        self,
        layout: Layout,
        at: float,
        answered: float,
        *,
        cut: bool = False,
        marks: Sequence[Breakpoint] | None = None,
    ) -> MeteredRequest:
        """One request of the conversation; ``cut`` says that a declared cut lies before it."""
        usage = self._serve(layout, at, answered, marks)
        before, extends, idle = self._compare(layout, at)
        expired = extends and idle > self._rules_of(layout.model).lifetimes[self._ttl]
        new = sum(self._first_sent(run) for run in layout.runs)
        self._previous = layout, at
        return MeteredRequest(
            usage=usage,
            new_tokens=min(new, usage.input_tokens - usage.cache_read_tokens),
            broke=before and not extends and not cut,
            cut=before and not extends and cut,
            expired=before and expired and usage.cache_read_tokens < layout.tokens // 2,
        )

    def summarise(self, layout: Layout, at: float, marks: Sequence[Breakpoint] | None = None) -> MeteredRequest:
        """A request for a summary: counted, but not one that the conversation goes on from."""
        usage = self._serve(layout, at, at, marks)
        new = min(sum(self._first_sent(run) for run in layout.runs), usage.input_tokens - usage.cache_read_tokens)
        return MeteredRequest(usage, new, broke=False, cut=False, expired=False)

    def aside(self, layout: Layout, at: float) -> None:
        """A question that the client asks of the model beside the conversation, after ``layout``, a whole turn: it
        warms the cache up to there and is not counted.
        """
        asked = Layout(layout.model, layout.head, layout.setting, (*layout.runs, _QUESTION.run()))
        self._serve(asked, at, at, None, _marks_aside)

    def warm(self, layout: Layout, tokens: int, at: float) -> None:
        """Before the request ``layout`` somebody sent its first ``tokens``: they are cached, and nothing is counted."""
        last = bisect_right(range(len(layout)), tokens, key=layout.tokens_at) - 1
        if last < 0:
            return
        marks = [Breakpoint(place, self._ttl) for place in sorted({min(last, layout.head - 1), last}) if place >= 0]
        sent = Layout(layout.model, layout.head, layout.setting, layout.first(last + 1))
        self._serve(sent, at - EARLIER, at - EARLIER, marks)

    def _serve(
        self,
        layout: Layout,
        at: float,
        answered: float,
        marks: Sequence[Breakpoint] | None,
        usual: Marker | None = None,
    ) -> Usage:
        """``marks`` are positions in ``layout``; where there are none, they are put where clients do."""
        rules = self._rules_of(layout.model)
        stripped = without_thinking(layout) if rules.strips_thinking else None
        seen = stripped.layout if stripped else layout
        if rules.matching != "breakpoints":
            return self._other(rules, seen, at, answered)
        if marks is None:
            placed = tuple((usual or usual_marks)(seen, self._ttl))
        else:
            placed = tuple(stripped.moved(marks) if stripped else marks)
        return self._simulator.send_path(seen.path(placed), rules, at, max(0.0, answered - at))

    def _other(self, rules: CacheRules, layout: Layout, at: float, answered: float) -> Usage:
        """A request to a cache that matches tokens: its whole prompt is looked at."""
        frames = tuple(layout)
        prompt = Prompt(layout.model, (), frames[: layout.head], frames[layout.head :])
        cache = self._others.setdefault(layout.model, simulate(rules))
        return cache.send(prompt, at, max(0.0, answered - at)).usage

    def _compare(self, layout: Layout, at: float) -> tuple[bool, bool, float]:
        """Whether there was a request before, whether this extends it, and the time between them."""
        if self._previous is None:
            return False, True, 0.0
        before, then = self._previous
        return True, layout.begins_with(before), at - then

    def _first_sent(self, run: Run) -> int:
        """Tokens of ``run`` that no earlier request had. Looks at what its strip never sent only."""
        strip, first = run.strip, max(run.start, run.strip.sent)
        strip.sent = max(strip.sent, run.stop)
        return sum(self._sent.send(one) for one in strip.frames[first : run.stop])

    def _rules_of(self, model: str) -> CacheRules:
        if model not in self._rules:
            self._rules[model] = patient(self._find(model))
        return self._rules[model]


def patient(rules: CacheRules) -> CacheRules:
    """``rules`` with the seconds of grace that logged times need."""
    return replace(rules, lifetimes=MappingProxyType({ttl: life + GRACE for ttl, life in rules.lifetimes.items()}))


def usual_marks(layout: Layout, ttl: Ttl) -> Iterator[Breakpoint]:
    """Where clients put breakpoints: on the end of the system prompt, of the last message, and of the one before the
    last reply, which is where the request before ended.
    """
    if layout.head:
        yield Breakpoint(layout.head - 1, ttl)
    place = len(layout) - 1
    for role in ("user", "assistant"):
        while place >= layout.head and layout.frame_at(place).role == role:
            place -= 1
    if place >= layout.head and _markable(layout, place):
        yield Breakpoint(place, ttl)
    if len(layout) > layout.head and _markable(layout, len(layout) - 1):
        yield Breakpoint(len(layout) - 1, ttl)


def _marks_aside(layout: Layout, ttl: Ttl) -> Iterator[Breakpoint]:
    """On the end of the system prompt, and on the last block of the reply that the question follows."""
    place = len(layout) - 2
    if layout.head:
        yield Breakpoint(layout.head - 1, ttl)
    if place >= layout.head and _markable(layout, place):
        yield Breakpoint(place, ttl)


def _markable(layout: Layout, place: int) -> bool:
    return layout.frame_at(place).value.get("type") not in UNMARKABLE

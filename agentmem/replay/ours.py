"""agentmem's own policy, replayed by the package's own parts: journal, window, offload, compaction and recall.

Entries go into a real journal, and what a request holds is the window of them. In a pause the thread is compacted
where the runtime's timer would have done it: shortly before the cache expires, when nobody knows yet how long it lasts.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import Any

from agentmem import assets
from agentmem.compaction.acceptance import accept, carry, fallback
from agentmem.compaction.plan import plan
from agentmem.compaction.summary import instruction
from agentmem.compaction.when import ASKING, NEAR, Compaction, ContextState, Quality, Reason, due, least_budget, state
from agentmem.context.offload import Offload, offloaded
from agentmem.context.window import View, aside, extend
from agentmem.errors import SummaryRejected
from agentmem.kvcache.breakpoints import HEAD, TAIL
from agentmem.kvcache.frames import canonical
from agentmem.kvcache.prompts import Breakpoint
from agentmem.kvcache.rules import UNMARKABLE, rules_for
from agentmem.replay.extractor import extract
from agentmem.replay.layout import Run, Strip
from agentmem.replay.needed import NeededEvent, RecallReach, spoken
from agentmem.replay.policies import Arrival, Sent, Terms
from agentmem.replay.session import SessionOpening
from agentmem.replay.tally import price
from agentmem.runtime.compacting import AGAIN
from agentmem.tokens import count, value_tokens
from agentmem.transcript import transcript
from agentmem.transcript.journal import open_journal
from agentmem.transcript.transcript import unpack
from agentmem.types import Block, Draft, Frame, Json, Message, Opaque, Reply, Text, ToolCall, ToolResult, Usage


def block(value: Json) -> Block:
    """The block behind a message frame's value. What a transcript has no kind for, or is not whole, stays opaque."""
    try:
        return _KINDS[value["type"]](value)
    except (KeyError, TypeError, AttributeError):
        return Opaque(canonical(value).decode())


def _call(value: Json) -> Block:
    return ToolCall(value["id"], value["name"], canonical(value["input"]).decode())


def _result(value: Json) -> Block:
    content: Any = value.get("content") or ()
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
    return unpack({**value, "content": parts})


_KINDS: Mapping[str, Callable[[Json], Block]] = {
    "text": lambda value: Text(value["text"]),
    "image": unpack,
    "tool_use": _call,
    "tool_result": _result,
}


THREAD = "main"
PAGING = frozenset({"Read"})
"""Recorded tools that give long texts in parts by themselves, as our own `read` does: shown whole."""
_LOST = "[The recording has no result for this call.]"


def room_for(opening: SessionOpening, budget: int) -> int:
    """The least budget of tokens with which the default settings have room to work behind an opening."""
    settings = Compaction()
    return least_budget(opening.tokens, settings.users, settings, budget)


class Ours:
    """What the runtime would do with a conversation, decided by the same functions on the same entries."""

    def __init__(self, terms: Terms, quality: Quality = 2) -> None:
        self._terms = terms
        self._compaction = Compaction(quality)
        self._offload = Offload().sized(terms.budget)
        self.settings: Mapping[str, Any] = MappingProxyType(
            {
                "quality": quality,
                "tail": self._compaction.tail,
                "retained": self._compaction.kept_results,
                "summary": self._compaction.summary,
                "offload": f"{self._offload.limit}, not {'/'.join(sorted(PAGING))}",
                "lifetimes": "tools and system 1h, the rest 5m",
            }
        )
        self._journal = open_journal(":memory:")
        self._reach = RecallReach(self._journal, THREAD)
        self._view = View()
        self._reminders, self._strip = Strip(terms.opening.reminders), Strip()
        self._sent: Arrival | None = None
        self._tools: dict[str, str] = {}
        self._refused = self._answers = 0
        self._append(transcript.opening(transcript.Opening("replayed")))

    def send(self, arrival: Arrival) -> Sequence[Sent]:
        """Use the pause, take in what arrived, compact where it is due, and send."""
        cuts = self._view.cuts
        paused = self._pause(arrival)
        self._arrive(arrival.frames)
        asked = self._compact(arrival, due(self._state(arrival)))
        self._sent = arrival
        runs = self._runs(self._strip.run())
        return (*paused, *asked, Sent(runs, cut=self._view.cuts > cuts, marks=self._marks(runs)))

    def reply(self, frames: Sequence[Frame]) -> None:
        """The answer joins the transcript."""
        blocks = tuple(block(one.value) for one in frames)
        self._answers = 0
        self._tools.update((one.id, one.name) for one in blocks if isinstance(one, ToolCall))
        self._append(transcript.assistant(Reply(Message("assistant", blocks), Usage("simulated"))))

    def reaches(self, event: NeededEvent, asked: str) -> bool:
        """Whether recall brings the string back: by a question, or by what the last request refers to."""
        return self._reach.found(event, asked, self._view)

    def close(self) -> None:
        """Close the journal."""
        self._journal.close()

    # What is said.

    def _arrive(self, frames: Sequence[Frame]) -> None:
        """Results answer their calls; what else came is said by the person, after all calls have an answer."""
        said: list[Block] = []
        for one in map(block, (one.value for one in frames)):
            if isinstance(one, ToolResult):
                waits = one.call_id in self._view.open and one.call_id not in self._view.results
                said.extend(() if waits else one.content)
                if waits:
                    self._result(one)
            else:
                said.append(one)
        for call_id in [one for one in self._view.open if one not in self._view.results]:
            self._result(ToolResult(call_id, (Text(_LOST),), True))
        if said:
            self._append(transcript.user(said))

    def _result(self, result: ToolResult) -> None:
        reference, tokens = f"{THREAD}/{self._view.seq + 1}", value_tokens(result.wire())
        crowded = self._answers + tokens > self._room
        pages = self._tools.get(result.call_id) in PAGING and not crowded
        sizes = replace(self._offload, limit=self._shortest) if crowded else self._offload
        shown = None if pages else offloaded(result.content, reference, sizes)
        self._answers += min(tokens, self._shortest) if shown else tokens
        self._append(transcript.tool_result(result, shown))

    @property
    def _shortest(self) -> int:
        """Tokens of what is left of a long result."""
        return self._offload.head + self._offload.tail

    @property
    def _room(self) -> int:
        """Tokens of results that fit behind one reply, whatever leaves before they are sent. Behind them all are short:
        a reply may have any number of calls.
        """
        opening, sized = self._terms.opening.tokens, self._compaction.sized(self._terms.budget)
        return round(NEAR * self._terms.budget) - opening - sized.least - sized.users - ASKING

    def _append(self, draft: Draft) -> None:
        (entry,) = self._journal.append(THREAD, (draft,), head=self._view.seq)
        self._view = extend(self._view, entry)
        frames = [one for turn in self._view.turns for one in turn.frames]
        if draft.kind == "compaction":
            self._strip = Strip(frames)
        else:
            self._strip.extend(frames[len(self._strip) :])

    # When and how it is compacted.

    def _state(self, arrival: Arrival) -> ContextState:
        rates = price(self._terms.provider, arrival.model, 0)
        now, opening = state(self._view, self._compaction, self._terms.budget, rates), self._terms.opening.tokens
        return replace(now, context=now.context + opening, prefix=now.prefix + opening, least=now.least + opening)

    def _pause(self, arrival: Arrival) -> Sequence[Sent]:
        """The request for a summary that was sent in the pause before an arrival, if it was long enough."""
        if self._sent is None:
            return ()
        lifetime = rules_for(self._terms.provider, self._sent.model).lifetimes[TAIL]
        at = self._sent.at + lifetime - self._compaction.lead
        if at >= arrival.at:
            return ()
        sent = self._compact(self._sent, due(self._state(self._sent), pause=True))
        return [replace(one, at=at) for one in sent]

    def _compact(self, arrival: Arrival, reason: Reason | None) -> Sequence[Sent]:
        made = plan(self._view, THREAD, self._compaction, self._terms.budget, reason) if reason else None
        if made is None or self._view.tokens < self._refused:
            return ()
        if not made.asks:
            self._cut(_accepted(partial(carry, made), partial(fallback, made)))
            return ()
        asked = aside(made.view, made.asked, instruction(made, assets.read("prompts/summary.md")))
        handed = [spoken(one) for turn in asked.turns for one in turn.frames]
        summary = extract(handed[:-1], self._compaction.sized(self._terms.budget).summary)
        shown = sum(len(turn.frames) for turn in made.view.turns[: made.asked])
        runs = self._runs(self._strip.run(0, shown), Strip(asked.turns[-1].frames[-1:]).run())
        self._cut(_accepted(partial(accept, made, summary), partial(fallback, made)))
        return (Sent(runs, summary=count(summary), marks=self._marks(runs[:-1])),)

    def _cut(self, entry: Draft | None) -> None:
        if entry is None:
            self._refused = self._view.tokens + AGAIN
        else:
            self._append(entry)

    # What is sent.

    def _runs(self, *said: Run) -> tuple[Run, ...]:
        return (self._reminders.run(), *said)

    def _marks(self, runs: Sequence[Run]) -> tuple[Breakpoint, ...]:
        """Where the runtime marks: what always stays for an hour, the newest and where the request before ended."""
        head, stays = len(self._terms.opening.head), len(self._reminders)
        said = [one for run in runs for one in run]
        ends = [head - 1, head + stays - 1]
        reply = next((at for at in range(len(said) - 1, stays - 1, -1) if said[at].role == "assistant"), stays)
        before = next((at for at in range(reply - 1, stays - 1, -1) if said[at].role != "assistant"), -1)
        tail = [at for at in (before, len(said) - 1) if at >= stays and said[at].value.get("type") not in UNMARKABLE]
        long = dict.fromkeys(at for at in ends if at >= 0)
        return (*(Breakpoint(at, HEAD) for at in long), *(Breakpoint(head + at, TAIL) for at in dict.fromkeys(tail)))


def _accepted(*tries: Callable[[], Draft]) -> Draft | None:
    """The first entry of a compaction that can be made, or none."""
    for attempt in tries:
        try:
            return attempt()
        except SummaryRejected:
            continue
    return None


OURS: Mapping[str, Callable[[Terms], Ours]] = MappingProxyType(
    {"agentmem": Ours, "agentmem-q1": partial(Ours, quality=1), "agentmem-q3": partial(Ours, quality=3)}
)
"""Our policy at its default, and at the other two settings of quality."""

"""agentmem's own policy, replayed by the package's own parts: conversation, window, offload, compaction and recall.

What a request holds is the window of the conversation's entries. In a pause the thread is compacted where the runtime's
timer would have done it: shortly before the cache expires, when nobody knows yet how long it lasts.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import Any

from agentmem.compaction.conversation import THREAD, FoldedConversation
from agentmem.compaction.summarizing import SummaryAnswer, SummaryQuestion, drive
from agentmem.compaction.when import Compaction, ContextState, Quality, Reason, due, least_budget, room_behind
from agentmem.context.offload import Offload
from agentmem.kvcache.breakpoints import HEAD, TAIL
from agentmem.kvcache.prompts import Breakpoint
from agentmem.kvcache.rules import UNMARKABLE, rules_for
from agentmem.replay.extractor import extract
from agentmem.replay.layout import Run, Strip
from agentmem.replay.needed import NeededEvent, RecallReach, spoken
from agentmem.replay.policies import Arrival, Sent, Terms
from agentmem.replay.session import SessionOpening
from agentmem.replay.tally import price
from agentmem.tokens import count
from agentmem.transcript.transcript import Opening, block
from agentmem.types import Block, Frame, Message, ToolResult

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
        self._compaction = Compaction(quality, attempts=1)
        offload = Offload().sized(terms.budget)
        self.settings: Mapping[str, Any] = MappingProxyType(
            {
                "quality": quality,
                "tail": self._compaction.tail,
                "retained": self._compaction.kept_results,
                "summary": self._compaction.summary,
                "offload": f"{offload.limit}, not {'/'.join(sorted(PAGING))}",
                "lifetimes": "tools and system 1h, the rest 5m",
            }
        )
        self._said: FoldedConversation[None] = FoldedConversation(Opening("replayed"), offload, PAGING, _LOST)
        self._reach = RecallReach(self._said.journal, THREAD)
        self._reminders, self._strip = Strip(terms.opening.reminders), Strip()
        self._cuts = 0
        self._sent: Arrival | None = None

    def send(self, arrival: Arrival) -> Sequence[Sent]:
        """Use the pause, take in what arrived, compact where it is due, and send."""
        cuts = self._said.view.cuts
        paused = self._pause(arrival)
        self._arrive(arrival.frames)
        asked = self._compact(due(self._state(arrival)))
        self._sent = arrival
        runs = self._runs(self._strip.run())
        return (*paused, *asked, Sent(runs, cut=self._said.view.cuts > cuts, marks=self._marks(runs)))

    def reply(self, frames: Sequence[Frame]) -> None:
        """The answer joins the transcript."""
        self._said.reply(Message("assistant", tuple(block(one.value) for one in frames)))
        self._show()

    def reaches(self, event: NeededEvent, asked: str) -> bool:
        """Whether recall brings the string back: by a question, or by what the last request refers to."""
        _ = self._said.journal  # brings it up to date
        return self._reach.found(event, asked, self._said.view)

    def close(self) -> None:
        """Close the journal."""
        self._said.close()

    # What is said.

    def _arrive(self, frames: Sequence[Frame]) -> None:
        """Results answer their calls; what else came is said by the person, after all calls have an answer."""
        said: list[Block] = []
        room = room_behind(self._terms.opening.tokens, self._compaction, self._terms.budget)
        for one in map(block, (one.value for one in frames)):
            if not isinstance(one, ToolResult):
                said.append(one)
            elif self._said.waiting(one.call_id) is not None:
                self._said.result(one, room)
            else:
                said.extend(one.content)
        self._said.close_calls()
        if said:
            self._said.say(said)
        self._show()

    def _show(self) -> None:
        """Grows the strip by what is new in the view, or begins it anew behind a cut."""
        view = self._said.view
        frames = [one for turn in view.turns for one in turn.frames]
        if view.cuts != self._cuts:
            self._strip, self._cuts = Strip(frames), view.cuts
        else:
            self._strip.extend(frames[len(self._strip) :])

    # When and how it is compacted.

    def _state(self, arrival: Arrival) -> ContextState:
        rates = price(self._terms.provider, arrival.model, 0)
        return self._said.state(self._compaction, self._terms.budget, rates, self._terms.opening.tokens)

    def _pause(self, arrival: Arrival) -> Sequence[Sent]:
        """The request for a summary that was sent in the pause before an arrival, if it was long enough."""
        if self._sent is None:
            return ()
        lifetime = rules_for(self._terms.provider, self._sent.model).lifetimes[TAIL]
        at = self._sent.at + lifetime - self._compaction.lead
        if at >= arrival.at:
            return ()
        sent = self._compact(due(self._state(self._sent), pause=True))
        return [replace(one, at=at) for one in sent]

    def _compact(self, reason: Reason | None) -> Sequence[Sent]:
        sent: list[Sent] = []

        def answer(question: SummaryQuestion) -> SummaryAnswer:
            asked, summary = self._asked(question)
            sent.append(asked)
            return SummaryAnswer(summary)

        drive(self._said.compacting(reason, self._compaction, self._terms.budget), answer)
        self._show()
        return sent

    def _asked(self, question: SummaryQuestion) -> tuple[Sent, str]:
        """The request for a summary, and the extract that answers it."""
        handed = [spoken(one) for turn in question.view.turns for one in turn.frames]
        summary = extract(handed[:-1], question.plan.sizes.summary)
        shown = sum(len(turn.frames) for turn in question.plan.view.turns[: question.plan.asked])
        runs = self._runs(self._strip.run(0, shown), Strip(question.view.turns[-1].frames[-1:]).run())
        return Sent(runs, summary=count(summary), marks=self._marks(runs[:-1])), summary

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


OURS: Mapping[str, Callable[[Terms], Ours]] = MappingProxyType(
    {"agentmem": Ours, "agentmem-q1": partial(Ours, quality=1), "agentmem-q3": partial(Ours, quality=3)}
)
"""Our policy at its default, and at the other two settings of quality."""

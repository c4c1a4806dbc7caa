"""Folds a conversation that somebody else holds: other people's agents, and recordings.

What was said there becomes entries of our own kinds, so the same functions decide what is shown, when it is cut and
what recall brings back. The other side stays the truth: a conversation can be folded again at any time, and gives the
same view. It imports no framework, and does no input or output.
"""

import logging
from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Generic, NamedTuple, TypeVar

from agentmem.compaction.plan import plan
from agentmem.compaction.summarizing import AGAIN, CutDecision, SummaryAnswer, SummaryQuestion, decide
from agentmem.compaction.when import Compaction, ContextState, Reason, state
from agentmem.context.offload import Offload, offloaded
from agentmem.context.window import Origin, View, extend
from agentmem.errors import SummaryRejected
from agentmem.tokens import value_tokens
from agentmem.transcript import transcript
from agentmem.transcript.journal import Journal, open_journal
from agentmem.transcript.transcript import Opening
from agentmem.types import Block, Draft, Entry, Frame, Message, Rates, Reply, Role, Text, ToolResult, Usage

S = TypeVar("S")
_log = logging.getLogger(__name__)

THREAD = "main"
"""The thread's name in references."""
NO_RESULT = "[There is no result for this call: it was not run, or its result was lost.]"
NO_CALL = "[A result whose call is not in the conversation any more:]\n{text}"
_STUB = Draft("compaction", b'{"blocks":[]}')
_PARTS = frozenset({"summary", "index", "paths", "commands", "files", "result"})


class ShownMessage(NamedTuple, Generic[S]):
    """A run of frames that belong to one message of the other side.

    ``source`` is that message, None for what a cut left and for results that stand in. ``whole``: the model is shown
    exactly what was said, so that the source itself can be sent. ``seq`` is the message's entry, 0 for what a cut left.
    The run ends before frame ``end`` of ``turn``.
    """

    source: S | None
    role: Role
    frames: tuple[Frame, ...]
    whole: bool
    seq: int
    turn: int
    end: int


class FoldedConversation(Generic[S]):
    """A conversation of messages of type ``S``, folded as far as it was told.

    ``opening`` are its settings, ``offload`` the sizes of long results. Results of tools in ``paging`` are shown whole
    if there is room, since these tools give long texts in parts themselves. ``missing`` stands in for a lost result.
    """

    def __init__(
        self, opening: Opening, offload: Offload, paging: frozenset[str] = frozenset(), missing: str = NO_RESULT
    ) -> None:
        self.view = View()
        self.refused = 0
        self._offload, self._paging, self._missing = offload, paging, missing
        self._entries: list[Draft] = []
        self._sources: dict[int, tuple[S, tuple[Block, ...]]] = {}
        self._whole: dict[int, bool] = {}
        self._names: dict[str, str] = {}
        self._answers = 0
        self._kept: Journal | None = None
        self.append(transcript.opening(opening))

    # What is said.

    def append(self, draft: Draft) -> int:
        """Folds an entry in and returns its number. Raises TranscriptError if it cannot follow."""
        seq = self.view.seq + 1
        self.view = extend(self.view, Entry(THREAD, seq, "", draft.kind, draft.data, "", draft.known))
        self._entries.append(draft)
        return seq

    def say(self, blocks: Sequence[Block], source: S | None = None) -> None:
        """A message of a person. Calls that are still open get a result that says that there is none."""
        self.close_calls()
        self._from(source, blocks, self.append(transcript.user(blocks)))

    def reply(self, message: Message, source: S | None = None) -> None:
        """A reply of the model. Its calls get ids that are new in the conversation."""
        self.close_calls()
        self._answers = 0
        said = transcript.unique(message, self._names.keys())
        self._names.update((call.id, call.name) for call in said.calls)
        seq = self.append(transcript.assistant(Reply(said, Usage("estimated"))))
        self._from(source, message.blocks, seq)

    def result(self, result: ToolResult, room: int, source: S | None = None) -> None:
        """A tool's result. ``room`` are the tokens of results that fit behind one reply: further ones are short, as a
        reply may have any number of calls. A result that no call waits for is told in a note.
        """
        waiting = self.waiting(result.call_id)
        if waiting is None:
            text = "\n\n".join(one.text for one in result.content if isinstance(one, Text))
            self.append(transcript.note("result", NO_CALL.format(text=text)))
            return
        given = result if result.call_id == waiting else replace(result, call_id=waiting)
        tokens = value_tokens(given.wire())
        crowded = self._answers + tokens > room
        pages = self._names.get(waiting) in self._paging and not crowded
        sizes = self._offload.ends_only() if crowded else self._offload
        shown = None if pages else offloaded(given.content, f"{THREAD}/{self.view.seq + 1}", sizes)
        self._answers += min(tokens, self._offload.ends) if shown else tokens
        self._from(source, (result,), self.append(transcript.tool_result(given, shown)))

    def note(self, about: str, text: str, source: S | None = None) -> None:
        """Something that neither a person nor the model said."""
        self.close_calls()
        self._from(source, (Text(text),), self.append(transcript.note(about, text)))

    def waiting(self, call_id: str) -> str | None:
        """The id of the open call that waits for a result with this id; None if there is none."""
        open_calls = [one for one in self.view.open if one not in self.view.results]
        return call_id if call_id in open_calls else transcript.sibling(call_id, open_calls)

    def close_calls(self) -> None:
        """Gives every open call a result that says that there is none."""
        for draft in self._stand_ins():
            self.append(draft)

    def stub(self) -> None:
        """Counts the entry of an earlier compaction, which no longer has an effect."""
        self._entries.append(_STUB)
        self.view = self.view._replace(seq=self.view.seq + 1)

    def _stand_ins(self) -> Iterator[Draft]:
        for call_id in [one for one in self.view.open if one not in self.view.results]:
            yield transcript.tool_result(ToolResult(call_id, (Text(self._missing),), True))

    def _from(self, source: S | None, blocks: Sequence[Block], seq: int) -> None:
        if source is not None:
            self._sources[seq] = source, tuple(blocks)

    # What is shown.

    def ready(self) -> View:
        """The view of a request: open calls have their stand-ins in it, which are no part of the conversation."""
        view = self.view
        for seq, draft in enumerate(self._stand_ins(), view.seq + 1):
            view = extend(view, Entry(THREAD, seq, "", draft.kind, draft.data, "", draft.known))
        return view

    def shown(self, view: View) -> Iterator[ShownMessage[S]]:
        """The messages of a view, in order. What a cut left comes first, as one."""
        last = view.cut.last if view.cut else 0
        for number, (turn, origins) in enumerate(zip(view.turns, view.origins, strict=True)):
            end = 0
            for (part, seq), run in groupby(origins, key=lambda one: _belongs(one, last)):
                start, end = end, end + len(list(run))
                frames = turn.frames[start:end]
                known = None if part else self._sources.get(seq)
                source, whole = (known[0], self._is_whole(seq, known[1], frames)) if known else (None, False)
                yield ShownMessage(source, turn.role, frames, whole, seq, number, end)

    def _is_whole(self, seq: int, blocks: Sequence[Block], frames: Sequence[Frame]) -> bool:
        if seq not in self._whole:
            same = (frame.value == block.wire() for frame, block in zip(frames, blocks, strict=False))
            self._whole[seq] = len(blocks) == len(frames) and all(same)
        return self._whole[seq]

    # When and how it is cut.

    def state(
        self, settings: Compaction, budget: int, rates: Rates | None, prefix: int = 0, scale: float = 1.0
    ) -> ContextState:
        """The numbers for `due`, with ``prefix`` tokens of tools and system before the conversation.

        ``scale`` is the provider's count over ours.
        """
        now = state(self.view, settings, budget, rates, round(self.view.tokens * scale))
        before = round(prefix * scale)
        return replace(now, context=now.context + before, prefix=now.prefix + before, least=now.least + before)

    def compacting(
        self, reason: Reason | None, settings: Compaction, budget: int, *, ask: bool = True
    ) -> Generator[SummaryQuestion, SummaryAnswer | None, CutDecision | None]:
        """Cuts the conversation for this reason; None if nothing was cut. See `decide` for what is yielded."""
        made = plan(self.view, THREAD, settings, budget, reason) if reason else None
        if made is None or self.view.tokens < self.refused:
            return None
        try:
            decided = yield from decide(made, ask=ask)
        except SummaryRejected as error:
            _log.info("the conversation was not compacted: %s", error)
            self.refused = self.view.tokens + AGAIN
            return None
        self.append(decided.draft)
        return decided

    # What is kept.

    @property
    def journal(self) -> Journal:
        """A journal in memory with all entries, for recall. It is a cache."""
        if self._kept is None:
            self._kept = open_journal(":memory:")
        head = self._kept.head(THREAD)
        if head < self.view.seq:
            self._kept.append(THREAD, self._entries[head + 1 :], head=head)
        return self._kept

    def close(self) -> None:
        """Closes the journal in memory, if there is one."""
        if self._kept is not None:
            self._kept.close()


def _belongs(origin: Origin, last: int) -> tuple[bool, int]:
    """Whether a frame is a part of the cut at ``last``, and else the entry whose message it belongs to."""
    part = origin.kind in _PARTS or origin.seq <= last
    return part, 0 if part else origin.seq

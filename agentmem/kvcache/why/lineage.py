"""Finds the request that a request continues. In a log, conversations mix, run side by side and branch.

If threads have no names, it is the earlier request that shares the most blocks with this one, in any place: a changed
prefix must not hide it. How the two belong together is a `Relation`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from agentmem.kvcache.why.marks import cleared_by, summarised_by
from agentmem.kvcache.why.observed import ObservedRequest
from agentmem.kvcache.why.texts import alike, common, is_summary, middles, only_volatile, shown
from agentmem.types import Frame

_WINDOW = 48
"""Requests back in which a predecessor is searched: more conversations at once are rare."""
_TRIED = 4
_SUMMARIES = ("text", "compaction")
_MANY, _WORDY = 4, 40
"""A new text of at least this many tokens, in place of more blocks than this, counts as a summary."""
_SAME = 0.5
"""The share of a conversation that must return under a changed head. With less, it is another agent's."""

Relation = Literal["continues", "edits", "branches"]
"""continues: the whole conversation is still there. edits: it goes on, with a part of it changed or gone.
branches: it is another conversation that begins alike, or begins anew under the same head but for times and ids in it,
and owes nothing to the rest."""


@dataclass(frozen=True)
class RequestPair:
    """A request and the earlier one that it is compared with."""

    before: ObservedRequest
    now: ObservedRequest

    @cached_property
    def shared(self) -> int:
        """The number of blocks, in the server's order, with which both begin."""
        return common(self.before.path.keys, self.now.path.keys)

    @cached_property
    def shared_messages(self) -> int:
        """The number of conversation blocks with which both begin."""
        return common(self.before.messages, self.now.messages)

    @cached_property
    def gone(self) -> tuple[Frame, ...]:
        """The earlier conversation, from the first difference on."""
        return self.before.messages[self.shared_messages :]

    @cached_property
    def come(self) -> tuple[Frame, ...]:
        """The later conversation, from the first difference on."""
        return self.now.messages[self.shared_messages :]

    @cached_property
    def kept(self) -> frozenset[tuple[str | None, bytes]]:
        """Blocks of ``gone`` that are somewhere in ``come``."""
        return frozenset((one.role, one.data) for one in self.gone) & {(one.role, one.data) for one in self.come}

    @property
    def same_head(self) -> bool:
        """True if model, tools and system are the same."""
        one, other = self.before.prompt, self.now.prompt
        return (one.model, one.tools, one.system) == (other.model, other.tools, other.system)

    @property
    def concurrent(self) -> bool:
        """True if this request was sent before the other's response ended, so that it cannot continue it."""
        return self.now.at < self.before.ended or self.now.at == self.before.at

    @cached_property
    def compacted(self) -> bool:
        """True if a summary, declared or recognised, replaces a good part of the earlier conversation.

        Marks of a package that compacts are enough, also those that it leaves in place of a block that it emptied.
        """
        if self.now.compaction != self.before.compaction or self.compacted_by:
            return True
        first = self.come[0] if self.come else None
        lost = [one for one in self.gone if (one.role, one.data) not in self.kept]
        if first is None or not self._shrunk or len(lost) < 2 or in_place(self.gone, self.come):
            return False
        if (first.role, first.data) in self.kept or first.value.get("type") not in _SUMMARIES:
            return False
        goes_on = bool(self.kept) or (self.shared_messages > 0 and len(lost) > _MANY)
        return first.tokens >= _WORDY and (goes_on or is_summary(shown(first)))

    @cached_property
    def compacted_by(self) -> str | None:
        """Who compacted the conversation, by the marks that it left; None without any."""
        if not self.gone or not self.come:
            return None
        return summarised_by(self.gone, self.come) or cleared_by(self.gone[0], self.come[0])

    @cached_property
    def compacted_in_system(self) -> bool:
        """True if the new text in the system prompt is a summary of what is gone."""
        one, other = (" ".join(map(shown, side.prompt.system)).split() for side in (self.before, self.now))
        added = middles(one, other)[1]
        return self._shrunk and len(added) >= _WORDY and is_summary(" ".join(added))

    @property
    def summarised(self) -> bool:
        """True if a summary replaces the earlier conversation, in messages or in the system prompt."""
        return self.compacted or self.compacted_in_system

    @property
    def _shrunk(self) -> bool:
        return sum(map(_tokens, self.come)) < sum(map(_tokens, self.gone))

    @property
    def replaced(self) -> bool:
        """True if both share so little that this conversation replaces the other, or runs beside it."""
        return self.relation == "edits" and not self.kept

    @cached_property
    def relation(self) -> Relation | None:
        """The relation of the two; None if there is none."""
        if self.now.thread and self.now.thread == self.before.thread:
            return "edits" if self.gone else "continues"
        if not self.gone:
            return "continues" if self.same_head or self._same_agent() else None
        if not self.concurrent and self._goes_on():
            known = self.same_head or (self._same_agent() and (self._mostly_kept() or self.summarised))
            return "edits" if known else None
        return "branches" if self.shared or self.restarts else None

    @cached_property
    def restarts(self) -> bool:
        """True if the system prompt is the same agent's, and differs in times and ids alone."""
        one, other = self.before.prompt, self.now.prompt
        if (one.model, one.tools) != (other.model, other.tools) or one.system == other.system:
            return False
        before, now = ("\n".join(map(shown, side.system)) for side in (one, other))
        return only_volatile(before, now)

    def _same_agent(self) -> bool:
        """True if a changed head can be the same agent's. Two agents may be given the same task, but no more."""
        if any(one.role == "assistant" for one in self.now.messages[: self.shared_messages]) or len(self.kept) > 1:
            return True
        one, other = self.before.prompt, self.now.prompt
        names = [{tool.value.get("name") for tool in side.tools} for side in (one, other)]
        systems = [" ".join(map(shown, side.system)) for side in (one, other)]
        return alike(*systems) and 2 * len(names[0] & names[1]) >= max(map(len, names))

    def _goes_on(self) -> bool:
        if self.kept or self.summarised:
            return True
        first, grown = shown(self.gone[0]), len(self.come) > len(self.gone)
        return grown and (
            any(alike(first, shown(one)) for one in self.come[:1])
            or any(only_volatile(first, shown(one)) for one in self.come[-3:])
        )

    def _mostly_kept(self) -> bool:
        all_of_it = {(one.role, one.data): one.tokens for one in self.before.messages}
        kept = sum(tokens for block, tokens in all_of_it.items() if block in self.now.content)
        return kept >= _SAME * sum(all_of_it.values())


def predecessor(now: ObservedRequest, earlier: Sequence[ObservedRequest]) -> RequestPair | None:
    """The pair of ``now`` and the request that it continues, from ``earlier`` in the order of time; else None."""
    if now.thread:
        own = next((one for one in reversed(earlier) if one.thread == now.thread), None)
        return RequestPair(own, now) if own else None
    recent = [one for one in reversed(earlier[-_WINDOW:]) if one.session == now.session]
    if recent and RequestPair(recent[0], now).shared == len(recent[0].path.keys):
        return RequestPair(recent[0], now)
    scored = sorted(recent, key=lambda one: _score(one, now), reverse=True)  # stable: among equals the latest first
    pairs = (RequestPair(one, now) for one in scored[:_TRIED])
    return next((pair for pair in pairs if pair.relation), None)


def _score(before: ObservedRequest, now: ObservedRequest) -> tuple[int, int, bool]:
    """The tokens shared in the conversation, those shared in all, and whether the earlier request is shared whole."""
    both = before.content.keys() & now.content.keys()
    talk = sum(before.content[block] for block in both if block[0])
    return talk, sum(map(before.content.__getitem__, both)), len(both) == len(before.content)


def _tokens(frame: Frame) -> int:
    return frame.tokens


def in_place(gone: Sequence[Frame], come: Sequence[Frame]) -> bool:
    """True if the conversation continues right after the change, with the same blocks or blocks of the same id."""
    return any(
        one == other or (_identity(one) and _identity(one) == _identity(other))
        for one, other in zip(gone, come, strict=False)
    )


def _identity(frame: Frame) -> str:
    return str(frame.value.get("tool_use_id") or frame.value.get("id") or "")

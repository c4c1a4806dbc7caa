"""Answers the tool calls of a reply: some wait for a person, some are refused, and the others run."""

import logging
from asyncio import AbstractEventLoop
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache, partial
from itertools import groupby
from pathlib import Path
from time import monotonic, time
from typing import NamedTuple, Protocol

from agentmem.checking import shown
from agentmem.compaction.when import Compaction, room_behind
from agentmem.context.offload import PAGING, Offload, seen_content
from agentmem.context.view import View
from agentmem.errors import BadArguments, ConfigError, TranscriptError
from agentmem.kvcache.frames import canonical
from agentmem.menu import toolbox
from agentmem.menu.permissions import Reach
from agentmem.menu.tool import Menu, Stop, Tool, ToolContext
from agentmem.pages.workspace import Workspace
from agentmem.recall.recall import JournalRecall
from agentmem.runtime import steering, stops, switches
from agentmem.runtime.events import Approval, ToolCalled, ToolReturned
from agentmem.runtime.session import Session
from agentmem.runtime.stops import RunSpent
from agentmem.tokens import value_tokens
from agentmem.transcript import transcript
from agentmem.types import Archive, Block, Clock, Image, Opaque, Recall, Text, ToolCall, ToolResult

_log = logging.getLogger(__name__)

INTERRUPTED = (
    "This call was cut off: the process ended while `{name}` was running, so it may or may not have taken effect. "
    "Look at what it should have changed before you call it again."
)
DECLINED = "The person did not allow this call of `{name}`."
EDITED = "[A person changed the arguments of this call of `{name}` before it ran. It ran with: {arguments}]"
ANSWERED = "[A person answered in the place of `{name}`, which did not run:] {said}"
REFUSED = (
    "{names} steers other programs, so a person must allow a change to it, and nobody can be asked in this run. Go on "
    "without it, and say what you would have changed."
)


_TOKENS = 8
"""More than a character ever takes, so that most results need no counting."""

Shown = tuple[Text | Image | Opaque, ...]


@dataclass(frozen=True, slots=True)
class Given:
    """The conditions for calls: a person's decision, the tools that may be used now (None: all of the menu), the event
    loop for async tools, and the stop that tells them to end."""

    approval: Approval | None = None
    allowed: Collection[str] | None = None
    loop: AbstractEventLoop | None = None
    stop: Stop = field(default_factory=Stop)


class CallDelegates(Protocol):
    """Runs the delegates of one call; ``spent`` is what they have used so far."""

    spent: RunSpent

    def __call__(self, tasks: Sequence[str], *, fresh: bool, stop: Stop) -> str: ...


class DelegateRuns(Protocol):
    """Gives the delegates of a call in a session's thread, which may use only ``allowed`` tools (None: all)."""

    def of(self, session: Session, allowed: Collection[str] | None) -> CallDelegates: ...


class OpenCall(NamedTuple):
    """A call that waits for its result. ``tool`` is None if the menu has no tool of that name.

    ``is_read``: it changes nothing; so does a call that cannot be made, which is not even begun. ``why_not`` says why
    calls of this reply are not run; ``steered`` names the files it would change that steer other programs, and ``off``
    the connection of the tool, if that is switched off.
    """

    call: ToolCall
    tool: Tool | None
    is_read: bool
    is_unreadable: bool
    has_begun: bool
    why_not: str
    steered: tuple[str, ...]
    off: str = ""


@dataclass(frozen=True, slots=True)
class ToolCalls:
    """Answers the calls of one agent's threads. ``approve`` names the tools whose calls wait for a person.

    With ``compaction`` the results behind one reply fit the budget, however many there are: further ones are short.
    ``delegates`` serve the tool of that name.
    """

    workspace: Workspace
    root: Path
    menu: Menu
    approve: frozenset[str]
    budget: int
    reach: Reach = field(default_factory=Reach)
    archive: Archive | None = None
    compaction: Compaction | None = None
    delegates: DelegateRuns | None = None
    clock: Clock = time

    def waiting(self, session: Session, allowed: Collection[str] | None = None) -> tuple[ToolCall, ...]:
        """The open calls that a person must allow first. A tool that is not ``allowed`` never begins."""
        return tuple(one.call for one in self.open(session) if self._waits(one, allowed))

    def open(self, session: Session) -> tuple[OpenCall, ...]:
        """The calls that wait for a result, in order, each with the facts that decide its answer."""
        return tuple(self._opened(session, call) for call in session.open_calls)

    def _opened(self, session: Session, call: ToolCall) -> OpenCall:
        tool, unreadable = self.menu.get(call.name), call.is_unreadable
        return OpenCall(
            call,
            tool,
            is_read=tool is None or tool.effect == "read" or unreadable,
            is_unreadable=unreadable,
            has_begun=call.id in session.tally.started,
            why_not=stops.refusal(session.tally.kind, call, session.reply_limit),
            steered=self._steered(call, tool),
            off=tool.source if tool and tool.source in session.tally.off else "",
        )

    def _steered(self, call: ToolCall, tool: Tool | None) -> tuple[str, ...]:
        if tool is None or self.reach.steering == "allow" or tool.function not in steering.WRITERS:
            return ()
        return steering.steered(call, tool, self.root)

    def _waits(self, one: OpenCall, allowed: Collection[str] | None) -> bool:
        return not (one.why_not or one.has_begun or one.off) and self._needs_person(one, allowed)

    def _needs_person(self, one: OpenCall, allowed: Collection[str] | None) -> bool:
        """True if a person must allow the call before it begins."""
        usable = (allowed is None or one.call.name in allowed) and not one.is_unreadable
        return usable and (one.call.name in self.approve or (self.reach.steering == "ask" and bool(one.steered)))

    def answer(
        self, session: Session, given: Given, person: Callable[[Sequence[ToolCall]], Approval]
    ) -> Iterator[ToolCalled | ToolReturned]:
        """Runs the open calls in order, reads side by side, and appends each result as soon as it is there.

        ``person`` is asked about all calls that need it, before any call begins.
        """
        calls = self.open(session)
        if not calls:
            raise TranscriptError(f"thread {session.thread!r} waits for results of calls that nobody made")
        waiting = [one.call for one in calls if self._waits(one, given.allowed)]
        given = replace(given, approval=person(waiting)) if waiting else given
        calls = tuple(self._as_edited(session, given, one) for one in calls)
        yield from (ToolCalled(one.call) for one in calls)
        for reads, group in groupby(calls, key=lambda one: one.is_read):
            run = partial(self._call, session, given)
            for returned in _side_by_side(run, list(group)) if reads else map(run, group):
                self._keep(session, returned)
                yield returned

    def _call(self, session: Session, given: Given, one: OpenCall) -> ToolReturned:
        began, call = monotonic(), one.call
        if late := session.late.pop(call.id, None):
            return late
        if (said := self._answer(one, given)) is not None:
            answered = Text(ANSWERED.format(name=call.name, said=said))
            return ToolReturned(call.name, ToolResult(call.id, (answered,)), 0.0)
        if why := self._refusal(one, given):
            return ToolReturned(call.name, refused(call, why), 0.0)
        if not one.is_read:
            session.append(transcript.tool_started(call))
        recall = self._recall(session) if one.tool and one.tool.context else None
        others = self.delegates.of(session, given.allowed) if self.delegates else None
        context = ToolContext(
            self.workspace, session.thread, recall, stop=given.stop, reach=self.reach, delegate=others
        )
        result = toolbox.call(self.menu, call, context, allowed=given.allowed, loop=given.loop)
        if given.approval and call.id in given.approval.edits:
            edited = Text(EDITED.format(name=call.name, arguments=call.arguments))
            result = replace(result, content=(edited, *result.content))
        spent = others.spent if others and others.spent != RunSpent() else None
        return ToolReturned(call.name, result, monotonic() - began, spent.value() if spent else None)

    def _as_edited(self, session: Session, given: Given, one: OpenCall) -> OpenCall:
        """The call with the arguments that a person gave it, if it waited for one."""
        if not given.approval or not self._waits(one, given.allowed):
            return one
        edited = given.approval.edited(one.call)
        return one if edited is one.call else self._opened(session, edited)

    def _answer(self, one: OpenCall, given: Given) -> str | None:
        """A person's answer in the tool's place, if the call waited for one."""
        if not given.approval or not self._waits(one, given.allowed):
            return None
        return given.approval.answers.get(one.call.id)

    def check(self, session: Session, approval: Approval) -> None:
        """Raises ConfigError for edits and answers that fit no waiting call."""
        waiting = {call.id: call for call in self.waiting(session)}
        named = {**approval.edits, **approval.answers}
        if unknown := [call_id for call_id in named if call_id not in waiting]:
            raise ConfigError(f"no call {unknown[0]!r} waits for a person; there is {', '.join(waiting) or 'none'}")
        if both := sorted(approval.edits.keys() & approval.answers.keys()):
            raise ConfigError(f"call {both[0]!r} has an edit and an answer: give one of them")
        for call_id, said in approval.answers.items():
            if not str(said).strip():
                raise ConfigError(f"the answer to call {call_id!r} must be a text, and it is empty")
        for call_id, arguments in approval.edits.items():
            self._check_edit(waiting[call_id], arguments)

    def _check_edit(self, call: ToolCall, arguments: object) -> None:
        tool = self.menu.get(call.name)
        try:
            if not isinstance(arguments, Mapping):
                raise BadArguments(f"they must be a mapping, and {shown(arguments)} is not.")
            canonical(dict(arguments))
            if tool is not None:
                tool.checked(dict(arguments))
        except (BadArguments, TypeError, ValueError) as error:
            raise ConfigError(f"the edited arguments of {call.name} (call {call.id!r}) do not fit: {error}") from None

    def _refusal(self, one: OpenCall, given: Given) -> str:
        """The reason why the call is not run; "" if it is."""
        name, approval = one.call.name, given.approval
        if one.why_not:
            return one.why_not
        if one.has_begun:
            return INTERRUPTED.format(name=name)
        if one.off:
            return switches.REFUSED.format(name=name, source=one.off)
        if self._needs_person(one, given.allowed) and not (approval and approval.allows(one.call)):
            return declined(one.call, approval.reason if approval else "")
        if one.steered and self.reach.steering == "refuse":
            return REFUSED.format(names=" and ".join(one.steered))
        return ""

    def _recall(self, session: Session) -> Recall:
        """The archive's recall, if there is one that works; references always resolve from the journal."""
        if self.archive:
            try:
                return self.archive.recall(session.thread)
            except Exception:  # it is a cache, perhaps with a user's code: its errors must not stop a run
                _log.exception("the archive cannot be searched for thread %s", session.thread)
        return JournalRecall(session.journal, session.thread)

    def _keep(self, session: Session, returned: ToolReturned) -> None:
        """Appends a result. A result that comes after its run has ended is kept for the thread's next run."""
        with session.lock:
            if session.ended:
                session.late[returned.result.call_id] = returned
                _log.info("%s gave its result after the run of thread %s had ended", returned.name, session.thread)
            shown, source = self._shown(session, returned), self._source(returned)
            session.append(transcript.tool_result(returned.result, shown, returned.spent, source=source))

    def _source(self, returned: ToolReturned) -> str:
        """The connection that a result came from, and when (UTC); "" for an own tool, or a call that was not run."""
        tool = self.menu.get(returned.name)
        if tool is None or not tool.source or not returned.seconds:
            return ""
        return f"{tool.source}, {datetime.fromtimestamp(self.clock(), UTC):%Y-%m-%d %H:%M}"

    def _shown(self, session: Session, returned: ToolReturned) -> Shown | None:
        """The form of a long result that the model sees. Results of tools that give parts themselves stay whole."""
        sizes = _sizes(self.budget, Offload().limit if returned.name in PAGING else None)
        if self._crowded(session.view, returned.result):
            sizes = sizes.ends_only()
        return seen_content(returned.result.content, session.thread, session.view.seq + 1, sizes, self.root)

    def _crowded(self, view: View, result: ToolResult) -> bool:
        """Whether a result is more than fits beside the others behind its reply, whatever leaves before it is sent."""
        if self.compaction is None:
            return False
        room = room_behind(sum(one.tokens for one in view.prefix), self.compaction, self.budget)
        answers = [result, *(other for _, other in view.results.values())]
        lengths = [len(one.text) if isinstance(one, Text) else room for each in answers for one in each.content]
        if sum(lengths) * _TOKENS <= room:
            return False
        return sum(value_tokens(one.wire()) for one in answers) > room

    def shown_message(self, session: Session, message: tuple[Block, ...], seq: int) -> Shown | None:
        """The form of a message that the model sees, if the message alone would fill half the budget."""
        sizes = _sizes(self.budget, self.budget // 2)
        return seen_content(message, session.thread, seq, sizes, self.root, "message")


def declined(call: ToolCall, reason: str) -> str:
    """The text for the model about a call that a person did not allow."""
    return f"{DECLINED.format(name=call.name)} {reason}".strip()


def refused(call: ToolCall, why: str) -> ToolResult:
    """The result of a call that is not run."""
    return ToolResult(call.id, (Text(why),), is_error=True)


@lru_cache(maxsize=16)
def _sizes(budget: int, limit: int | None) -> Offload:
    """The sizes for long texts on a budget, perhaps with a limit of their own."""
    sizes = Offload().sized(budget)
    return sizes if limit is None else replace(sizes, limit=limit)


def _side_by_side(run: Callable[[OpenCall], ToolReturned], calls: list[OpenCall]) -> Iterator[ToolReturned]:
    if len(calls) == 1:
        yield run(calls[0])
        return
    with ThreadPoolExecutor(len(calls)) as pool:
        yield from [future.result() for future in [pool.submit(copy_context().run, run, call) for call in calls]]

"""An agent's state as a transcript: the messages as they are, and beside them the cuts and the ledger's rows.

What is sent is a pure function of the state. A `FoldedState` is one conversation folded as far as its state goes; it
can be made again from any state, so any checkpointer resumes, forks and goes back, in any process.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import is_
from threading import Lock
from typing import Annotated, Any, NamedTuple, NotRequired, cast
from weakref import finalize

from langchain.agents.middleware.types import AgentState, PrivateStateAttr
from langchain_core.messages import AIMessage, AnyMessage, SystemMessage, ToolMessage
from langgraph.channels import DeltaChannel

from agentmem.checking import shown
from agentmem.compaction.conversation import THREAD, FoldedConversation, ShownMessage
from agentmem.context.offload import Offload
from agentmem.context.window import View
from agentmem.errors import ConfigError, TranscriptError
from agentmem.integrations.langchain_marks import formed
from agentmem.integrations.langchain_prefix import Prefix
from agentmem.meter.ledger import Row, decode
from agentmem.models.langchain_blocks import content_blocks, message_blocks, tool_result
from agentmem.models.langchain_messages import Converter, Taken
from agentmem.tokens import Calibration
from agentmem.transcript.transcript import Opening
from agentmem.types import Draft, Entry, Message

_log = logging.getLogger("agentmem.langchain")
CUTS, LEDGER = "agentmem_cuts", "agentmem_ledger"
WHOLE = 2
"""The newest cuts whose entries are kept whole in the state; of the older ones only the place is needed."""

Cut = dict[str, Any]
"""A cut in the state: the id of the message that it follows (``after``), its entry's ``seq``, the entry's ``data``."""


def added_cuts(before: list[Cut], new: list[Cut]) -> list[Cut]:
    """The reducer of the cuts: the newest ones stay whole."""
    cuts = [*(before or ()), *(new or ())]
    older = [{"after": one["after"], "seq": one["seq"]} if "data" in one else one for one in cuts[:-WHOLE]]
    return [*older, *cuts[-WHOLE:]]


def added_rows(before: list[dict[str, Any]], writes: Sequence[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """The reducer of the ledger, for many writes at once."""
    return [*(before or ()), *(row for rows in writes for row in rows or ())]


class MiddlewareState(AgentState[Any]):
    """What `ContextMiddleware` keeps in an agent's state. A turn writes its own rows alone, however many there are."""

    agentmem_ledger: NotRequired[
        Annotated[list[dict[str, Any]], PrivateStateAttr, DeltaChannel(added_rows, snapshot_frequency=500)]
    ]
    agentmem_cuts: NotRequired[Annotated[list[Cut], PrivateStateAttr, added_cuts]]


_STATE = (
    "give the agent a checkpointer and take agent.get_state(config).values, or get each row by "
    "ContextMiddleware(on_row=...)"
)


def rows_of(values: Mapping[str, Any]) -> list[Row]:
    """The ledger in an agent's state, as of ``agent.get_state(config).values``."""
    return [_row(value, at) for at, value in enumerate(values.get(LEDGER) or ())]


def checked_rows(values: Mapping[str, Any]) -> list[Row]:
    """`rows_of` what somebody passes.

    Raises ConfigError for replies without a ledger: the result of ``invoke`` has no private fields.
    """
    if not isinstance(values, Mapping):
        raise ConfigError(f"the ledger is in an agent's state, and {shown(values)} is none: {_STATE}")
    if LEDGER not in values and any(isinstance(one, AIMessage) for one in values.get("messages") or ()):
        raise ConfigError(f"these values have replies and no ledger, as the result of invoke() does: {_STATE}")
    return rows_of(values)


def _row(value: dict[str, Any], at: int) -> Row:
    return decode(Entry(THREAD, at, "", "usage", b"", "", value))


class Outgoing(NamedTuple):
    """The messages of a view, and for each turn the messages that it is made of, with the end of each in frames."""

    messages: list[AnyMessage]
    places: list[list[tuple[int, int]]]

    def at(self, turn: int, block: int) -> int:
        """The message that has this block of a turn."""
        return next(index for end, index in self.places[turn] if block < end)


class FoldedState:
    """One conversation, folded as far as its state went.

    ``room`` are the tokens of results that fit behind one reply; in ``blocks``, content goes out as a list. ``pending``
    are cuts, and ``rows`` the ledger's rows, that the state has not heard of. ``prompt`` is what stood before the
    messages of the last request, ``changed`` how many requests in a row had another than that before.
    """

    def __init__(self, opening: Opening, offload: Offload, paging: frozenset[str], *, native: bool = False) -> None:
        self.talk: FoldedConversation[AnyMessage] = FoldedConversation(opening, offload, paging)
        self.messages: list[AnyMessage] = []
        self.applied: list[Cut] = []
        self.pending: list[Cut] = []
        self.rows: list[dict[str, Any]] = []
        self.sent: View | None = None
        self.last: Row | None = None
        self.calibration = Calibration()
        self.room = 0
        self.blocks = False
        self.cut_after = 0
        self.prompt: Prefix | None = None
        self.changed = 0
        self._converter = Converter(native, Taken("anywhere"))
        self._made: dict[int, AnyMessage] = {}
        finalize(self, self.talk.close)

    @property
    def first(self) -> str | None:
        """The id of the first message."""
        return self.messages[0].id if self.messages else None

    def remember(self, rows: Sequence[Row]) -> None:
        """Takes the last answer's row over: what the provider counted, and when."""
        self.last = next((row for row in reversed(rows) if row.purpose != "summary" and not row.error), None)
        if self.last and self.last.usage.basis != "estimated":
            self.calibration = self.calibration.observe(self.last.context_tokens, self.last.usage.input_tokens)

    def follow(self, messages: Sequence[AnyMessage], cuts: Sequence[Cut]) -> bool:
        """Folds in what is new. False if the state does not continue this one: it went back, or was edited."""
        known = len(self.messages)
        if messages[:known] != self.messages or not self._continues(cuts, len(messages) > known):
            return False
        self.messages[:] = messages[:known]  # the same ones, perhaps read anew from a checkpoint
        places = {_place(cut): cut for cut in cuts[len(self.applied) :]}
        for message in messages[known:]:
            self._fold(message)
            self.messages.append(message)
            cut = places.pop((message.id, self.talk.view.seq + 1), None)
            if cut is not None:
                self._apply(cut)
        if places:
            _log.warning("%d cuts do not fit the messages any more and are left out", len(places))
        return True

    def _continues(self, cuts: Sequence[Cut], more: bool) -> bool:
        places = [_place(cut) for cut in cuts[: len(self.applied)]]
        if places == [_place(cut) for cut in self.applied]:
            self.pending.clear()
            return True
        # a request that failed behind its cut is made again: its state has not heard of the cut
        waits = len(self.pending)
        return bool(waits) and not more and places == [_place(cut) for cut in self.applied[:-waits]]

    def _apply(self, cut: Cut) -> None:
        """Cuts here. Of a cut that is not kept whole, or does not fit edited messages, the entry counts alone."""
        try:
            self.talk.append(Draft("compaction", cut.get("data", "").encode()))
        except (ValueError, KeyError, TypeError, TranscriptError) as error:
            if "data" in cut:
                _log.warning("a cut does not fit the messages any more and is left out: %s", error)
            self.talk.stub()
        self.applied.append(cut)
        self.cut_after = len(self.messages)

    def cut(self, draft: Draft) -> None:
        """Keeps the cut that the conversation has just made, for the state."""
        made = {"after": self.messages[-1].id, "seq": self.talk.view.seq, "data": draft.data.decode()}
        self.applied.append(made)
        self.pending.append(made)
        self.cut_after = len(self.messages)

    def _fold(self, message: AnyMessage) -> None:
        if isinstance(message, AIMessage):
            self.talk.close_calls()
            self.sent = self.talk.view
            self.talk.reply(Message("assistant", message_blocks(message)), message)
        elif isinstance(message, ToolMessage):
            self.talk.result(tool_result(message), self.room, message)
        elif isinstance(message, SystemMessage):
            self.talk.note("system", message.text, message)
        else:
            self.talk.say(tuple(content_blocks(message.content)), message)

    def outgoing(self, view: View, changed: Mapping[str, AnyMessage]) -> Outgoing:
        """The messages of a view. ``changed`` are those that a middleware outside shows in another form, by id."""
        messages: list[AnyMessage] = []
        places: list[list[tuple[int, int]]] = [[] for _ in view.turns]
        for one in self.talk.shown(view):
            messages += self._messages(one, view, changed)
            places[one.turn].append((one.end, len(messages) - 1))
        return Outgoing(messages, places)

    def _messages(
        self, one: ShownMessage[AnyMessage], view: View, changed: Mapping[str, AnyMessage]
    ) -> Iterator[AnyMessage]:
        if one.source is None:
            yield from self._written(one, view)
        elif one.whole and (other := changed.get(one.source.id or "")):
            yield self._formed(other)
        else:
            if one.seq not in self._made:
                self._made[one.seq] = self._formed(one.source if one.whole else self._rebuilt(one, one.source))
            yield self._made[one.seq]

    def _formed(self, message: AnyMessage) -> AnyMessage:
        return formed(message) if self.blocks else message

    def _written(self, one: ShownMessage[AnyMessage], view: View) -> Iterator[AnyMessage]:
        """The messages of frames that no message of the state stands for."""
        values = [frame.value for frame in one.frames]
        for at, message in enumerate(self._converter.apart(one.role, values)):
            identity = f"agentmem-{f'cut-{view.cuts}' if one.seq == 0 else one.seq}-{at}"
            yield self._formed(cast(AnyMessage, message.model_copy(update={"id": identity})))

    def _rebuilt(self, one: ShownMessage[AnyMessage], source: AnyMessage) -> AnyMessage:
        """A message whose blocks are shown in another form than they were said."""
        made, *_ = self._converter.apart(one.role, [frame.value for frame in one.frames])
        keep: dict[str, Any] = {"content": made.content}
        if isinstance(source, ToolMessage) and isinstance(made, ToolMessage):
            keep |= {"artifact": None, "tool_call_id": made.tool_call_id}
        if isinstance(source, AIMessage) and isinstance(made, AIMessage):
            keep |= {"tool_calls": made.tool_calls}
        return source.model_copy(update=keep)


def _place(cut: Cut) -> tuple[Any, Any]:
    return cut["after"], cut["seq"]


class Overlay(NamedTuple):
    """What middlewares outside made of the state's messages: other forms by id, and messages at the end."""

    changed: Mapping[str, AnyMessage]
    behind: list[AnyMessage]
    ignored: int


def overlay(state: Sequence[AnyMessage], given: Sequence[AnyMessage]) -> Overlay:
    """The difference of a request's messages to the state's. What cannot be shown at its place is counted."""
    if len(state) == len(given) and all(map(is_, state, given)):
        return Overlay({}, [], 0)
    known = {message.id: message for message in state if message.id}
    shown = {message.id: message for message in given if message.id in known}
    changed = {str(id): message for id, message in shown.items() if message is not known[id]}
    last = max((at for at, message in enumerate(given) if message.id in known), default=-1)
    added = sum(1 for message in given[: last + 1] if message.id not in known)
    return Overlay(changed, list(given[last + 1 :]), added + len(known) - len(shown))


def repaired(state: Sequence[AnyMessage], given: Sequence[AnyMessage]) -> Sequence[AnyMessage]:
    """The state's messages, with the answers that LangChain itself writes to calls it could not read."""
    if len(given) <= len(state):
        return state
    unread = {call["id"] for one in state if isinstance(one, AIMessage) for call in one.invalid_tool_calls}
    old = {id(message) for message in state}
    new = [message for message in given if id(message) not in old]
    answers = all(isinstance(one, ToolMessage) and one.tool_call_id in unread for one in new)
    return given if answers else state


class FoldedStates:
    """The conversations of one middleware. A folded state belongs to one request at a time."""

    def __init__(self, keep: int = 64) -> None:
        self._keep = keep
        self._free: list[tuple[object, FoldedState]] = []
        self._lock = Lock()

    def take(
        self, kind: object, first: str | None, make: Callable[[], FoldedState], follow: Callable[[FoldedState], bool]
    ) -> tuple[object, FoldedState]:
        """A folded state that follows the state, with its kind; made anew if there is none.

        ``kind`` is what states must have in common, any will do for None; ``first`` is the id of the first message.
        """
        with self._lock:
            begun = [one for one in reversed(self._free) if one[1].first == first]
            waiting = [one for one in begun if kind is None or one[0] == kind]
        for pair in waiting:
            with self._lock:
                if pair not in self._free:
                    continue
                self._free.remove(pair)
            if follow(pair[1]):
                return pair
            self.give(*pair)
        folded = make()
        follow(folded)
        return kind, folded

    def give(self, kind: object, folded: FoldedState) -> None:
        """Gives a folded state back."""
        with self._lock:
            self._free.append((kind, folded))
            del self._free[: -self._keep]

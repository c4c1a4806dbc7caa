"""A LangChain agent's context: stable prefix, compaction that keeps all originals, recall, ledger, as one middleware.

    agent = create_agent(model, tools, middleware=[ContextMiddleware(budget=120_000)])

The state stays the transcript: its messages are never changed. Beside them stand, in private fields, the cuts and the
ledger's rows. What is sent is a pure function of the state, so any checkpointer resumes, forks and goes back.
"""

import logging
import time
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any

from langchain.agents.middleware.internal_call_transformer import InternalCallTransformer, internal_call_metadata
from langchain.agents.middleware.types import AgentMiddleware, ExtendedModelResponse, ModelRequest, ModelResponse
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AnyMessage
from langgraph.errors import GraphBubbleUp
from langgraph.types import Command

from agentmem.checking import CALLABLE, COUNT, NAMES, NOTHING, TEXT, Wanted, among, check_settings, of
from agentmem.compaction.conversation import THREAD
from agentmem.compaction.summarizing import SummaryAnswer, SummaryQuestion, drive, drive_async
from agentmem.compaction.when import (
    Compaction,
    ContextState,
    Quality,
    Reason,
    best_growth,
    check_room,
    due,
    room_behind,
)
from agentmem.context.offload import Offload
from agentmem.context.view import View, largest
from agentmem.errors import BudgetExceeded
from agentmem.integrations.deepagents_places import CACHING, SUMMARISING, DeepAgentsArguments, Vacant, arguments
from agentmem.integrations.langchain_guarded import guarded
from agentmem.integrations.langchain_hints import HeadBreak, Hints, head_break
from agentmem.integrations.langchain_limits import Keep, Trigger, Triggers, kept_tail, read_keep, read_triggers
from agentmem.integrations.langchain_marks import Marker, mark_at, marked_head, marker_of
from agentmem.integrations.langchain_prefix import Prefix, Prefixes
from agentmem.integrations.langchain_recall import recall_tool
from agentmem.integrations.langchain_state import (
    CUTS,
    LEDGER,
    FoldedState,
    FoldedStates,
    MiddlewareState,
    Outgoing,
    Overlay,
    checked_rows,
    overlay,
    repaired,
    rows_of,
)
from agentmem.kvcache.breakpoints import HEAD, TAIL, place
from agentmem.kvcache.rules import rules_for
from agentmem.meter import ledger
from agentmem.meter.ledger import RequestMeter, Row
from agentmem.meter.prices import PRICED, rates_of
from agentmem.models.langchain_reply import Timing, reply
from agentmem.transcript.transcript import Opening
from agentmem.types import Clock, Mark, Request

_log = logging.getLogger("agentmem.langchain")
NOSTREAM = "nostream"
"""LangGraph's tag for a model's run that is not streamed to the user."""

EXPIRED_SHARE = 0.2
"""The share of the best growth from which it pays to cut when the cache has expired: less than in a pause before, where
a summary is paid for. Chosen on one chain of recordings (`python -m tests.benchmarks.middleware --chain 3`)."""
NO_ROOM = (
    "a budget of {budget:,} tokens leaves no room to work: tools and system take {prefix:,}. Raise the budget of "
    "ContextMiddleware to {needed:,} or more, give fewer tools, or set smaller sizes by compaction=Compaction(...)"
)
OUTSIDE = (
    "a middleware before this one put in or took out %d messages: only changes of a message and messages at the end "
    "are shown to the model"
)

_WANTED: Mapping[str, Wanted] = {
    "budget": COUNT,
    "on_row": CALLABLE | NOTHING,
    "clock": CALLABLE,
    "agent": TEXT,
    "name": TEXT,
    "quality": among(1, 2, 3),
    "compaction": of(Compaction, "agentmem.Compaction") | NOTHING,
    "offload": of(Offload, "an Offload") | NOTHING,
    "paging": NAMES,
    "price_as": PRICED | NOTHING,
}

Response = ModelResponse[Any]
Steps = Generator[ModelRequest[Any], Response, ExtendedModelResponse[Any]]


class ContextMiddleware(AgentMiddleware[Any, Any, Any]):
    """Keeps an agent's context below ``budget`` tokens, and its prefix stable.

        create_agent(model, tools, middleware=[ContextMiddleware(budget=120_000)])

    Put it last in the list: middlewares before it see the whole messages, and it sees what they ask for. ``quality``
    1 saves most, 3 keeps most in view; ``compaction`` and ``offload`` set all sizes. ``trigger`` and ``keep`` are
    LangChain's own tuples, such as ``("tokens", 80_000)``: when to compact, in place of the moment that costs least,
    and how much of the end stays as it is. Results of tools in ``paging`` are shown whole if there is room, since these
    tools give long texts in parts themselves. ``on_row`` gets each request's row of the ledger. ``agent`` names
    the rows, ``price_as`` names the model whose prices count ("provider:model"). Raises ConfigError.
    """

    state_schema = MiddlewareState
    transformers = (InternalCallTransformer,)

    def __init__(
        self,
        budget: int = 120_000,
        *,
        quality: Quality = 2,
        compaction: Compaction | None = None,
        offload: Offload | None = None,
        trigger: Trigger | Sequence[Trigger] | None = None,
        keep: Keep | None = None,
        paging: Sequence[str] = ("read_file",),
        on_row: Callable[[Row], object] | None = None,
        agent: str = "main",
        price_as: str | None = None,
        name: str = "ContextMiddleware",
        clock: Clock = time.time,
    ) -> None:
        super().__init__()
        check_settings("ContextMiddleware", locals(), _WANTED)
        self.budget = budget
        self.settings = compaction or Compaction(quality)
        self.triggers: Triggers = read_triggers(trigger)
        self.keep = read_keep(keep, budget)
        self._offload = (offload or Offload()).sized(budget)
        self._paging = frozenset((*paging, "recall"))
        self.on_row, self.agent, self.price_as, self.clock = on_row, agent, price_as, clock
        self._name = name
        self._guarded: tuple[BaseChatModel, BaseChatModel] | None = None
        self._states, self._prefixes, self._recalling = FoldedStates(), Prefixes(), Lock()
        self.hints = Hints()
        self.tools = [recall_tool(self._recalled)]

    @property
    def name(self) -> str:
        """The name in the list of middlewares. It takes the place of deepagents' own middleware of that name."""
        return self._name

    def wrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], Response]
    ) -> ExtendedModelResponse[Any]:
        """LangChain's hook: sends the request, and before it the one for a summary where a cut is due."""
        return drive(self._steps(request), handler)

    async def awrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], Awaitable[Response]]
    ) -> ExtendedModelResponse[Any]:
        """`wrap_model_call` for asyncio."""
        return await drive_async(self._steps(request), handler)

    @classmethod
    def for_deepagents(
        cls,
        *,
        subagents: Sequence[Any] = (),
        middleware: Sequence[AgentMiddleware[Any, Any, Any]] = (),
        **settings: Any,
    ) -> DeepAgentsArguments:
        """The arguments with which `create_deep_agent` uses this in place of its own summariser and caching.

            create_deep_agent(model, tools, **ContextMiddleware.for_deepagents(budget=120_000, subagents=[helper]))

        ``subagents`` are the specs that the agent gets, and get the same; compiled and remote ones stay as they are.
        ``middleware`` are your own, ``settings`` those of `ContextMiddleware`.
        """
        ours: list[AgentMiddleware[Any, Any, Any]] = [cls(name=CACHING, **settings), Vacant(SUMMARISING)]
        return arguments(ours, middleware, subagents)

    @staticmethod
    def ledger(values: Mapping[str, Any]) -> list[Row]:
        """The rows of all requests, oldest first, from ``agent.get_state(config).values``. Raises ConfigError."""
        return checked_rows(values)

    def guarded(self, model: BaseChatModel) -> BaseChatModel:
        """The model with a last look at its requests' marks."""
        if self._guarded is None or self._guarded[0] is not model:
            self._guarded = model, guarded(model)
        return self._guarded[1]

    # One request.

    def _steps(self, request: ModelRequest[Any]) -> Steps:
        prefix = self._prefixes.of(request)
        marker = marker_of(request.model, prefix.profile)
        messages = repaired(request.state["messages"], request.messages)
        kind, folded = self._folded(request.state, messages, prefix)
        try:
            laid = overlay(messages, request.messages)
            return (yield from _Sending(self, request, folded, prefix, marker, laid).steps())
        finally:
            self._states.give(kind, folded)

    def _folded(
        self, state: Mapping[str, Any], messages: Sequence[AnyMessage], prefix: Prefix | None
    ) -> tuple[object, FoldedState]:
        """The conversation of a state; without a prefix, for recall alone, of any model."""
        profile = prefix.profile if prefix else None
        kind = (profile.provider, profile.name) if profile else None
        room = room_behind(prefix.tokens, self.settings, self.budget) if prefix else 0

        def make() -> FoldedState:
            opening = Opening(kind[1], provider=kind[0]) if kind else Opening("langchain")
            made = FoldedState(opening, self._offload, self._paging, native=prefix is not None and prefix.native)
            made.remember(rows_of(state))
            return made

        def follow(folded: FoldedState) -> bool:
            folded.room = room if prefix else folded.room
            return folded.follow(messages, state.get(CUTS) or ())

        return self._states.take(kind, messages[0].id if messages else None, make, follow)

    def _recalled(self, state: Mapping[str, Any], use: Callable[[FoldedState], Any]) -> Any:
        """Calls ``use`` with the conversation of a state. One at a time, so that parallel calls share the fold."""
        with self._recalling:
            kind, folded = self._folded(state, state["messages"], None)
            try:
                return use(folded)
            finally:
                self._states.give(kind, folded)


@dataclass
class _Sending:
    """One request on its way: what the answer and the summary before it have in common."""

    owner: ContextMiddleware
    request: ModelRequest[Any]
    folded: FoldedState
    prefix: Prefix
    marker: Marker | None
    laid: Overlay

    def __post_init__(self) -> None:
        messages = self.request.state["messages"]
        self.meter = RequestMeter(self.owner.agent, self.prefix.profile, self.owner.price_as)
        self.head = marked_head(self.request, self.marker, HEAD, str(messages[0].id) if messages else "")
        self.folded.blocks = self.marker is not None
        self.broken: HeadBreak | None = None
        if self.laid.ignored:
            _log.warning(OUTSIDE, self.laid.ignored)

    def steps(self) -> Steps:
        """Yields the requests; returns the answer with what the state must keep. Raises ConfigError, BudgetExceeded."""
        self._check_room()
        folded = self.folded
        self.broken = head_break(folded.prompt, self.prefix)
        folded.changed = self.owner.hints.sent(folded.changed, self.broken)
        folded.prompt = self.prefix
        yield from self._compacting()
        view = self.folded.talk.ready()
        whole = self.prefix.before(view)
        estimate = self.folded.calibration.estimate(whole.tokens)
        if estimate > self.owner.budget:
            raise BudgetExceeded(estimate, self.owner.budget, largest(whole, THREAD))
        marks = place(self.prefix.tools, self.prefix.system, view.turns)
        outgoing = self.folded.outgoing(view, self.laid.changed)
        messages = [*self._marked(outgoing, marks), *self.laid.behind]
        began = self.owner.clock()
        try:
            model = self.owner.guarded(self.request.model)
            response = yield self.request.override(model=model, messages=messages, **self.head)
        except Exception as error:
            self._failed(whole, "answer", error, began, estimate)
            raise
        self._answered(whole, "answer", response, began, estimate, marks)
        cuts, rows = list(self.folded.pending), list(self.folded.rows)
        self.folded.rows.clear()
        update = {LEDGER: rows, **({CUTS: cuts} if cuts else {})}
        return ExtendedModelResponse(response, Command(update=update))

    def _check_room(self) -> None:
        """Raises ConfigError if tools and system leave no room to work in."""
        users = self.folded.talk.view.users
        check_room(NO_ROOM, self.prefix.tokens, users, self.owner.settings, self.owner.budget)

    # The summary.

    def _compacting(self) -> Generator[ModelRequest[Any], Response, None]:
        owner, folded = self.owner, self.folded
        settings = kept_tail(owner.settings, owner.keep, folded, self.prefix, owner.budget)
        reason = self._reason(settings)
        before = folded.talk.view.tokens
        ask = self._answers_in_text() and not self._expired()
        steps = folded.talk.compacting(reason, settings, owner.budget, ask=ask)
        try:
            question = next(steps)
            while True:
                answer = yield from self._asked(question)
                question = steps.send(answer)
        except StopIteration as done:
            decided = done.value
        if decided is not None:
            folded.cut(decided.draft)
            owner.hints.compacted(self.request.state, folded.messages)
            after = folded.talk.view.tokens
            _log.info("compacted (%s, %s): %d tokens, now %d", reason, decided.by, before, after)

    def _reason(self, settings: Compaction) -> Reason | None:
        folded, owner = self.folded, self.owner
        tokens = folded.talk.view.tokens + self.prefix.tokens
        scale = folded.calibration.estimate(tokens) / tokens if tokens else 1.0
        rates = rates_of(self.prefix.profile, owner.price_as)
        now = folded.talk.state(settings, owner.budget, rates, self.prefix.tokens, scale)
        reason = due(now) or ("idle" if self._expired() and _spares(now) else None)
        if not owner.triggers or reason == "limit":
            return reason
        count = len(folded.messages) - folded.cut_after
        return "asked" if owner.triggers.hold(now.context, count, self.prefix.profile) else None

    def _expired(self) -> bool:
        """True if what was cached has expired since the last request: all that stays in view is paid for anew.

        So it pays to cut, and not to ask for a summary: that request would read nothing from the cache.
        """
        last, profile = self.folded.last, self.prefix.profile
        lives = rules_for(profile.provider, profile.name).lifetimes[TAIL]
        return last is not None and self.owner.clock() - last.at > lives

    def _answers_in_text(self) -> bool:
        """False where the model must call a tool or fill a form, so that no text can come."""
        choice = self.request.tool_choice
        return self.request.response_format is None and choice in (None, "auto", "none")

    def _asked(self, question: SummaryQuestion) -> Generator[ModelRequest[Any], Response, SummaryAnswer | None]:
        """The request for a summary: the same head, and the messages of the last request with one more."""
        whole = self.prefix.before(question.view)
        estimate = self.folded.calibration.estimate(whole.tokens)
        if estimate > self.owner.budget:
            return None
        outgoing = self.folded.outgoing(question.view, self.laid.changed)
        messages, last = outgoing.messages, len(outgoing.messages) - 2
        if self.marker and last >= 0:
            mark_at(messages, last, self.marker, TAIL)
        began = self.owner.clock()
        model = unstreamed(self.owner.guarded(self.request.model))
        asked = self.request.override(model=model, messages=messages, **self.head)
        try:
            response = yield asked
        except GraphBubbleUp:
            raise
        except Exception as error:
            self._failed(whole, "summary", error, began, estimate)
            _log.warning("the model gave no summary: %s", error)
            return None
        said = response.result[0]
        self._row(whole, "summary", response, began, estimate, ())
        return SummaryAnswer(said.text, bool(getattr(said, "tool_calls", ())))

    # What goes out, and what it cost.

    def _marked(self, outgoing: Outgoing, marks: Sequence[Mark]) -> list[AnyMessage]:
        messages = outgoing.messages
        if self.marker:
            for mark in marks:
                if mark.segment == "message":
                    mark_at(messages, outgoing.at(mark.index, mark.block), self.marker, mark.ttl)
        return messages

    def _answered(
        self, whole: View, purpose: str, response: Response, began: float, estimate: int, marks: Sequence[Mark]
    ) -> None:
        row = self._row(whole, purpose, response, began, estimate, marks)
        if row and row.usage.basis != "estimated":
            self.folded.calibration = self.folded.calibration.observe(row.context_tokens, row.usage.input_tokens)
        self.folded.last = row or self.folded.last

    def _row(
        self, whole: View, purpose: str, response: Response, began: float, estimate: int, marks: Sequence[Mark]
    ) -> Row | None:
        said = next((one for one in response.result if isinstance(one, AIMessage)), None)
        if said is None:
            return None
        elapsed = self.owner.clock() - began
        sent = self._request(whole, purpose, estimate, marks)
        before = self.prefix.before(self.folded.sent) if self.folded.sent is not None else None
        given = reply(sent, [said], Timing(elapsed, elapsed))
        row = self.meter.row(THREAD, sent, given, whole, before, self.folded.last, began)
        row = replace(row, changed=self.broken.short) if self.broken else row
        self._tell(row)
        return row

    def _failed(self, whole: View, purpose: str, error: Exception, began: float, estimate: int) -> None:
        if not isinstance(error, GraphBubbleUp):
            sent = self._request(whole, purpose, estimate, ())
            self._tell(self.meter.failure(THREAD, sent, error, whole, began))

    def _request(self, whole: View, purpose: str, estimate: int, marks: Sequence[Mark]) -> Request:
        name = self.prefix.profile.name
        return Request(name, (), (), whole.turns, marks=tuple(marks), purpose=purpose, estimate=estimate)

    def _tell(self, row: Row) -> None:
        self.folded.rows.append(ledger.value(row))
        if self.owner.on_row:
            self.owner.on_row(row)


def _spares(now: ContextState) -> bool:
    """True if a cut that no summary is paid for spares enough to be worth what it takes out of view."""
    return now.since >= EXPIRED_SHARE * best_growth(now) and now.context - now.least > now.gain


def unstreamed(model: BaseChatModel) -> BaseChatModel:
    """The model, with what keeps its tokens out of an agent's stream."""
    metadata = {**(model.metadata or {}), **internal_call_metadata()}
    return model.model_copy(update={"tags": [*(model.tags or ()), NOSTREAM], "metadata": metadata})

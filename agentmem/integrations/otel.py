"""OpenTelemetry: spans and metrics of runs by the GenAI conventions, through OpenTelemetry's own package for them.

    telemetry = Telemetry()                              # exports where OpenTelemetry is set up to
    with Agent(telemetry.model("anthropic:claude-sonnet-5-5"), "notes") as agent:
        result = telemetry.run(agent, "Summarise notes.md", thread="main")

A run is an ``invoke_agent`` span; below it each request is a ``chat`` span, each tool an ``execute_tool`` span, each
compaction a workflow with its request, and each call of ``delegate`` an ``invoke_agent`` span with its own requests.
An answer cache's question is a ``retrieval`` span. What people, models and tools said is exported only if the variable
OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT asks for it.
"""

from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextvars import Context, ContextVar, copy_context
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Self

from agentmem.answers.asking import Answered
from agentmem.answers.cache import AnswerCache
from agentmem.checking import NOTHING, check_settings
from agentmem.distribution import install
from agentmem.errors import ConfigError
from agentmem.integrations.otel_content import asked, replied, told
from agentmem.meter.prices import PRICED, cost
from agentmem.models import load as named_model
from agentmem.runtime.agent import Agent
from agentmem.runtime.events import Compacted, Done, Event, Metered, Result, ToolCalled, ToolReturned
from agentmem.types import Delta, Model, ModelProfile, Reply, Request

if TYPE_CHECKING:
    from opentelemetry.util.genai.handler import TelemetryHandler

WriteCounter = Literal["cache_write", "cache_creation"]
WRITE_NAMES: dict[WriteCounter, str] = {
    "cache_write": "gen_ai.usage.cache_write.input_tokens",
    "cache_creation": "gen_ai.usage.cache_creation.input_tokens",
}
"""What the counter of cache writes is called: by today's conventions, and by those before November 2026. A span has one
of them, so that a backend that knows both does not count twice."""

SUMMARY, DELEGATE = "summary", "delegate"
"""The purpose of a compaction's request, and the tool that starts delegates."""


class _Invocation:
    """One invocation of the handler, in a context of its own: what is current elsewhere stays as it is."""

    def __init__(self, begin: Callable[..., Any], *arguments: Any, **settings: Any) -> None:
        self._context: Context = copy_context()
        self.told: Any = self._context.run(begin, *arguments, **settings)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self.end(None if isinstance(error, GeneratorExit) else error)  # a stream that is left early has not failed

    @property
    def below(self) -> Any:
        """OpenTelemetry's context of what is part of it."""
        from opentelemetry.trace import set_span_in_context

        return set_span_in_context(self.told.span)

    def note(self, **attributes: object) -> None:
        """Attributes of ours, those with a value."""
        self.told.attributes.update({f"agentmem.{name}": one for name, one in attributes.items() if one is not None})

    def end(self, error: BaseException | None = None) -> None:
        """Its end, or how it failed."""
        self._context.run(*((self.told.stop,) if error is None else (self.told.fail, error)))


@dataclass(slots=True)
class _Run:
    """A run while it goes on: its own span, and those of the tools, delegates and the compaction that are open."""

    agent: _Invocation
    thread: str
    tools: dict[str, _Invocation] = field(default_factory=dict)
    delegates: dict[str, _Invocation] = field(default_factory=dict)
    compaction: _Invocation | None = None
    breaks: int = 0

    def parent(self) -> _Invocation:
        """What a request belongs to now: requests of the thread itself and of its delegates are never at once."""
        return next(reversed(self.delegates.values()), self.agent)


_RUN: ContextVar[_Run | None] = ContextVar("agentmem-otel-run", default=None)


class Telemetry:
    """Exports runs. The providers are OpenTelemetry's own for this process where none are given.

    ``write_counter`` says what cache writes are called, ``price_as`` whose prices count, as in Agent. Raises
    ConfigError without the extra, or for another name.
    """

    def __init__(
        self,
        *,
        tracer_provider: Any = None,
        meter_provider: Any = None,
        write_counter: WriteCounter = "cache_write",
        price_as: str | None = None,
    ) -> None:
        if write_counter not in WRITE_NAMES:
            raise ConfigError(f"write_counter is {write_counter!r}; it is one of {', '.join(WRITE_NAMES)}")
        check_settings("Telemetry", {"price_as": price_as}, {"price_as": PRICED | NOTHING})
        self.write_counter, self.price_as = write_counter, price_as
        self.handler = _handler(tracer_provider, meter_provider)

    def model(self, model: Model | str, **options: Any) -> "TracedModel":
        """The model, or the one of that name, whose requests are exported from now on."""
        return TracedModel(named_model(model, **options) if isinstance(model, str) else model, self)

    def run(self, agent: Agent, *task: Any, **settings: Any) -> Result:
        """As `Agent.run`."""
        for event in self.stream(agent, *task, **settings):
            if isinstance(event, Done):
                return event.result
        raise RuntimeError("a run ended without a result")

    def stream(self, agent: Agent, *task: Any, **settings: Any) -> Generator[Event, None, None]:
        """As `Agent.stream`."""
        name, thread = agent.steps.meter.agent, str(settings.get("thread") or "")
        own = {"agent_name": name, "request_model": agent.model.profile.name}
        run = _Run(_Invocation(self.handler.invoke_local_agent, **own, conversation_id=thread or None), thread)
        here = copy_context()
        here.run(_RUN.set, run)
        events = here.run(agent.stream, *task, **settings)
        try:
            while (event := here.run(next, events, None)) is not None:
                self._heard(run, event)
                yield event
        except BaseException as error:
            here.run(events.close)
            _end_all(run, None if isinstance(error, GeneratorExit) else error)
            raise
        _end_all(run, None)

    def answer(self, cache: AnswerCache, question: str, answering: Callable[..., Any], **settings: Any) -> Answered:
        """As `AnswerCache.ask`, as one span that says where the answer came from."""
        with _Invocation(self.handler.retrieval, data_source_id="agentmem.answers") as span:
            if self.handler.should_capture_content():
                span.told.query_text = question
            answered: Answered = cache.ask(question, answering, **settings)
            span.note(**{"answer.how": answered.how, "answer.hit": answered.how != "fresh"})
        return answered

    def _heard(self, run: _Run, event: Event) -> None:
        match event:
            case ToolCalled(call):
                tool = _Invocation(self.handler.tool, call.name, tool_call_id=call.id, context=run.agent.below)
                if self.handler.should_capture_content():
                    tool.told.arguments = call.parsed or {}
                run.tools[call.id] = tool
                if call.name == DELEGATE:
                    begin = self.handler.invoke_local_agent
                    run.delegates[call.id] = _Invocation(begin, agent_name=DELEGATE, context=tool.below)
            case ToolReturned():
                self._returned(run, event)
            case Metered(row):
                run.breaks += row.break_ == "break"
            case Compacted():
                self._compacted(run, event)
            case Done(result):
                run.agent.told.conversation_id = result.thread
                run.agent.told.finish_reasons = [result.stop_reason] if result.stop_reason else None
                run.agent.note(cost_usd=result.cost_usd, status=result.status, turns=result.turns, breaks=run.breaks)

    def _returned(self, run: _Run, event: ToolReturned) -> None:
        delegate, tool = run.delegates.pop(event.result.call_id, None), run.tools.pop(event.result.call_id, None)
        if delegate is not None:
            delegate.end()
        if tool is None:
            return
        if self.handler.should_capture_content():
            tool.told.tool_result = told(event.result)
        tool.note(**{"tool.error": event.result.is_error})
        tool.end()

    def _compacted(self, run: _Run, event: Compacted) -> None:
        span = run.compaction or _Invocation(self.handler.workflow, "compaction", context=run.agent.below)
        run.compaction = None
        span.note(
            **{
                "compaction.reason": event.reason,
                "compaction.tokens_before": event.before,
                "compaction.tokens_after": event.after,
                "compaction.by": event.by,
            }
        )
        span.end()


class TracedModel:
    """A model whose every request is a span: ``TracedModel(model, telemetry)``, or `Telemetry.model`."""

    def __init__(self, model: Model, telemetry: Telemetry) -> None:
        self.inner, self.telemetry = model, telemetry

    @property
    def profile(self) -> ModelProfile:
        """The model's own."""
        return self.inner.profile

    def close(self) -> None:
        """Close the model."""
        self.inner.close()

    def stream(self, request: Request) -> Iterator[Delta]:
        """The model's own deltas."""
        with self._begin(request) as span:
            for delta in self.inner.stream(request):
                if isinstance(delta, Reply):
                    self._reply(span, delta)
                yield delta

    async def astream(self, request: Request) -> AsyncIterator[Delta]:
        """The model's own deltas."""
        with self._begin(request) as span:
            async for delta in self.inner.astream(request):
                if isinstance(delta, Reply):
                    self._reply(span, delta)
                yield delta

    def _begin(self, request: Request) -> _Invocation:
        run, handler = _RUN.get(), self.telemetry.handler
        settings: dict[str, Any] = {"request_model": request.model}
        if run is not None:
            parent = _compacting(run, handler) if request.purpose == SUMMARY else run.parent()
            settings |= {"context": parent.below, "conversation_id": run.thread or None}
        span = _Invocation(handler.inference, self.profile.provider, **settings)
        span.told.max_tokens = request.options.max_tokens
        span.note(purpose=request.purpose, tier=self.profile.tier)
        if handler.should_capture_content():
            span.told.system_instruction, span.told.input_messages = asked(request)
        return span

    def _reply(self, span: _Invocation, reply: Reply) -> None:
        usage, told_of = reply.usage, span.told
        told_of.input_tokens, told_of.output_tokens = usage.input_tokens, usage.output_tokens
        told_of.cache_read_input_tokens = usage.cache_read_tokens
        written = usage.cache_write_5m_tokens + usage.cache_write_1h_tokens
        if self.telemetry.write_counter == "cache_write":
            told_of.cache_write_input_tokens = written
        elif written:
            told_of.attributes[WRITE_NAMES[self.telemetry.write_counter]] = written
        told_of.response_id, told_of.finish_reasons = reply.id or None, [reply.stop_reason]
        price = cost(self.profile, usage, price_as=self.telemetry.price_as, extras=reply.extras)
        row = None if price.row is None else str(price.row)
        span.note(basis=usage.basis, cost_usd=price.usd, price_row=row, cache_miss_reason=reply.provider_reason)
        if self.telemetry.handler.should_capture_content():
            told_of.output_messages = replied(reply)


def _compacting(run: _Run, handler: "TelemetryHandler") -> _Invocation:
    """The open compaction, or a new one."""
    if run.compaction is None:
        run.compaction = _Invocation(handler.workflow, "compaction", context=run.agent.below)
    return run.compaction


def _end_all(run: _Run, error: BaseException | None) -> None:
    """End what is still open, the innermost first."""
    for span in (*run.delegates.values(), *run.tools.values()):
        span.end(error)
    if run.compaction is not None:
        run.compaction.end(error)
    run.agent.end(error)


def _handler(tracer_provider: Any, meter_provider: Any) -> "TelemetryHandler":
    try:
        from opentelemetry.util.genai.handler import TelemetryHandler
    except ImportError as error:
        raise ConfigError(f"OpenTelemetry's package for agents is not installed: {install('otel')}") from error
    return TelemetryHandler(
        tracer_provider=tracer_provider,
        meter_provider=meter_provider,
        instrumentation_scope_name="agentmem.integrations.otel",
    )

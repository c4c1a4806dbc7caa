"""Spans of model calls, as JSON lines: OpenTelemetry's by the GenAI conventions, OpenInference's, and LangSmith's runs.

A span is a whole request, so those of one trace or conversation are put together as a wire log's lines are. Where a
span has no content, only its numbers are known.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agentmem.kvcache.frames import frame
from agentmem.kvcache.reported import tokens_of
from agentmem.replay.formats.contents import arguments, moment_of, sent, usage_or_odd
from agentmem.replay.formats.message_list import RESULTS, Growth, said
from agentmem.replay.formats.telling import counted
from agentmem.replay.session import Exchange, RecordedSession, SkippedLine, lifetime
from agentmem.replay.source import RecordingSource, Spool, lines
from agentmem.types import Frame, Usage

Value = Mapping[str, Any]
_INDEXED = re.compile(r"llm\.(input|output)_messages\.(\d+)\.message\.(.+)")
_CALL = re.compile(r"tool_calls\.(\d+)\.tool_call\.(id|function\.name|function\.arguments)")


@dataclass(frozen=True, slots=True)
class ModelSpan:
    """One call of a model: its conversation, its times, what was sent and replied, and what was used.

    ``odd`` says that a usage stood there and could not be read.
    """

    conversation: str
    at: float
    answered: float
    model: str
    provider: str
    asked: tuple[Value, ...]
    reply: tuple[Value, ...]
    usage: Usage | None
    identity: str
    odd: tuple[str, ...] = ()


@dataclass(slots=True)
class _Begun:
    provider: str
    head: tuple[Frame, ...]
    growth: Growth = field(default_factory=Growth)


class Spans:
    """Reads files of spans or runs."""

    name = "spans"

    def accepts(self, first: Any) -> bool:
        """A batch of spans, a span, or a run."""
        if not isinstance(first, dict):
            return False
        return "resourceSpans" in first or _is_span(first) or {"run_type", "inputs"} <= first.keys()

    def sources(self, path: Path, spool: Spool) -> Iterator[RecordingSource | SkippedLine]:
        """The whole file: which spans belong together shows only when it is read."""
        yield RecordingSource(self.name, str(path), 0, str(path), name=path.name.partition(".")[0])

    def sessions(self, source: RecordingSource) -> Iterator[RecordedSession | SkippedLine]:
        """Each conversation, in the order of its first request."""
        found: list[ModelSpan] = []
        for line in lines(Path(source.file)):
            if isinstance(line, SkippedLine):
                yield line
                continue
            try:
                read = list(_spans(line.value))
            except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
                yield SkippedLine(source.path, line.number, f"a span lacks what it should have: {error!r}")
                continue
            yield from (SkippedLine(source.path, line.number, odd) for one in read for odd in one.odd)
            found += read
        groups: dict[tuple[str, tuple[Frame, ...]], _Begun] = {}
        for span in sorted(found, key=lambda one: one.at):
            _add(groups, span)
        for at, ((conversation, _), one) in enumerate(groups.items(), start=1):
            exchanges = tuple(one.growth.exchanges)
            text = any(each.reply or each.arrived for each in exchanges)
            head = one.head if one.head or exchanges[0].usage is None else None
            yield RecordedSession(
                conversation or f"{source.name}/{at}",
                source.path,
                exchanges,
                head,
                text,
                lifetime(exchanges),
                provider=one.provider,
            )
        if not groups:
            yield SkippedLine(source.path, 0, "no call of a model among the spans")


def _is_span(value: Value) -> bool:
    attributes = value.get("attributes")
    named = {"traceId", "spanId"} <= value.keys() or "context" in value or "trace_id" in value or "start_time" in value
    return isinstance(attributes, dict | list) and named and "run_type" not in value


def _add(groups: dict[tuple[str, tuple[Frame, ...]], _Begun], span: ModelSpan) -> None:
    """Put a span with the conversation of its trace that begins with the same message."""
    heads = [one for message in span.asked for one in _frames(message, system=True)]
    talk = [one for message in span.asked for one in _frames(message, system=False)]
    reply = tuple(one for message in span.reply for one in _frames(message, system=False))
    begun = groups.setdefault((span.conversation, tuple(talk[:1])), _Begun(span.provider, tuple(heads)))
    own = tuple(heads) if tuple(heads) != begun.head else None
    begun.growth.add(
        talk, Exchange(span.at, span.answered, span.model, (), reply, span.usage, head=own, identity=span.identity)
    )


def _frames(message: Value, *, system: bool) -> Iterator[Frame]:
    """The blocks of a message, if it is of the system or if it is not."""
    role = str(message.get("role") or "user")
    if (role in ("system", "developer")) is not system:
        return
    if system:
        yield from (frame("system", block) for block in sent(message.get("content")))
    elif role in ("assistant", "ai"):
        yield from (frame("message", block, "assistant") for block in said(message))
    else:
        made = RESULTS.get(role)
        blocks = [made(dict(message))] if made else sent(message.get("content"))
        yield from (frame("message", block, "user") for block in blocks)


def _spans(value: Value) -> Iterator[ModelSpan]:
    """The calls of models in a line: of a batch, a span by itself, or a run of LangSmith's."""
    if "resourceSpans" in value:
        for resource in value["resourceSpans"]:
            for scope in resource.get("scopeSpans") or ():
                for span in scope.get("spans") or ():
                    yield from _of_span(span)
    elif "run_type" in value:
        yield from _of_run(value)
    else:
        yield from _of_span(value)


def _of_span(span: Value) -> Iterator[ModelSpan]:
    given = _attributes(span.get("attributes"))
    model = given.get("gen_ai.request.model") or given.get("gen_ai.response.model") or given.get("llm.model_name")
    kind = given.get("openinference.span.kind", "LLM" if given.get("gen_ai.operation.name", "chat") in _CHATS else "")
    if not model or kind != "LLM":
        return
    context = span.get("context") or {}
    trace = span.get("traceId") or context.get("trace_id") or span.get("trace_id") or ""
    at = _moment(span, "startTimeUnixNano", "start_time")
    inference, odd = "llm.model_name" in given, list[str]()
    yield ModelSpan(
        conversation=str(given.get("gen_ai.conversation.id") or given.get("session.id") or trace),
        at=at,
        answered=max(at, at + float(given.get("gen_ai.response.time_to_first_chunk") or 0.0)),
        model=str(model),
        provider=str(
            given.get("gen_ai.provider.name") or given.get("gen_ai.system") or given.get("llm.provider") or "unknown"
        ),
        asked=tuple(
            _indexed(given, "input") if inference else _conventional(given, "system_instructions", "input.messages")
        ),
        reply=tuple(_indexed(given, "output") if inference else _conventional(given, "output.messages")),
        usage=usage_or_odd(_counts, given, odd),
        identity=str(given.get("gen_ai.response.id") or span.get("spanId") or context.get("span_id") or ""),
        odd=tuple(odd),
    )


_CHATS = ("chat", "text_completion", "generate_content")


def _attributes(given: Any) -> dict[str, Any]:
    """Attributes as a flat object: OTLP's list of typed values, or an object that may be nested."""
    if isinstance(given, list):
        return {one["key"]: next(iter((one.get("value") or {"": None}).values())) for one in given}
    flat: dict[str, Any] = {}
    _flatten(given or {}, "", flat)
    return flat


def _flatten(value: Any, path: str, flat: dict[str, Any]) -> None:
    flat[path] = value
    if isinstance(value, Mapping):
        for key, part in value.items():
            _flatten(part, f"{path}.{key}" if path else str(key), flat)
    elif isinstance(value, list) and path.startswith("llm."):
        for at, part in enumerate(value):
            _flatten(part, f"{path}.{at}", flat)


def _moment(span: Value, *names: str) -> float:
    given = next((span[name] for name in names if span.get(name)), None)
    return moment_of(given) or 0.0


def _conventional(given: Value, *names: str) -> Iterator[Value]:
    """Messages by the conventions: a role, and parts."""
    for name in names:
        told = given.get(f"gen_ai.{name}")
        parsed = json.loads(told) if isinstance(told, str) else told or ()
        if name == "system_instructions" and parsed:
            parsed = [{"role": "system", "parts": parsed}]
        for message in parsed:
            yield from _of_parts(message)


def _of_parts(message: Value) -> Iterator[Value]:
    parts = message.get("parts")
    if parts is None:
        yield message
        return
    texts = [{"type": "text", "text": str(one.get("content") or "")} for one in parts if one.get("type") == "text"]
    thoughts = [
        {"type": "thinking", "thinking": str(one.get("content") or "")}
        for one in parts
        if one.get("type") == "reasoning"
    ]
    calls = [
        {"id": one.get("id"), "function": {"name": one.get("name"), "arguments": one.get("arguments")}}
        for one in parts
        if one.get("type") == "tool_call"
    ]
    for one in parts:
        if one.get("type") == "tool_call_response":
            content = one.get("response", one.get("result"))
            yield {
                "role": "tool",
                "tool_call_id": one.get("id"),
                "content": content if isinstance(content, str) else json.dumps(content),
            }
    if texts or calls or thoughts:
        yield {"role": message.get("role"), "content": [*thoughts, *texts], "tool_calls": calls}


def _indexed(given: Value, side: str) -> Iterator[Value]:
    """OpenInference's messages, whose attributes have their places in their names."""
    found: dict[int, dict[str, Any]] = {}
    calls: dict[int, dict[int, dict[str, Any]]] = {}
    for name, value in given.items():
        if not (place := _INDEXED.fullmatch(name)) or place[1] != side:
            continue
        at, key = int(place[2]), place[3]
        if called := _CALL.fullmatch(key):
            calls.setdefault(at, {}).setdefault(int(called[1]), {})[called[2]] = value
        elif "." not in key:
            found.setdefault(at, {})[key] = value
    for at in sorted(found.keys() | calls.keys()):
        made = [
            {
                "id": one.get("id"),
                "function": {"name": one.get("function.name", "tool"), "arguments": one.get("function.arguments")},
            }
            for _, one in sorted(calls.get(at, {}).items())
        ]
        yield {**found.get(at, {}), "tool_calls": made}


def _counts(given: Value) -> Usage | None:
    """Both conventions count cached tokens as a part of the input."""
    whole = given.get("gen_ai.usage.input_tokens", given.get("llm.token_count.prompt"))
    if whole is None:
        return None
    read = _first(
        given,
        "gen_ai.usage.cache_read.input_tokens",
        "gen_ai.usage.cache_read_input_tokens",
        "llm.token_count.prompt_details.cache_read",
    )
    written = _first(
        given,
        "gen_ai.usage.cache_creation.input_tokens",
        "gen_ai.usage.cache_creation_input_tokens",
        "llm.token_count.prompt_details.cache_write",
    )
    output = _first(given, "gen_ai.usage.output_tokens", "llm.token_count.completion")
    return counted(whole, read, output, written, apart=tokens_of(whole) < tokens_of(read) + tokens_of(written))


def _first(given: Value, *names: str) -> Any:
    return next((given[name] for name in names if given.get(name) is not None), 0)


def _of_run(run: Value) -> Iterator[ModelSpan]:
    """A run of LangSmith's, if it is a model's."""
    if run.get("run_type") != "llm":
        return
    meta = (run.get("extra") or {}).get("metadata") or {}
    asked = (run.get("inputs") or {}).get("messages") or ()
    asked = asked[0] if asked and isinstance(asked[0], list) else asked
    outputs = run.get("outputs") or {}
    replies = [one for many in outputs.get("generations") or () for one in (many if isinstance(many, list) else [many])]
    reply = [_plain(one.get("message") or one) for one in replies[:1]] or [
        _plain(one) for one in outputs.get("messages") or ()
    ]
    odd = list[str]()
    used = next((one["usage_metadata"] for one in (*reply, outputs) if one.get("usage_metadata")), None)
    at = _moment(run, "start_time")
    yield ModelSpan(
        conversation=str(meta.get("thread_id") or meta.get("session_id") or run.get("trace_id") or ""),
        at=at,
        answered=max(at, moment_of(run.get("first_token_time")) or at),
        model=str(meta.get("ls_model_name") or ""),
        provider=str(meta.get("ls_provider") or "unknown"),
        asked=tuple(_plain(one) for one in asked),
        reply=tuple(reply),
        usage=usage_or_odd(_of_metadata, used, odd),
        identity=str(run.get("id") or ""),
        odd=tuple(odd),
    )


_ROLES = {
    "human": "user",
    "ai": "assistant",
    "HumanMessage": "user",
    "AIMessage": "assistant",
    "AIMessageChunk": "assistant",
    "SystemMessage": "system",
    "ToolMessage": "tool",
}


def _plain(message: Any) -> dict[str, Any]:
    """A message of LangChain's, as it is serialised or as it is, with a role."""
    given: Value = message.get("kwargs", message) if isinstance(message, Mapping) else {"content": str(message)}
    named = message.get("id") if isinstance(message, Mapping) else None
    kind = str(given.get("role") or given.get("type") or (named[-1] if isinstance(named, list) and named else "user"))
    calls = [
        call
        if "function" in call
        else {"id": call.get("id"), "function": {"name": call.get("name"), "arguments": arguments(call.get("args"))}}
        for call in given.get("tool_calls") or ()
    ]
    return {**given, "role": _ROLES.get(kind, kind), "tool_calls": calls}


def _of_metadata(used: Any) -> Usage | None:
    """LangChain's usage: its input has the tokens in it that a cache had or took."""
    if not isinstance(used, Mapping):
        return None
    details = used.get("input_token_details") or {}
    return counted(
        used.get("input_tokens"), details.get("cache_read"), used.get("output_tokens"), details.get("cache_creation")
    )

"""LiteLLM's standard logging payloads, one a line or in arrays: what its callbacks and its proxy write of each call.

{"call_type", "model", "custom_llm_provider", "startTime", "endTime", "messages", "model_parameters", "response"}, see
https://docs.litellm.ai/docs/proxy/logging_spec. Messages, reply and usage stand in OpenAI's form whoever answered; the
input count has the tokens in it that a cache served or stored.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from agentmem.replay.formats.wire_log import UNREADABLE, WireReading, why
from agentmem.replay.session import RecordedSession, SkippedLine
from agentmem.replay.source import RecordingSource, Spool, lines

_KEYS = frozenset({"call_type", "startTime", "model", "messages"})
_PARAMETERS = ("tools", "tool_choice", "reasoning_effort", "thinking")
"""Those of a call's parameters that a cache depends on."""
_PROVIDERS: Mapping[str, str] = {"vertex_ai": "google", "gemini": "google", "text-completion-openai": "openai"}
"""LiteLLM's names of providers that are called otherwise here."""

Value = Mapping[str, Any]


class LiteLLM:
    """Reads payloads as a log of whole requests."""

    name = "litellm"

    def accepts(self, first: Any) -> bool:
        """A payload has a type of call and a start beside model and messages."""
        return isinstance(first, dict) and first.keys() >= _KEYS

    def sources(self, path: Path, spool: Spool) -> Iterator[RecordingSource | SkippedLine]:
        """The whole file: which lines belong together shows only when it is read."""
        yield RecordingSource(self.name, str(path), 0, str(path), name=path.name.partition(".")[0])

    def sessions(self, source: RecordingSource) -> Iterator[RecordedSession | SkippedLine]:
        """Each conversation, by provider; calls that failed are passed over."""
        readings: dict[str, WireReading] = {}
        for line in lines(Path(source.file)):
            if isinstance(line, SkippedLine):
                yield line
                continue
            try:
                provider = _provider(line.value)
                readings.setdefault(provider, WireReading()).add(_exchange(line.value), line.number)
            except UNREADABLE as error:
                yield SkippedLine(source.path, line.number, why(error))
        found = [(one, provider) for provider, reading in readings.items() for one in reading.sessions(source)]
        for number, (one, provider) in enumerate(found, start=1):
            name = source.name if len(found) == 1 else f"{source.name}/{number}"
            yield replace(one, name=name, provider=provider)


def _provider(value: Value) -> str:
    named = str(value.get("custom_llm_provider") or "openai")
    return _PROVIDERS.get(named, named)


def _exchange(value: Value) -> dict[str, Any]:
    """A payload as a line of a wire log. Raises KeyError, TypeError or ValueError for one that is none."""
    if value.get("cache_hit") is True:
        raise ValueError("LiteLLM's own cache gave the reply: no provider was asked")
    if not isinstance(value["messages"], list):
        raise TypeError(f"messages are a list, not {type(value['messages']).__name__}: were they left out of the log?")
    given, response, at = value.get("model_parameters") or {}, value.get("response"), float(value["startTime"])
    items = "responses" in str(value["call_type"])
    request = {"model": _model(value), ("input" if items else "messages"): value["messages"]}
    return {
        "at": at,
        "path": "/responses" if items else "/chat/completions",
        "status": 500 if value.get("status") == "failure" else 200,
        "request": {**request, **{name: given[name] for name in _PARAMETERS if given.get(name) is not None}},
        "response": {**response, "usage": _usage(value, response)} if isinstance(response, dict) else response,
        "first_byte_after": max(0.0, float(value.get("completionStartTime") or value.get("endTime") or at) - at),
    }


def _model(value: Value) -> Any:
    """The model without the provider before it."""
    name, provider = value["model"], value.get("custom_llm_provider")
    return name.removeprefix(f"{provider}/") if isinstance(name, str) else name


def _usage(value: Value, response: Value) -> dict[str, Any]:
    """The call's usage, with what a cache stored where OpenAI's form has it."""
    told = response.get("usage") or (value.get("metadata") or {}).get("usage_object")
    used = dict(told or {name: value.get(name) for name in ("prompt_tokens", "completion_tokens")})
    if used.get("cache_creation_input_tokens"):
        details = {"cache_write_tokens": used["cache_creation_input_tokens"]}
        details["cached_tokens"] = used.get("cache_read_input_tokens")
        used["prompt_tokens_details"] = {**(used.get("prompt_tokens_details") or {}), **details}
    return used

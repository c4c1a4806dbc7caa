"""Builds a Reply from the events of Anthropic's Messages API, block by block and verbatim."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from anthropic.types import Message as SdkMessage
from anthropic.types import RawMessageStreamEvent

from agentmem.kvcache.frames import canonical
from agentmem.kvcache.reported import EDITS, merged, read_extras, read_usage
from agentmem.transcript.transcript import call_arguments
from agentmem.types import Basis, Block, Message, Opaque, Reply, Text, TextDelta, ToolCall, Ttl


class BrokenReply(Exception):
    """The stream ended before the reply was complete."""


@dataclass
class _Growing:
    """A block while it streams: its first value, and the pieces of its JSON input."""

    value: dict[str, Any]
    pieces: list[str] = field(default_factory=list)

    def block(self) -> Block | None:
        finish = _FINISH.get(self.value["type"], _opaque)
        return finish(self)


@dataclass
class ReplyBuilder:
    """Takes events and gives text as it comes. After the last event, `reply` gives the whole.

    ``write_ttl`` is the TTL for cache writes if the provider does not split them.
    """

    write_ttl: Ttl = "5m"
    basis: Basis = "measured"
    _start: SdkMessage | None = None
    _blocks: dict[int, _Growing] = field(default_factory=dict)
    _usage: dict[str, Any] = field(default_factory=dict)
    _stop_reason: str | None = None
    _complete: bool = False

    def take(self, event: RawMessageStreamEvent) -> Iterator[TextDelta]:
        """Take one event; unknown kinds are passed over. Raises BrokenReply if it is malformed."""
        try:
            deltas = list(self._taken(event))
        except (KeyError, AttributeError, TypeError, ValueError) as error:
            raise BrokenReply(f"the stream is malformed: {type(error).__name__} {error}") from error
        yield from deltas

    def _taken(self, event: RawMessageStreamEvent) -> Iterator[TextDelta]:
        if event.type == "message_start":
            self._begin(event.message)
        elif event.type == "content_block_start":
            self._blocks[event.index] = _Growing(event.content_block.to_dict(mode="json"))
            yield from _text_of(self._blocks[event.index].value.get("text"))
        elif event.type == "content_block_delta":
            yield from self._grow(event.index, event.delta)
        elif event.type == "message_delta":
            self._stop_reason = event.delta.stop_reason or self._stop_reason
            self._usage = merged(self._usage, _given(event.usage), _edits(event))
        elif event.type == "message_stop":
            self._complete = True

    def take_whole(self, message: SdkMessage) -> Iterator[TextDelta]:
        """Take a reply that was not streamed."""
        self._begin(message)
        self._blocks = {index: _whole(block.to_dict(mode="json")) for index, block in enumerate(message.content)}
        self._stop_reason, self._complete = message.stop_reason, True
        yield from (delta for one in self._blocks.values() for delta in _text_of(one.value.get("text")))

    def reply(self, first_token_after: float, seconds: float) -> Reply:
        """The whole reply. Raises BrokenReply if the stream ended early."""
        if self._start is None or not self._complete:
            raise BrokenReply("the stream ended before the reply was complete")
        if self._stop_reason == "max_tokens":
            self._drop_unsigned()
        blocks = (self._blocks[index].block() for index in sorted(self._blocks))
        return Reply(
            message=Message("assistant", tuple(block for block in blocks if block is not None)),
            usage=read_usage(self._usage, self.basis, self.write_ttl),
            stop_reason=self._stop_reason or "end_turn",
            id=self._start.id,
            provider_reason=_reason(self._start),
            first_token_after=first_token_after,
            seconds=seconds,
            extras=read_extras(self._usage, self.basis),
        )

    def _drop_unsigned(self) -> None:
        """Drop thinking that was cut off: it has no signature, and the API does not take it back without one."""
        last = max(self._blocks, default=-1)
        value = self._blocks[last].value if self._blocks else {}
        if value.get("type") == "thinking" and not value.get("signature"):
            del self._blocks[last]

    def _begin(self, message: SdkMessage) -> None:
        self._start, self._usage = message, merged(_given(message.usage), _edits(message))

    def _grow(self, index: int, delta: Any) -> Iterator[TextDelta]:
        growing = self._blocks[index]
        if delta.type == "input_json_delta":
            growing.pieces.append(delta.partial_json)
        elif delta.type == "citations_delta":
            growing.value["citations"] = [*(growing.value.get("citations") or ()), delta.citation.to_dict(mode="json")]
        elif delta.type == "compaction_delta":  # a summary by the provider, which it gets back as it is
            growing.value |= {name: one for name, one in delta.to_dict(mode="json").items() if name != "type"}
        elif delta.type == "signature_delta":
            growing.value["signature"] = delta.signature
        else:
            name = delta.type.removesuffix("_delta")  # text, thinking: the field is named like the delta
            piece = getattr(delta, name, "")
            growing.value[name] = growing.value.get(name, "") + piece
            yield from _text_of(piece if name == "text" else None)


def _given(usage: Any) -> dict[str, Any]:
    """A usage object as the provider wrote it, with fields that the SDK does not know."""
    return dict(usage.to_dict(mode="json"))


def _edits(said: Any) -> dict[str, Any]:
    """The edits that the provider made in the context, if the event or message tells any."""
    managed = said.to_dict(mode="json").get("context_management")
    return {EDITS: managed["applied_edits"]} if managed and managed.get("applied_edits") else {}


def _reason(message: SdkMessage) -> str | None:
    reason = message.diagnostics and message.diagnostics.cache_miss_reason
    return reason.type if reason else None


def _whole(value: dict[str, Any]) -> _Growing:
    return _Growing(value, [canonical(value["input"]).decode("utf-8", "surrogatepass")] if "input" in value else [])


def _text_of(text: str | None) -> Iterator[TextDelta]:
    if text:
        yield TextDelta(text)


def _text(growing: _Growing) -> Block | None:
    """Plain text. Empty text is left out, since the API does not take it back; cited text stays the provider's own."""
    if growing.value.get("citations"):
        return _opaque(growing)
    return Text(growing.value["text"]) if growing.value["text"] else None


def _call(growing: _Growing) -> Block:
    """A call. Its arguments came in pieces, or whole at the block's start."""
    text, whole = "".join(growing.pieces), growing.value.get("input")
    if not text and whole:
        text = canonical(whole).decode("utf-8", "surrogatepass")
    return ToolCall(growing.value["id"], growing.value["name"], call_arguments(text))


def _opaque(growing: _Growing) -> Block:
    value = growing.value
    if growing.pieces and "input" in value:
        value = {**value, "input": json.loads(call_arguments("".join(growing.pieces)))}
    return Opaque(canonical(value).decode("utf-8", "surrogatepass"))


_FINISH: dict[str, Callable[[_Growing], Block | None]] = {"text": _text, "tool_use": _call}

"""Thinking that a log does not show: newer models sign it and write no text.

What a request has beyond what is recorded, more than the request before had, came with that one's reply. So much of it
stands for the hidden thinking, and no more than was reported as output where the report is whole.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from agentmem.replay.session import Exchange, RecordedCut
from agentmem.types import Frame, Usage

MOST = 128_000
"""Tokens that no reply thinks more than."""


def with_hidden(exchanges: Sequence[Exchange]) -> tuple[Exchange, ...]:
    """The same requests, with thinking that has no text as large as it was."""
    if not any(map(_is_hidden, (one for exchange in exchanges for one in exchange.reply))):
        return tuple(exchanges)
    grown: dict[int, Frame] = {}
    made = [_grown(one, after, grown) for one, after in zip(exchanges, (*exchanges[1:], None), strict=True)]
    return tuple(_recut(one, grown) for one in made)


def _grown(exchange: Exchange, after: Exchange | None, grown: dict[int, Frame]) -> Exchange:
    """One request with the tokens of what it thought, shared out evenly; ``grown`` holds each frame by its id."""
    places = [at for at, one in enumerate(exchange.reply) if _is_hidden(one)]
    tokens = _unexplained(exchange, after) if places else 0
    if not tokens:
        return exchange
    reply = list(exchange.reply)
    for at, share in zip(places, _shares(tokens, len(places)), strict=True):
        grown[id(reply[at])] = reply[at] = replace(reply[at], tokens=reply[at].tokens + share)
    return replace(exchange, reply=tuple(reply))


def _unexplained(exchange: Exchange, after: Exchange | None) -> int:
    """Tokens by which the next input grew beyond what is recorded."""
    if after is None or after.cut or exchange.usage is None or after.usage is None:
        return 0
    said = sum(one.tokens for one in exchange.reply)
    growth = after.usage.input_tokens - exchange.usage.input_tokens
    most = MOST if exchange.partial else _room(exchange.usage, said)
    return max(0, min(growth - said - sum(one.tokens for one in after.arrived), most))


def _room(usage: Usage, said: int) -> int:
    return max(0, usage.output_tokens - said)


def _recut(exchange: Exchange, grown: dict[int, Frame]) -> Exchange:
    """The same frames where a cut repeats them."""
    if exchange.cut is None:
        return exchange
    frames = tuple(grown.get(id(one), one) for one in exchange.cut.frames)
    return replace(exchange, cut=RecordedCut(exchange.cut.kind, frames, exchange.cut.declared, exchange.cut.hidden))


def _shares(tokens: int, places: int) -> Iterator[int]:
    whole, rest = divmod(tokens, places)
    yield from (whole + (at < rest) for at in range(places))


def _is_hidden(one: Frame) -> bool:
    kind, value = one.value.get("type"), one.value
    return kind == "redacted_thinking" or (kind == "thinking" and not value.get("thinking"))

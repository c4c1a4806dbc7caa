"""Meters of scripted models: what gives the usage of a request that no provider has seen."""

from operator import attrgetter
from typing import Protocol, runtime_checkable

from agentmem.kvcache.prompts import request_prompt
from agentmem.kvcache.simulated.simulator import Simulator
from agentmem.tokens import value_tokens
from agentmem.types import KvSources, Message, Request, Usage

_TOKENS = attrgetter("tokens")


class ReplyMeter(Protocol):
    """Gives the usage of a scripted model's requests. `agentmem.Engine` is one that measures.

        class Free:
            def usage(self, request: Request, reply: Message) -> Usage:
                return Usage("estimated")

            def close(self) -> None: ...

    It may only raise errors below ModelError. ``close`` frees what it holds and may be called twice.
    """

    def usage(self, request: Request, reply: Message) -> Usage: ...

    def close(self) -> None: ...


@runtime_checkable
class SourceMeter(Protocol):
    """A meter that also says where the KV state of a prompt came from."""

    def measured(self, request: Request, reply: Message) -> tuple[Usage, KvSources | None]: ...


def measured(meter: ReplyMeter, request: Request, reply: Message) -> tuple[Usage, KvSources | None]:
    """The usage of a request by a meter, and where its KV state came from, if the meter can say."""
    return meter.measured(request, reply) if isinstance(meter, SourceMeter) else (meter.usage(request, reply), None)


class Estimated:
    """A meter by our own token counts. It has no cache, so all input counts as processed."""

    def usage(self, request: Request, reply: Message) -> Usage:
        head = sum(one.tokens for one in (*request.tools, *request.system))
        read = head + sum(map(_TOKENS, request.turns))
        return Usage("estimated", uncached_tokens=read, output_tokens=output_tokens(reply))

    def close(self) -> None:
        """Nothing is held."""


class Simulated:
    """A meter by a provider's published cache rules and our own token counts."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def usage(self, request: Request, reply: Message) -> Usage:
        outcome = self._simulator.send(request_prompt(request))
        return outcome.usage + Usage("simulated", output_tokens=output_tokens(reply))

    def close(self) -> None:
        """Nothing is held."""


def output_tokens(reply: Message) -> int:
    """An estimate of a reply's tokens."""
    return sum(value_tokens(block.wire()) for block in reply.blocks)

"""Meters for a scripted model: where the usage of its replies comes from."""

from operator import attrgetter
from typing import Protocol

from agentmem.kvcache.prompts import request_prompt
from agentmem.kvcache.simulated.simulator import Simulator
from agentmem.tokens import value_tokens
from agentmem.types import Message, Request, Usage

_TOKENS = attrgetter("tokens")


class ReplyMeter(Protocol):
    """Tells what a request used. agentmem.models.engine.Engine is one that measures.

    Raises errors below ModelError only. ``close`` frees what it holds and may be called twice.
    """

    def usage(self, request: Request, reply: Message) -> Usage: ...

    def close(self) -> None: ...


class Estimated:
    """Our token counts. There is no cache in them, so that all input counts as processed."""

    def usage(self, request: Request, reply: Message) -> Usage:
        head = sum(one.tokens for one in (*request.tools, *request.system))
        read = head + sum(map(_TOKENS, request.turns))
        return Usage("estimated", uncached_tokens=read, output_tokens=output_tokens(reply))

    def close(self) -> None:
        """Nothing is held."""


class Simulated:
    """A provider's cache by its published rules, on our token counts."""

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

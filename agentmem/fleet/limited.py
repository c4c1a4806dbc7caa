"""A model whose requests a fleet permits: dollars are reserved before a request is sent, and rates are kept."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Protocol

from agentmem.errors import FleetHalted
from agentmem.fleet.board import Permit
from agentmem.meter import prices
from agentmem.types import Delta, Model, ModelProfile, Reply, Request, TextDelta, Usage, Waiting

LONGEST = 5.0
"""Seconds between two questions, at most: a fleet that is stopped meanwhile is noticed."""


class RequestGate(Protocol):
    """Who permits requests: a run's row on the board of its fleet."""

    def reserve(self, usd: float, tokens: int) -> Permit: ...

    def settle(self, reserved: float, usd: float, usage: Usage | None) -> None: ...

    def begun(self) -> None:
        """A request is being answered."""


class LimitedModel:
    """Another model behind a gate. ``price_as`` lends it prices, as an Agent's.

    Raises FleetHalted, without sending the request, when the dollars are spent or the fleet stops.
    """

    def __init__(self, model: Model, gate: RequestGate, *, pause: Callable[[float], None] = time.sleep) -> None:
        self.model: Model = model
        self.price_as: str | None = None
        self._gate, self._pause = gate, pause

    @property
    def profile(self) -> ModelProfile:
        return self.model.profile

    def stream(self, request: Request) -> Iterator[Delta]:
        """The model's own stream, once the request is permitted."""
        usd, tokens = self._most(request)
        while permit := self._asked(usd, tokens):
            yield Waiting(permit, "the fleet's limit")
            self._pause(permit)
        reply, heard = None, False
        try:
            for delta in self.model.stream(request):
                if not heard and isinstance(delta, TextDelta | Reply):
                    heard = True
                    self._gate.begun()
                reply = delta if isinstance(delta, Reply) else reply
                yield delta
        finally:
            self._settle(usd, reply, heard)

    async def astream(self, request: Request) -> AsyncIterator[Delta]:
        """`stream` for asyncio."""
        usd, tokens = self._most(request)
        while permit := await asyncio.to_thread(self._asked, usd, tokens):
            yield Waiting(permit, "the fleet's limit")
            await asyncio.sleep(permit)
        reply, heard = None, False
        try:
            async for delta in self.model.astream(request):
                if not heard and isinstance(delta, TextDelta | Reply):
                    heard = True
                    await asyncio.to_thread(self._gate.begun)
                reply = delta if isinstance(delta, Reply) else reply
                yield delta
        finally:
            await asyncio.to_thread(self._settle, usd, reply, heard)

    def close(self) -> None:
        """Close the model."""
        self.model.close()

    def _asked(self, usd: float, tokens: int) -> float:
        """Seconds to wait; 0 if the request may go."""
        permit = self._gate.reserve(usd, tokens)
        if permit.refused:
            raise FleetHalted(f"the request was not sent: {permit.refused}")
        return min(permit.wait, LONGEST)

    def _most(self, request: Request) -> tuple[float, int]:
        """The most that a request may cost and take: nothing of it cached, and the longest reply."""
        tokens = request.estimate + request.options.max_tokens
        pair = prices.whose(self.profile, self.price_as)
        rates = prices.rates(*pair, input_tokens=request.estimate) if pair else None
        if rates is None:
            return 0.0, tokens
        dearest = max(rates.uncached, rates.cache_write_5m, rates.cache_write_1h)
        return request.estimate * dearest + request.options.max_tokens * rates.output, tokens

    def _settle(self, reserved: float, reply: Reply | None, heard: bool) -> None:
        """A reply counts what it cost; a request that broke off after its first words counts what was reserved."""
        if reply is None:
            self._gate.settle(reserved, reserved if heard else 0.0, None)
            return
        cost = prices.cost(self.profile, reply.usage, price_as=self.price_as, extras=reply.extras).usd or 0.0
        self._gate.settle(reserved, cost, reply.usage)

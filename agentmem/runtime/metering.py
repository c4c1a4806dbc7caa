"""Metering: the ledger's row for one request."""

from dataclasses import dataclass

from agentmem.context.window import View
from agentmem.kvcache.breakpoints import TAIL
from agentmem.kvcache.frames import encode
from agentmem.kvcache.rules import rules_for
from agentmem.meter.ledger import Row, classify
from agentmem.meter.prices import cost
from agentmem.types import ModelProfile, Reply, Request, Usage


@dataclass(frozen=True, slots=True)
class RequestMeter:
    """What a row says of the agent: its name, its model, and whose prices stand in where the model has none."""

    agent: str
    profile: ModelProfile
    price_as: str | None = None

    def row(
        self, thread: str, request: Request, reply: Reply, view: View, sent: View | None, last: Row | None, at: float
    ) -> Row:
        """The row of an answered request. ``view`` was sent at ``at``; ``sent`` and ``last`` are the request before."""
        price = cost(self.profile, reply.usage, price_as=self.price_as, at=at, extras=reply.extras)
        shared = extension(sent, view) if sent and last and last.digest == sent.digest else 0
        state = classify(
            first=last is None,
            extends=bool(sent) and shared == (sent.size if sent else 0),
            cut=bool(sent and view.cuts > sent.cuts),
            idle=at - last.at if last else 0.0,
            lifetime=self._lifetime(request),
            read=bool(last and sent and was_read(reply.usage, last.usage, sent)),
        )
        return Row(
            thread=thread,
            agent=self.agent,
            purpose=request.purpose,
            model=f"{self.profile.provider}:{request.model}",
            tier=self.profile.tier,
            usage=reply.usage,
            at=at,
            estimate=request.estimate,
            first_token_after=reply.first_token_after,
            seconds=reply.seconds,
            cost_usd=price.usd,
            cost_uncached_usd=price.uncached_usd,
            priced_as=price.priced_as,
            digest=view.digest,
            extends=shared,
            bytes=view.size,
            new_tokens=_new(sent, view, shared),
            context_tokens=view.tokens,
            provider_reason=reply.provider_reason,
            message_id=reply.id,
            stop_reason=reply.stop_reason,
            break_=state,
            extras=reply.extras,
        )

    def _lifetime(self, request: Request) -> float:
        """Seconds that the cache entries of the messages live after they were last read."""
        lives = rules_for(self.profile.provider, request.model).lifetimes
        return max((lives[mark.ttl] for mark in request.marks if mark.segment == "message"), default=lives[TAIL])

    def failure(self, thread: str, request: Request, error: Exception, view: View, at: float) -> Row:
        """The row of a request that was not answered."""
        return Row(
            thread=thread,
            agent=self.agent,
            purpose=request.purpose,
            model=f"{self.profile.provider}:{request.model}",
            tier=self.profile.tier,
            usage=Usage("estimated"),
            at=at,
            estimate=request.estimate,
            digest=view.digest,
            context_tokens=view.tokens,
            error=f"{type(error).__name__}: {error}",
        )


def extension(before: View, after: View) -> int:
    """How many bytes of ``before``'s wire form ``after`` begins with, both views of one thread.

    Costs next to nothing where nothing was cut between them: the window only extends then.
    """
    if _extended(before, after):
        return before.size
    common = 0
    for old, new in zip(before.frames, after.frames, strict=False):
        if old != new:
            break
        common += len(encode(old))
    return common


def was_read(usage: Usage, before: Usage, sent: View) -> bool:
    """Whether the messages of the request before were read from the cache.

    Tools and system live longer and may be read without them: more must have been read than these and half of the rest.
    """
    head = sum(one.tokens for one in sent.prefix) / sent.tokens if sent.tokens else 0.0
    return usage.cache_read_tokens > before.input_tokens * (1 + min(1.0, head)) / 2


def _extended(before: View, after: View) -> bool:
    if before.cuts != after.cuts or before.prefix != after.prefix or len(before.turns) > len(after.turns):
        return False
    if not before.turns:
        return True
    old, new = before.turns[-1], after.turns[len(before.turns) - 1]
    return old.role == new.role and old.frames == new.frames[: len(old.frames)]


def _new(sent: View | None, view: View, shared: int) -> int:
    if sent is None:
        return view.tokens
    if shared == sent.size:
        return view.tokens - sent.tokens
    known = {(one.segment, one.role, one.data) for one in sent.frames}
    return sum(one.tokens for one in view.frames if (one.segment, one.role, one.data) not in known)

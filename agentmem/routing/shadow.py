"""Shadow mode: what rules would have done with requests that were made, in dollars. Nothing is sent.

It reads rows of a ledger, one's own or one made from logs. Staying costs what was billed. A request at a place where
the conversation's request before ran too is served as it was: its tokens are read and written in the same shares, at
that place's prices. At any other place, only what that place was sent before, and still holds, is read; the rest is
written. So the same cache serves both ways, and no hit is invented.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

from agentmem.errors import RouteRefused
from agentmem.meter.ledger import Row
from agentmem.meter.prices import cost
from agentmem.routing.conversations import RoutedConversation, Warm
from agentmem.routing.history import RouteHistory
from agentmem.routing.labels import RequestFacts
from agentmem.routing.router import RouteDecision, RouteTable, decide, without_price
from agentmem.types import ModelProfile, Usage

Tables = Callable[[str], RouteTable | None]
"""Finds the table of routes for requests of a model, whose default target is that model; None: its price is unknown."""
Telling = Callable[[Row], RequestFacts]
"""Tells the facts of a recorded request, before it was sent."""


@dataclass(frozen=True, slots=True)
class ShadowRequest:
    """One request: as it was made, and as it would have been routed. ``stay_usd`` is its price as billed."""

    row: Row
    decision: RouteDecision
    usage: Usage
    usd: float
    stay_usd: float
    tier: str

    @property
    def routed(self) -> Row:
        """The row that the ledger would have had."""
        route = self.decision.routed(self.tier)
        return replace(self.row, usage=replace(self.usage, basis="simulated"), cost_usd=self.usd, route=route)


@dataclass(slots=True)
class Shadow:
    """Routes requests in the order in which they were made; ``skipped`` counts those without a price or usage."""

    tables: Tables
    telling: Telling
    history: RouteHistory = field(default_factory=RouteHistory)
    conversations: dict[str, RoutedConversation] = field(default_factory=dict)
    heads: dict[tuple[str, str, str], Warm] = field(default_factory=dict)
    skipped: int = 0

    def follow(self, rows: Iterable[Row]) -> Iterator[ShadowRequest]:
        """Each request that has a price, routed."""
        for row in rows:
            made = self._one(row)
            if made is None:
                self.skipped += 1
            else:
                yield made
            self.history = self.history.after(row)

    def _one(self, row: Row) -> ShadowRequest | None:
        table = self.tables(row.model)
        used = row.usage
        if table is None or row.error is not None or not used.input_tokens:
            return None
        facts = self.telling(row)
        conversation = self._before(row, table, facts)
        try:
            decision = self._decided(row, table, facts, conversation)
        except RouteRefused:
            return None
        target, own = table.targets[decision.target], table.targets[table.default]
        prices, staying = target.rates, own.rates
        if prices is None or staying is None:
            return None
        served = self._served(row, table, decision.target, conversation)
        stay = cost(_profile(row.model), used, at=row.at, extras=row.extras).usd if own.price is None else None
        stay = staying.cost(used) if stay is None else stay
        usd = stay if decision.target == table.default and served == used else prices.cost(served)
        self._after(row, table, decision.target, conversation)
        return ShadowRequest(row, decision, served, usd, stay, target.tier)

    def _decided(
        self, row: Row, table: RouteTable, facts: RequestFacts, conversation: RoutedConversation
    ) -> RouteDecision:
        """A summary is asked through the conversation's warm prefix, so it stays where the conversation is."""
        if row.purpose == "summary" and conversation.target:
            return RouteDecision(
                conversation.target, "through", "a summary is asked through the conversation's warm prefix"
            )
        return decide(table, facts, conversation, self.history, row.at)

    def _before(self, row: Row, table: RouteTable, facts: RequestFacts) -> RoutedConversation:
        known = self.conversations.get(row.thread)
        if known is None:
            read = row.usage.cache_read_tokens
            heads = {
                name: Warm(min(read, head.tokens), head.at)
                for name in table.targets
                if (head := self.heads.get((row.agent, row.model, name)))
            }
            return RoutedConversation(places={**heads, table.default: Warm(read, row.at)} if read else heads)
        if row.break_ in ("cut", "break"):
            return known.after_cut(row.usage.cache_read_tokens)
        return known

    def _served(self, row: Row, table: RouteTable, target: str, conversation: RoutedConversation) -> Usage:
        """The tokens of the request as that place's cache would have served them."""
        used = row.usage
        if target == conversation.target or (not conversation.target and target == table.default):
            return used
        warm = conversation.warm_at(target, row.at, table.targets[target].lifetime)
        read = min(warm, used.input_tokens - used.uncached_tokens)
        written = used.input_tokens - used.uncached_tokens - read
        short, long = (0, written) if used.cache_write_1h_tokens > used.cache_write_5m_tokens else (written, 0)
        return Usage(used.basis, used.uncached_tokens, read, short, long, used.output_tokens)

    def _after(self, row: Row, table: RouteTable, target: str, conversation: RoutedConversation) -> None:
        used = row.usage
        if row.purpose != "summary":
            anew = row.break_ not in ("none", "first")
            after = conversation.after(target, used.input_tokens, used.output_tokens, row.at, anew=anew)
            self.conversations[row.thread] = after
        head = self.heads.get((row.agent, row.model, target), Warm(used.input_tokens, row.at))
        self.heads[row.agent, row.model, target] = Warm(min(head.tokens, used.input_tokens), row.at)


def _profile(model: str) -> ModelProfile:
    provider, _, name = model.partition(":")
    return ModelProfile(provider, name, "cloud")


def facts_of(row: Row) -> RequestFacts:
    """The facts of a recorded request, as far as its row tells them."""
    return RequestFacts(row.purpose, row.usage.input_tokens, agent=row.agent, thread=row.thread)


@dataclass(frozen=True, slots=True)
class ShadowTotal:
    """The sums of a shadow run in dollars. ``naive_usd`` is for the same rules without a price on the warm prefix.

    ``above`` counts the conversations that cost more with routing than without, ``worst_usd`` is the most that one did.
    """

    requests: int
    moves: int
    stay_usd: float
    routed_usd: float
    naive_usd: float
    conversations: int
    above: int
    worst_usd: float
    lost_tokens: int
    skipped: int

    @property
    def share(self) -> float | None:
        """The dollars with routing over those of staying."""
        return self.routed_usd / self.stay_usd if self.stay_usd else None


def compare(
    rows: Iterable[Row], tables: Tables, telling: Telling = facts_of
) -> tuple[ShadowTotal, list[ShadowRequest]]:
    """Routes the rows, with the price of a move and without, and adds up. Also returns the routed requests."""
    made = list(rows)
    shadow = Shadow(tables, telling)
    routed = list(shadow.follow(made))
    naive = Shadow(lambda model: without_price(table) if (table := tables(model)) else None, telling)
    naive_usd = sum(one.usd for one in naive.follow(made))
    by_thread: dict[str, float] = {}
    for one in routed:
        by_thread[one.row.thread] = by_thread.get(one.row.thread, 0.0) + one.usd - one.stay_usd
    above = [over for over in by_thread.values() if over > 1e-9]
    total = ShadowTotal(
        requests=len(routed),
        moves=sum(one.decision.moved for one in routed),
        stay_usd=sum(one.stay_usd for one in routed),
        routed_usd=sum(one.usd for one in routed),
        naive_usd=naive_usd,
        conversations=len(by_thread),
        above=len(above),
        worst_usd=max(above, default=0.0),
        lost_tokens=sum(one.decision.lost_tokens for one in routed),
        skipped=shadow.skipped,
    )
    return total, routed

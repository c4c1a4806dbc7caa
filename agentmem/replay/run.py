"""Replaying a chain of sessions under a policy: what it would have sent, what that costs, what it would still show."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from agentmem.kvcache.rules import PROVIDERS, CacheRules, rules
from agentmem.meter.prices import extra_usd
from agentmem.replay.bound import lower_bound
from agentmem.replay.calls import Calls, CallSight, NeededCall, calls
from agentmem.replay.floor import FloorRequest, floor_usd, terms_of
from agentmem.replay.layout import Layout, Run, Strip, setting
from agentmem.replay.needed import FAR, NeededEvent, Needs, Sight, said_before
from agentmem.replay.policies import Arrival, Maker, Policy, Sent, Terms
from agentmem.replay.resent import RecordedTexts
from agentmem.replay.session import Exchange, RecordedCut, RecordedSession, SessionOpening, opening
from agentmem.replay.simulation import SimulatedRequests
from agentmem.replay.tally import Tally, billed, price
from agentmem.types import Frame, Rates, Ttl

GAP = 7200.0
"""Seconds between the sessions of a chain: well beyond every lifetime, so that nothing cached outlives a join."""
RECALLED = 8_000
"""The most tokens that a recall brings back."""
ASKING = 80
"""Output tokens of a request that recalls something."""

Rules = Callable[[str], CacheRules]


@dataclass(frozen=True, slots=True)
class Chain:
    """Sessions as one conversation behind the opening of the first. ``model`` stands for all models, if it is given.

    ``begins`` tells at which requests sessions begin, and how many tokens each found in the cache. ``head`` are the
    tokens of tools and system that each request has at least.
    """

    name: str
    opening: SessionOpening
    exchanges: tuple[Exchange, ...]
    needs: Needs
    calls: Calls
    texts: RecordedTexts
    ttl: Ttl
    background: bool
    provider: str
    model: str | None = None
    lower_bound_usd: float | None = None
    head: int = 0
    begins: Mapping[int, int] = field(default_factory=dict)

    def model_of(self, exchange: Exchange) -> str:
        return self.model or exchange.model

    def rates(self, exchange: Exchange, tokens: int) -> Rates | None:
        return price(self.provider, self.model_of(exchange), tokens, exchange.extras.speed)

    def beside(self, exchange: Exchange) -> float:
        """Dollars that a request was billed beside its tokens, as far as they are known."""
        return extra_usd(self.provider, self.model_of(exchange), exchange.extras) or 0.0

    @property
    def billed_usd(self) -> float | None:
        """What the recording cost by its provider's own figures, as far as they are known."""
        known = [usd for one in self.exchanges if (usd := billed(self.provider, one)) is not None]
        return sum(known) if known else None


@dataclass(frozen=True, slots=True)
class Joined:
    """Sessions as one conversation, and what its calls need of it: the same whoever serves it, at whatever price.

    ``entries`` are the new frames and the reply of each request.
    """

    sessions: tuple[RecordedSession, ...]
    exchanges: tuple[Exchange, ...]
    needs: Needs
    calls: Calls
    texts: RecordedTexts
    entries: Sequence[tuple[Sequence[Frame], Sequence[Frame]]]


def join(sessions: Sequence[RecordedSession]) -> Joined:
    """Join ``sessions``: each begins GAP seconds after the one before ended, with a context of its own."""
    needs, exchanges = Needs(), tuple(_joined(sessions))
    for exchange in exchanges:
        needs.follow(exchange.arrived, exchange.reply)
    entries = [(exchange.arrived, exchange.reply) for exchange in exchanges]
    texts = RecordedTexts(frame for each in entries for side in each for frame in side)
    return Joined(tuple(sessions), exchanges, needs, calls(entries), texts, entries)


def chain(
    sessions: Sequence[RecordedSession] | Joined, provider: str, model: str | None = None, ttl: Ttl | None = None
) -> Chain:
    """Sessions as one conversation with a provider. Those that are joined already may be given so, again and again.

    What is cached lives as long as the first session's client asked for, or for ``ttl``.
    """
    said = sessions if isinstance(sessions, Joined) else join(sessions)
    first, exchanges = said.sessions[0], said.exchanges
    begun = opening(first)
    warm = dict(_begins(said.sessions, sum(one.tokens for one in begun.head)))
    lasts = ttl or first.ttl
    made = Chain(
        first.name,
        begun,
        exchanges,
        said.needs,
        said.calls,
        said.texts,
        lasts,
        first.background,
        provider,
        model,
        begins=warm,
    )
    prices = [made.rates(exchange, 0) for exchange in exchanges]
    outputs = [exchange.output for exchange in exchanges]
    head = _least_head(made)
    bound = lower_bound(said.entries, head, prices, outputs, terms_of(provider, made.model_of(exchanges[0])))
    return replace(made, lower_bound_usd=bound, head=head)


def floor(one: Chain, budget: int) -> float | None:
    """The floor of a chain in dollars, under a budget of tokens; None where no price is known."""
    terms = terms_of(one.provider, one.model_of(one.exchanges[0]), budget)
    return floor_usd(list(_least(one)), one.head, terms)


def _least(one: Chain) -> Iterator[FloorRequest]:
    """What every policy sends."""
    for at, each in enumerate(one.exchanges):
        warm, goes_on = one.begins.get(at, 0), each.cut is None
        yield FloorRequest(
            each.arrived, each.reply, each.output, one.rates(each, 0), goes_on, warm, beside=one.beside(each)
        )


def _least_head(one: Chain) -> int:
    """The tokens of the smallest head of any request; a cache that matches tokens sees what has text only."""
    heads = [sum(frame.tokens for frame in each.head) for each in one.exchanges if each.head is not None]
    model = one.model_of(one.exchanges[0])
    if one.provider not in PROVIDERS or rules(model, one.provider).matching == "breakpoints":
        return min([one.opening.tokens, *heads])
    known = sum(frame.tokens for frame in one.opening.head if frame.value.get("type") != "unknown")
    return min([known, *heads])


def _begins(sessions: Sequence[RecordedSession], head: int) -> Iterator[tuple[int, int]]:
    """Where each session begins, and the tokens, as we count them, that its first request read.

    What it read of tools and system of its own, which may be of another size, stands for the chain's ``head``.
    """
    at = 0
    for session in sessions:
        exchange = session.exchanges[0]
        usage, begun = exchange.usage, opening(session)
        read = usage.cache_read_tokens if usage else 0
        shown = exchange.cut.frames if exchange.cut else exchange.arrived
        frames = (*begun.head, *begun.reminders, *begun.earlier, *shown)
        ours, own = sum(one.tokens for one in frames), sum(one.tokens for one in begun.head)
        found = round(ours * read / usage.input_tokens) if usage and read else 0
        yield at, max(found, head) if found >= own else found
        at += len(session.exchanges)


def _joined(sessions: Sequence[RecordedSession]) -> Iterator[Exchange]:
    shift, end = 0.0, 0.0
    for number, session in enumerate(sessions):
        shift = end + GAP - session.started if number else 0.0
        for at, exchange in enumerate(session.exchanges):
            moved = replace(exchange, at=exchange.at + shift, answered=exchange.answered + shift)
            end = moved.answered
            yield replace(moved, cut=RecordedCut("clear", exchange.arrived)) if number and not at else moved


def replay(one: Chain, make: Maker, budget: int, rules: Rules) -> Tally:
    """One policy's figures over one chain."""
    policy = make(Terms(one.opening, budget, one.provider, one.ttl))
    try:
        return replace(_Replay(one, policy, rules).run(), floor_usd=floor(one, budget))
    finally:
        policy.close()


class _Replay:
    def __init__(self, one: Chain, policy: Policy, rules: Rules) -> None:
        self._chain, self._policy = one, policy
        self._simulation = SimulatedRequests(rules, one.ttl, one.texts)
        self._head = Strip(one.opening.head)
        self._sight = Sight(one.needs)
        self._acts = CallSight(one.calls)
        self._tally = Tally()

    def run(self) -> Tally:
        for number, exchange in enumerate(self._chain.exchanges):
            if number in self._chain.begins:
                self._tally.begin()
            layout = self._request(exchange, self._chain.begins.get(number, 0))
            for event in self._chain.needs.by_use.get(number, ()):
                self._judge(event, layout, exchange)
            for call in self._chain.calls.by_request.get(number, ()):
                self._act(call, layout, exchange)
            after = self._policy.reply(exchange.reply)
            if after and self._chain.background and exchange.ends_turn:
                sent = Sent(tuple(after), own_head=exchange.head, settings=exchange.settings)
                self._simulation.aside(self._layout(layout.model, sent), exchange.answered)
        self._tally.lower_bound_usd = self._chain.lower_bound_usd
        self._tally.billed_usd = self._chain.billed_usd
        return self._tally

    def _request(self, exchange: Exchange, warm: int) -> Layout:
        """Send what the policy makes of what has arrived; gives the layout of the answer's request.

        Its first ``warm`` tokens are in the cache, by whoever sent them.
        """
        model = self._chain.model_of(exchange)
        arrival = Arrival(
            exchange.at, model, exchange.arrived, exchange.cut, exchange.settings, exchange.marks, exchange.head
        )
        layout = Layout(model, 0, "", ())
        for sent in self._policy.send(arrival):
            layout = self._layout(model, sent)
            if warm and sent.summary is None:
                self._simulation.warm(layout, warm, exchange.at)
            self._meter(sent, layout, exchange)
        return layout

    def _meter(self, sent: Sent, layout: Layout, exchange: Exchange) -> None:
        marks = () if sent.bare and sent.marks is None else sent.marks
        if sent.summary is None:
            metered = self._simulation.send(layout, exchange.at, exchange.answered, cut=sent.cut, marks=marks)
            output = exchange.output
        else:
            metered = self._simulation.summarise(layout, exchange.at if sent.at is None else sent.at, marks)
            output = sent.summary
        rates = self._chain.rates(exchange, layout.tokens)
        model, asked = self._chain.model_of(exchange), sent.summary is not None
        beside = 0.0 if asked else self._chain.beside(exchange)
        self._tally.add(metered, output, rates, model, beside=beside, summary=asked)

    def _layout(self, model: str, sent: Sent) -> Layout:
        if sent.bare:
            return Layout(model, 0, setting(sent.settings), sent.runs)
        head = self._head if sent.own_head is None else Strip(sent.own_head)
        runs: tuple[Run, ...] = (head.run(), *sent.runs)
        return Layout(model, len(head), setting(sent.settings), runs)

    def _judge(self, event: NeededEvent, layout: Layout, exchange: Exchange) -> None:
        """Count one needed event, and price the recall of what is not visible."""
        tally, seen = self._tally, self._sight.sees(layout, event.text)
        if event.used - event.seen <= FAR:
            tally.needed_near += 1
            tally.seen_near += seen
            return
        reached = seen or self._policy.reaches(event, said_before(event.text, exchange.reply))
        rates = self._chain.rates(exchange, layout.tokens)
        tally.needed += 1
        tally.seen += seen
        tally.lines_seen += seen and self._sight.sees_line(layout, event)
        tally.reached += reached
        if not seen:
            tally.recalls_usd += _recall(event.source, layout, rates, reached) if rates else 0.0

    def _act(self, call: NeededCall, layout: Layout, exchange: Exchange) -> None:
        """Count one call, and price the request that brings back what it needs and is not in view."""
        missing = self._acts.missing(call, layout)
        self._tally.call(far=call.far, lines=call.far_lines, made=not missing)
        rates = self._chain.rates(exchange, layout.tokens) if missing else None
        if rates is not None:
            reached = {id(one.source): True for one in missing}
            for one in missing:
                event = NeededEvent(one.part.text, one.last, call.used, one.source)
                reached[id(one.source)] &= self._policy.reaches(event, call.said)
            sources = {id(one.source): one.source.tokens for one in missing}
            self._tally.acts_usd += _acting(sources, reached, layout, rates)


def _acting(sources: Mapping[int, int], reached: Mapping[int, bool], layout: Layout, rates: Rates) -> float:
    """Dollars for one more request: the context again, what is recalled or is called for again, and the asking."""
    recalled = sum(tokens for source, tokens in sources.items() if reached[source])
    again = sum(tokens for source, tokens in sources.items() if not reached[source])
    return _asking(layout, rates, min(RECALLED, recalled) + again)


def _recall(source: Frame, layout: Layout, rates: Rates, reached: bool) -> float:
    """The same for one string and its source."""
    return _asking(layout, rates, min(RECALLED, source.tokens) if reached else source.tokens)


def _asking(layout: Layout, rates: Rates, back: int) -> float:
    return rates.cache_read * layout.tokens + rates.cache_write_5m * back + rates.output * ASKING

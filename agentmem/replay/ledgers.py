"""What a ledger without text still tells: what the provider reported, and what that cost."""

from agentmem.meter.prices import extra_usd
from agentmem.replay.lane import MeteredRequest
from agentmem.replay.session import RecordedSession
from agentmem.replay.tally import Tally, billed, plus, price
from agentmem.types import Usage


def ledger_tally(session: RecordedSession, provider: str) -> Tally:
    """The sums over a ledger's requests. Nothing that needs text is in them; recorded outputs are unreliable."""
    tally = Tally(usage=Usage("measured"), text=False)
    tally.begin()
    for exchange in session.exchanges:
        if exchange.usage is None:
            continue
        metered = MeteredRequest(exchange.usage, 0, broke=False, cut=exchange.cut is not None, expired=False)
        rates = price(provider, exchange.model, exchange.usage.input_tokens, exchange.extras.speed)
        beside = extra_usd(provider, exchange.model, exchange.extras) or 0.0
        tally.add(metered, exchange.usage.output_tokens, rates, exchange.model, beside=beside)
        tally.billed_usd = plus(tally.billed_usd or 0.0, billed(provider, exchange) or 0.0)
    return tally

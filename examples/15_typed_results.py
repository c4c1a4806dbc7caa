"""A run that returns a value: a pydantic model, a dataclass or a TypedDict. A wrong answer is asked for once more."""

import tempfile
from dataclasses import dataclass
from datetime import date

from pydantic import BaseModel

from agentmem import Agent, ScriptedModel


class Invoice(BaseModel):
    number: str
    due: date
    total: float


@dataclass
class Payer:
    name: str
    pays_by_card: bool = False


MODEL = ScriptedModel(
    [
        "The invoice is R7, due on the first of December.",  # no JSON: one more round
        '{"number": "R7", "due": "2026-12-01", "total": 70}',
        '{"name": "Ada"}',
    ]
)

with tempfile.TemporaryDirectory() as folder, Agent(MODEL, folder) as agent:
    invoice = agent.run("Read invoice R7.", thread="bills", returns=Invoice)
    print(repr(invoice.value), f"after {invoice.turns} turns")
    print(repr(agent.run("Who pays it?", thread="bills", returns=Payer).value))

# Whatever a run returns, the thread's prefix is the same, so each request reads all of the one before from the cache.
first, *later = MODEL.requests
print(
    "one prefix:",
    all((one.tools, one.system, one.options) == (first.tools, first.system, first.options) for one in later),
)

"""The ledger: what every request cost, what the cache served of it, and why it did not serve more.

with Agent(model, "pages") as agent:
    agent.run("Count the pages.", thread="counting")
    usage = summarise(rows(agent.journal, "counting"))
    print(usage["hit_rate"], usage["cost_usd"])
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agentmem.meter.ledger import Row as Row
    from agentmem.meter.ledger import rows as rows
    from agentmem.meter.report import Summary as Summary
    from agentmem.meter.report import summarise as summarise

_HOMES = {"Row": "ledger", "Summary": "report", "rows": "ledger", "summarise": "report"}

__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)

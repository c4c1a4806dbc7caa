"""The meter: the cost of every request, the tokens that the cache served, and the report on a run.

with Agent(model, "pages") as agent:
    agent.run("Count the pages.", thread="counting")
    usage = summarise(rows(agent.journal, "counting"))
    print(usage["hit_rate"], usage["cost_usd"])
"""

from typing import TYPE_CHECKING

from agentmem.lazy import on_first_use

if TYPE_CHECKING:
    from agentmem.meter.ledger import Row as Row
    from agentmem.meter.ledger import rows as rows
    from agentmem.meter.report import Summary as Summary
    from agentmem.meter.report import summarise as summarise

_HOMES = {"Row": "ledger", "Summary": "report", "rows": "ledger", "summarise": "report"}

__all__ = list(_HOMES)


__getattr__ = on_first_use(__name__, {name: f"{__name__}.{home}" for name, home in _HOMES.items()})

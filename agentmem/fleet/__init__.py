"""Many runs of agents: on Ray or in threads, from one database, with limits that all of them share.

from agentmem.fleet import Fleet

with Fleet("agents:make_agent", "postgresql://...", ray="local", max_usd=20) as fleet:
    runs = fleet.map(["Check order 12", "Check order 13"])
"""

from typing import TYPE_CHECKING

from agentmem.lazy import on_first_use

if TYPE_CHECKING:
    from agentmem.fleet.batches import fleet_batches as fleet_batches
    from agentmem.fleet.board import FleetRun as FleetRun
    from agentmem.fleet.board import FleetSummary as FleetSummary
    from agentmem.fleet.fleet import Fleet as Fleet
    from agentmem.fleet.fleet import FleetProgress as FleetProgress
    from agentmem.fleet.results import write_page as write_page
    from agentmem.fleet.results import write_parquet as write_parquet
    from agentmem.fleet.settings import FleetSeat as FleetSeat
    from agentmem.fleet.tasks import FleetTask as FleetTask
    from agentmem.fleet.tasks import read_tasks as read_tasks

_HOMES = {
    "Fleet": "fleet",
    "FleetProgress": "fleet",
    "FleetRun": "board",
    "FleetSeat": "settings",
    "FleetSummary": "board",
    "FleetTask": "tasks",
    "fleet_batches": "batches",
    "read_tasks": "tasks",
    "write_page": "results",
    "write_parquet": "results",
}

__all__ = list(_HOMES)


__getattr__ = on_first_use(__name__, {name: f"{__name__}.{home}" for name, home in _HOMES.items()})

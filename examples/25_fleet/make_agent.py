"""Makes the agents of the fleet: `agentmem fleet tasks.jsonl --agent make_agent:make_agent`.

It is called for every run, where the run is. Runs of one prefix send the same first bytes, so that the first pays for
the cache and the others read it. Replace the scripted model by a name such as "anthropic:claude-sonnet-5-5".
"""

from agentmem import Agent, ScriptedModel
from agentmem.fleet import FleetSeat

RULES = {"orders": "Answer questions about orders.", "stock": "Answer questions about the stock."}


def make_agent(seat: FleetSeat) -> Agent:
    """An agent that notes what it was asked, and answers."""
    note = {"text": "I note it.", "calls": [{"write": {"page": "asked.md", "text": f"# {seat.key}\n"}}]}
    model = ScriptedModel([note, f"{seat.key}: yes, all is there."])
    return Agent(model, seat.workspace, database=seat.database, tools=["read", "write"], system=RULES[seat.prefix])

"""The graph that a LangGraph server serves: `langgraph.json` names it. AGENTMEM_* variables say how it is made.

The server brings its own threads: a run's ``task`` is its input, and the journal is kept in AGENTMEM_DATABASE.
"""

from pathlib import Path

from agentmem import Agent
from agentmem.config import Config

settings = Config.load()
workspace = Path("workspace")
workspace.mkdir(exist_ok=True)
graph = Agent(
    settings.model or "anthropic:claude-sonnet-5-5",
    workspace,
    budget=settings.budget,
    database=settings.database,
    archive=settings.archive or "workspace",
).graph

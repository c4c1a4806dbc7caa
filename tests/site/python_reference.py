"""The pages of the Python reference: for each name of the package that is public, what its docstring says."""

from collections.abc import Mapping, Sequence

import agentmem

PAGES: Mapping[str, tuple[str, Sequence[str]]] = {
    "agents.md": (
        "Agents",
        ("Agent", "Result", "Limits", "Delegation", "Delegated", "Approval", "Checkpoint", "Compaction"),
    ),
    "models.md": (
        "Models and messages",
        (
            "Model",
            "ModelProfile",
            "Options",
            "AnthropicModel",
            "LangChainModel",
            "LocalModel",
            "Engine",
            "ScriptedModel",
            "Message",
            "Text",
            "Image",
            "ToolCall",
            "Usage",
        ),
    ),
    "events.md": (
        "Events of a run",
        (
            *("TextDelta", "ToolCalled", "ToolReturned", "Metered", "Compacted"),
            *("Waiting", "Retrying", "Switched", "Stopped", "Done"),
        ),
    ),
    "tools.md": ("Tools", ("tool", "make_menu", "default_menu", "Reach", "ToolContext")),
    "pages.md": ("Pages and the journal", ("Workspace", "Journal", "open_journal")),
    "answers.md": ("Answers", ("AnswerCache", "Answer", "AnswerScope")),
    "routing.md": ("Routing", ("Routes", "RouteRule", "RouteTarget", "Privacy", "labelled")),
    "warehouse.md": ("The token warehouse", ("Warehouse", "FarTier", "S3Tier", "KvSources")),
    "team.md": ("Team and sandbox", ("Team", "TeamResult", "Role", "Budget", "Sandbox", "SandboxLimits")),
    "errors.md": (
        "Errors",
        ("AgentmemError", "BudgetExceeded", "ConfigError", "ModelError", "RecoverableError", "ThreadBusy", "ToolError"),
    ),
}
"""Which names of `agentmem` stand on which page."""

BESIDE: Mapping[str, tuple[str, Sequence[str]]] = {
    "integrations.md": (
        "Beside agents that you have",
        (
            "agentmem.integrations.wirelog.record",
            "agentmem.integrations.langchain.ContextMiddleware",
            "agentmem.integrations.langchain_watch.watched",
            "agentmem.integrations.guards.CacheMeter",
            "agentmem.integrations.pydantic_ai.ContextCapability",
            "agentmem.integrations.deepagents_backend.WorkspaceBackend",
            "agentmem.integrations.anthropic_memory.MemoryTool",
            "agentmem.mcp.client.MCP",
            "agentmem.testing.MessagesServer",
        ),
    ),
}
"""Names from the other modules that people import."""


def python_reference() -> Mapping[str, str]:
    """Each page by its name, as markdown with the directives of mkdocstrings."""
    pages = {name: (title, [_home(one) for one in names]) for name, (title, names) in PAGES.items()}
    every = {**pages, **{name: (title, list(names)) for name, (title, names) in BESIDE.items()}}
    return {f"python/{name}": _page(title, names) for name, (title, names) in every.items()}


def left_out() -> list[str]:
    """Public names that stand on no page."""
    named = {one for _, names in PAGES.values() for one in names} | {"record", "__version__"}
    return sorted(set(agentmem.__all__) - named)


def _home(name: str) -> str:
    return f"{getattr(agentmem, name).__module__}.{name}"


def _page(title: str, names: Sequence[str]) -> str:
    return "\n".join([f"# {title}\n", *(f"::: {name}\n" for name in names)])

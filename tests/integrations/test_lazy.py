"""Nothing heavy is imported before it is used, for each integration."""

import subprocess
import sys
from pathlib import Path

import pytest

import agentmem.integrations

HEAVY: tuple[str, ...] = (
    "langgraph",
    "langchain",
    "langchain_core",
    "langchain_anthropic",
    "deepagents",
    "pydantic_ai",
    "openai",
)
HEAVY += ("anthropic", "tiktoken", "lancedb", "pyarrow", "numpy", "onnxruntime", "rich", "genai_prices", "sqlite3")
CASES = {
    "the room": ("import agentmem.integrations", ()),
    "the meter": ("from agentmem.integrations import CacheMeter", ("genai_prices",)),
    "LangChain": (
        "from agentmem.integrations import ContextMiddleware; ContextMiddleware()",
        ("langgraph", "langchain", "langchain_core"),
    ),
    "the watch": (
        "from agentmem.integrations import watched; watched([])",
        ("langgraph", "langchain", "langchain_core"),
    ),
    "deepagents' places": (
        "from agentmem.integrations import ContextMiddleware; ContextMiddleware.for_deepagents()",
        ("langgraph", "langchain", "langchain_core"),
    ),
    "deepagents' backend": (
        "from agentmem.integrations import WorkspaceBackend",
        ("langgraph", "langchain", "langchain_core", "deepagents"),
    ),
    "pydantic-ai": ("from agentmem.integrations import ContextCapability; ContextCapability()", ("pydantic_ai",)),
}
FREE = {"tiktoken", "lancedb", "pyarrow", "onnxruntime", "langchain_anthropic", "anthropic"}
"""What no integration may load by itself: counting, search by meaning, providers' clients."""


@pytest.mark.parametrize("name", CASES)
def test_nothing_heavy_is_imported_before_it_is_used(name: str, tmp_path: Path) -> None:
    """Making one loads its own framework, and neither another's nor what only a request needs."""
    code, own = CASES[name]
    ask = f"{code}; import sys; print(*[one for one in {HEAVY!r} if one in sys.modules])"
    done = subprocess.run([sys.executable, "-c", ask], cwd=tmp_path, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    frameworks = {"langgraph", "langchain", "langchain_core", "deepagents", "pydantic_ai"}
    assert loaded & FREE == set()
    assert loaded & frameworks <= set(own)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", agentmem.integrations.__all__)
def test_every_public_name_is_there(name: str) -> None:
    """Every name in the room's `__all__` exists, and says what it is."""
    assert getattr(agentmem.integrations, name).__doc__

"""Forks of a repository or folder for running commands: nothing they do reaches the host until it is merged.

Names are imported on first use, so that the program inside a sandbox loads only what it needs.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agentmem.sandbox.changes import Diff as Diff
    from agentmem.sandbox.changes import FileChange as FileChange
    from agentmem.sandbox.forks import sweep as sweep
    from agentmem.sandbox.holding import HeldLimit as HeldLimit
    from agentmem.sandbox.limits import SandboxLimits as SandboxLimits
    from agentmem.sandbox.ran import Ran as Ran
    from agentmem.sandbox.ran import Snapshot as Snapshot
    from agentmem.sandbox.sandbox import Sandbox as Sandbox

_HOMES = {
    "FileChange": "changes",
    "Diff": "changes",
    "HeldLimit": "holding",
    "SandboxLimits": "limits",
    "Ran": "ran",
    "Sandbox": "sandbox",
    "Snapshot": "ran",
    "sweep": "forks",
}

__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)

"""Forks of a repository or folder for running commands: nothing they do reaches the host until it is merged.

Names are imported on first use, so that the program inside a sandbox loads only what it needs.
"""

from typing import TYPE_CHECKING

from agentmem.lazy import on_first_use

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


__getattr__ = on_first_use(__name__, {name: f"{__name__}.{home}" for name, home in _HOMES.items()})

"""Limits on the resources of a command in a sandbox."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

from agentmem.checking import NUMBER, WHOLE, Wanted, check_fields
from agentmem.errors import ConfigError

_MEBIBYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class SandboxLimits:
    """Limits for one ``run``. A command that exceeds one is killed, and ``Ran.killed`` names the limit.

    ``seconds``: wall time.
    ``memory``: bytes of all its processes together, and of the writable memory of each.
    ``processes``: processes and threads together.
    ``files``: files open in one process.
    ``disk``: bytes that the fork has changed in all its runs, and as much again in the temporary folder.
    ``output``: bytes of the printed output that are kept. More is not an error.
    ``printed``: bytes that may be printed.

    Raises ConfigError for a limit that is not above 0.

    Example:
        >>> Sandbox.fork(".", limits=SandboxLimits(seconds=60, memory=1 << 30))
    """

    seconds: float = 600.0
    memory: int = 4096 * _MEBIBYTE
    processes: int = 512
    files: int = 1024
    disk: int = 2048 * _MEBIBYTE
    output: int = 256 * 1024
    printed: int = 256 * _MEBIBYTE

    def __post_init__(self) -> None:
        check_fields("SandboxLimits", self, _WANTED)
        for limit in fields(self):
            if not getattr(self, limit.name) > 0:
                raise ConfigError(f"the limit {limit.name} is {getattr(self, limit.name)!r}; it must be above 0")


_WANTED: Mapping[str, Wanted] = {one.name: NUMBER if one.name == "seconds" else WHOLE for one in fields(SandboxLimits)}

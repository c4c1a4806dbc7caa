"""Limits on the resources of a command in a sandbox."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

from agentmem.checking import NUMBER, WHOLE, Wanted, check_fields
from agentmem.errors import ConfigError

_MEBIBYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class SandboxLimits:
    """Limits for one ``run``. A command that exceeds one is killed, and ``Ran.killed`` names the limit.

    ``seconds`` of wall time; ``memory`` bytes of all its processes together, and the writable memory of each;
    ``processes`` counts threads too; ``files`` open in one process; ``disk`` bytes written to the fork and, while the
    command runs, to its temporary folders; ``output`` bytes are kept of what is printed, and ``printed`` bytes may be
    printed.

    ``Ran.limits`` and `agentmem doctor` say what holds each of them. Where ``disk`` is held, a command writes to
    memory, and what it wrote is copied to the disk when it has ended: ``disk`` is then at most half of the machine's
    memory, and where a control group holds memory as well, those files count there too.
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

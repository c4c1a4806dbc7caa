"""One command in a fork: what it is told, what it may use, and how much it has written."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from agentmem.errors import SandboxError
from agentmem.sandbox import rights
from agentmem.sandbox.forks import ForkSettings, ForkStore
from agentmem.sandbox.hiding import hide_secrets
from agentmem.sandbox.planning import MOUNTING, Command, make_plan
from agentmem.sandbox.running import RunOutcome, execute
from agentmem.sandbox.tree import FileTree, remove_tree


def run(
    settings: ForkSettings,
    store: ForkStore,
    where: Path,
    command: str | Sequence[str],
    timeout: float | None,
    env: Mapping[str, str],
    stdin: bytes,
    cwd: str,
    globs: Sequence[Sequence[str]],
) -> RunOutcome:
    """Run it to its end. Raises SandboxError."""
    if timeout is not None and timeout <= 0:
        raise SandboxError(f"the timeout is {timeout}; it must be above 0 seconds.")
    argv = ["/bin/sh", "-c", command] if isinstance(command, str) else [str(part) for part in command]
    if not argv or any("\0" in part for part in argv):
        raise SandboxError("there is no command to run, or it contains a zero character.")
    if settings.isolation == "none":
        hide_secrets()
    scratch = _empty_scratch(where)
    held = _held_by_kernel(settings, store, globs)
    plan = make_plan(
        settings.isolation,
        Command(argv, cwd, dict(env)),
        store.mounted(),
        where,
        settings.limits,
        network=settings.network,
        writable=held,
        readable=settings.readable,
    )
    seconds = min(timeout or settings.limits.seconds, settings.limits.seconds)
    try:
        return execute(plan, settings.limits, stdin, _usage(store, where, settings.limits.disk), seconds)
    except OSError as error:
        raise SandboxError(f"the command could not be started: {error.strerror or error}.") from None
    finally:
        remove_tree(scratch / "home")


def _empty_scratch(where: Path) -> Path:
    scratch = where / "scratch"
    remove_tree(scratch)
    (scratch / "home").mkdir(parents=True)
    return scratch


def _held_by_kernel(settings: ForkSettings, store: ForkStore, globs: Sequence[Sequence[str]]) -> list[str] | None:
    """The folders to which the kernel can hold the command; None where its rights are no such thing."""
    if len(globs) != 1 or settings.isolation in ("none", "bubblewrap"):
        return None
    held = rights.folders(globs[0])
    if held is not None and settings.isolation not in MOUNTING:
        for folder in held:
            with FileTree(Path(store.mounted()["bind"])).parent(f"{folder}/.", make=True):
                pass
    return held


def _usage(store: ForkStore, where: Path, most: int) -> Callable[[], int]:
    """Tells the bytes that the fork takes; looks closer only when the disk has become fuller by half of ``most``."""
    began = os.statvfs(where)

    def used() -> int:
        now = os.statvfs(where)
        written = (began.f_bavail - now.f_bavail) * now.f_frsize + (began.f_favail - now.f_favail) * 4096
        return store.used() if written > most // 2 else 0

    return used

"""A command in a fork, from what a caller wants to how it ended: where it writes, what holds it, and what it left."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from agentmem.errors import SandboxError
from agentmem.sandbox import forks, rights, state
from agentmem.sandbox.control_groups import control_group, doors
from agentmem.sandbox.forks import ForkSettings, ForkStore
from agentmem.sandbox.hiding import hide_secrets
from agentmem.sandbox.holding import HeldLimit, Walls, held_limits, room_in_memory
from agentmem.sandbox.isolation import why_no_box
from agentmem.sandbox.layered import disk_usage
from agentmem.sandbox.plan import RunPlan
from agentmem.sandbox.planning import BOX, MOUNTING, Command, make_plan
from agentmem.sandbox.running import RunOutcome, execute
from agentmem.sandbox.ties import UNTIED, Ties
from agentmem.sandbox.tree import FileTree, remove_tree
from agentmem.sandbox.watching import DiskWatch


def run(
    settings: ForkSettings,
    store: ForkStore,
    where: Path,
    disk: DiskWatch,
    command: str | Sequence[str],
    timeout: float | None,
    env: Mapping[str, str],
    stdin: bytes,
    cwd: str,
    globs: Sequence[Sequence[str]],
    ties: Ties = UNTIED,
) -> tuple[RunOutcome, tuple[HeldLimit, ...]]:
    """Run it to its end; and how its limits were held. Raises SandboxError."""
    seconds, argv = _seconds(timeout, settings.limits.seconds), _arguments(command)
    if settings.isolation == "none":
        hide_secrets()
    _empty(where)
    boxed = _in_memory(settings, where)
    room = settings.limits.disk - store.used() if boxed else None
    told = Command(argv, cwd, dict(env), room=room, keep=str(where / forks.ARRIVED) if boxed else "")
    plan = make_plan(
        settings.isolation,
        _tied(told, settings, ties),
        store.mounted(str(where / BOX) if boxed else ""),
        where,
        settings.limits,
        network=settings.network,
        writable=_held_by_kernel(settings, store, globs),
        readable=settings.readable,
    )
    try:
        return _run(plan, settings, where, disk, stdin, seconds, ties)
    except OSError as error:
        raise SandboxError(f"the command could not be started: {error.strerror or error}.") from None
    finally:
        remove_tree(where / "scratch" / "home")
        forks.take_arrived(store, where)


def _tied(command: Command, settings: ForkSettings, ties: Ties) -> Command:
    hidden = [("", f"{settings.source}/{path}") for path in ties.hidden]
    return replace(
        command,
        temporary=str(ties.temporary or ""),
        follow=ties.follow,
        runs=ties.runs,
        over=hidden,
        own_user=ties.own_user,
    )


def _seconds(timeout: float | None, most: float) -> float:
    if timeout is not None and timeout <= 0:
        raise SandboxError(f"the timeout is {timeout}; it must be above 0 seconds.")
    return min(timeout or most, most)


def _arguments(command: str | Sequence[str]) -> list[str]:
    argv = ["/bin/sh", "-c", command] if isinstance(command, str) else [str(part) for part in command]
    if not argv or any("\0" in part for part in argv):
        raise SandboxError("there is no command to run, or it contains a zero character.")
    return argv


def _run(
    plan: RunPlan, settings: ForkSettings, where: Path, disk: DiskWatch, stdin: bytes, seconds: float, ties: Ties
) -> tuple[RunOutcome, tuple[HeldLimit, ...]]:
    """Run a plan in control groups, where there are any; and how its limits were held."""
    limits, boxed = settings.limits, bool(plan["keep"])
    bound = Walls(settings.isolation, limits, boxed, None, None).memory_bound
    with ExitStack() as opened:
        plan["held"] = opened.enter_context(state.keeping(where))
        group = opened.enter_context(control_group(bound, limits.processes))
        plan["groups"] = opened.enter_context(doors(group))
        held = held_limits(Walls(settings.isolation, limits, boxed, group.holds("memory"), group.holds("pids")))
        plan["watch"] = [one.limit for one in held if one.how == "watched"]

        def over(last: bool = False) -> str | None:
            if group.passed():
                return "memory"
            if ties.ended():
                return "ended"
            return "disk" if not boxed and disk.passed(last) else None

        outcome = execute(plan, limits, stdin, over, seconds, ties.descriptors)
        passed = over(last=True)  # also of a command that was killed: what it left by then is known from now on
        if outcome.killed is None:
            outcome = replace(outcome, killed=None if passed == "ended" else passed)
    return outcome, held


def _in_memory(settings: ForkSettings, where: Path) -> bool:
    """Whether what commands write stands in memory, in a file system of the size that it may have, until they end."""
    return room_in_memory(settings.limits) and why_no_box(settings.isolation, where) is None


def _empty(where: Path) -> None:
    """Make the folders for one command, empty."""
    for name in ("scratch", forks.ARRIVED, f"{forks.ARRIVED}.part"):
        remove_tree(where / name)
    for name in ("scratch/home", f"{forks.ARRIVED}.part"):
        (where / name).mkdir(parents=True)


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


def disk_watch(settings: ForkSettings, store: ForkStore, where: Path) -> DiskWatch:
    """Looks at the fork and the temporary folder of its commands."""
    return DiskWatch(where, settings.limits.disk, lambda: store.used() + disk_usage(where / "scratch"))

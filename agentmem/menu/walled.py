"""Runs a command of the tool `run` behind walls: it sees the workspace and the system's programs, and no other files.

The walls are the sandbox's, around the workspace itself instead of a fork. Inside, other processes, their environment
and the user's home folder do not exist, and agentmem's own files in the workspace cannot be written. Its settings are
restored after a command, with walls or without.
"""

import logging
import marshal
import os
import subprocess
import tempfile
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import IO

from agentmem import config
from agentmem.context.offload import FOLDER
from agentmem.errors import IsolationUnavailable, ToolError, WorkspaceError
from agentmem.menu.permissions import Reach
from agentmem.pages.files import Files
from agentmem.pages.names import HOME
from agentmem.pages.workspace import Workspace
from agentmem.sandbox.isolation import choose
from agentmem.sandbox.limits import SandboxLimits
from agentmem.sandbox.plan import MountedTree, RunPlan
from agentmem.sandbox.planning import HOME as HOME_INSIDE
from agentmem.sandbox.planning import MOUNTING, Command, Isolation, make_plan
from agentmem.sandbox.running import PYTHON, status_of
from agentmem.sandbox.tree import remove_tree

_log = logging.getLogger(__name__)
_LIMITS = SandboxLimits(memory=1 << 44, processes=30_000, files=1 << 20, disk=1 << 44)
"""Practically no limits: a person's commands may use all of the person's own machine."""

_BESIDE = ("lib", "lib64", "libexec", "include")
"""Folders that programs need, beside the folder that holds them."""

_CLOSED = frozenset(map(Path, ("/", "/usr", "/bin", "/sbin", "/lib", "/lib64", "/etc", "/dev", "/proc", "/sys")))
"""Folders that cannot be a workspace behind walls, because commands could then write the system itself."""

_RUN_BY_GIT = (".git/hooks", ".git/config")
"""Programs, and settings that name programs, that git runs for the next user of the repository."""


class Started:
    """A started command. Its end is told by its process, or behind walls by ``status``."""

    def __init__(self, process: "subprocess.Popen[bytes]", status: IO[bytes] | None = None) -> None:
        self.process, self._status = process, status

    def code(self) -> int:
        """Its exit code after its end, 128 plus a signal's number, or below zero for our own kill.

        Raises ToolError if the walls could not be made.
        """
        if self._status is None:
            return self.process.returncode
        with self._status as file:
            said = file.read()
        told = status_of(said, self.process.returncode)
        if "error" in told:
            raise ToolError(f"The command was not run: its walls could not be made: {told['error']}.")
        return int(told["exit"]) if "exit" in told else self.process.returncode


def walls(reach: Reach, root: Path) -> Isolation:
    """The isolation for commands in a workspace; "none" if none works here or none was wanted."""
    if reach.walls == "none" or root in _CLOSED:
        return "none"
    return _working()


@cache
def _working() -> Isolation:
    try:
        return choose("auto")
    except IsolationUnavailable as error:
        _log.warning("commands of the tool run have all your rights: %s", error)
        return "none"


def start(
    isolation: Isolation, argv: Sequence[str], workspace: Workspace, environment: Mapping[str, str], reach: Reach
) -> Started:
    """Starts a command; its output is ``process.stdout``. Raises OSError."""
    plan = _plan(isolation, argv, workspace, environment, reach)
    with ExitStack() as opened:
        planned = opened.enter_context(tempfile.TemporaryFile())
        planned.write(marshal.dumps(dict(plan)))
        planned.seek(0)
        status, status_in = os.pipe()
        opened.callback(os.close, status_in)
        try:
            process = subprocess.Popen(
                [*PYTHON, str(planned.fileno()), str(status_in)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=(planned.fileno(), status_in),
                start_new_session=True,
                cwd="/",
                env={config.MARK: environment.get(config.MARK, "")},
            )
        except BaseException:
            os.close(status)
            raise
    return Started(process, os.fdopen(status, "rb"))


def _plan(
    isolation: Isolation, argv: Sequence[str], workspace: Workspace, environment: Mapping[str, str], reach: Reach
) -> RunPlan:
    root, room = str(workspace.root), _room(workspace)
    for name in ("root", "scratch/home", "temporary/home"):
        (room / name).mkdir(mode=0o700, parents=True, exist_ok=True)
    plan = make_plan(
        isolation,
        Command(list(argv), temporary=str(room / "temporary"), over=list(_over(workspace.root, reach))),
        MountedTree(at=root, bind=root, lower=[], upper="", work=""),
        room,
        _LIMITS,
        network=reach.network,
        readable=[*reach.readable, *_programs(environment, workspace.root)],
    )
    mounting = isolation in MOUNTING
    home = HOME_INSIDE if mounting else f"{plan['scratch']}/home"
    own = {"HOME": home} if mounting else {"HOME": home, "TMPDIR": plan["scratch"]}
    plan["env"] = {**environment, **own}
    return plan


def _over(root: Path, reach: Reach) -> Iterator[tuple[str, str]]:
    """The parts of the workspace that commands may not write.

    These are agentmem's settings, its folder (of which they see the pages of long results), and what git would run for
    a person outside, unless that is allowed.
    """
    if (root / HOME).is_dir() and not (root / HOME).is_symlink():
        yield "", str(root / HOME)
        pages = root / FOLDER
        if pages.is_dir() and not pages.is_symlink():
            yield str(pages), str(pages)
    closed = (config.FILE, *(() if reach.steering == "allow" else _RUN_BY_GIT))
    for at in (root / name for name in closed):
        if at.exists() and not any(one.is_symlink() for one in (at, at.parent)):
            yield str(at), str(at)


def _programs(environment: Mapping[str, str], root: Path) -> Iterator[Path]:
    """The folders of the user's own programs and of the libraries beside them, but never all of the home folder."""
    inner = (root, Path(environment.get("HOME", "/")))
    for part in map(Path, filter(os.path.isabs, environment.get("PATH", "").split(os.pathsep))):
        if _open(part) and not any(one.is_relative_to(part) for one in inner) and not part.is_relative_to(root):
            yield part
            if part.name in ("bin", "sbin"):
                yield from (beside for name in _BESIDE if _open(beside := part.parent / name))


def _open(folder: Path) -> bool:
    return os.access(folder, os.R_OK | os.X_OK)


_ROOMS: "weakref.WeakKeyDictionary[Workspace, Path]" = weakref.WeakKeyDictionary()
"""The folder for temporary files of each workspace: the next command finds what one leaves in /tmp."""


def _room(workspace: Workspace) -> Path:
    room = _ROOMS.get(workspace)
    if room is None or not room.is_dir():
        room = Path(tempfile.mkdtemp(prefix="agentmem-run-"))
        _ROOMS[workspace] = room
        weakref.finalize(workspace, remove_tree, room)
    return room


UNDONE = "It changed {name}, which holds agentmem's own settings and is a person's alone; that was undone."


@contextmanager
def settings_kept(workspace: Workspace) -> Iterator[list[str]]:
    """Restores agentmem's settings after the block, in which a command runs. The value then tells what was undone."""
    files = Files(workspace.root)
    before, undone = _bytes(files), list[str]()
    try:
        yield undone
    finally:
        if _bytes(files) != before:
            _put_back(files, before)
            undone.append(UNDONE.format(name=config.FILE))


def _bytes(files: Files) -> bytes | str | None:
    """The bytes of the settings, or the target if they are a link; None if there are none."""
    at = files.root / config.FILE
    with suppress(OSError):
        return str(at.readlink())
    with suppress(OSError):
        return at.read_bytes()
    return "a folder" if at.is_dir() else None


def _put_back(files: Files, before: bytes | str | None) -> None:
    at = files.root / config.FILE
    with suppress(OSError, WorkspaceError):
        if at.is_symlink() or at.is_file():
            at.unlink()
        elif at.is_dir():
            at.rename(at.with_name(f"{config.FILE}.not-settings"))
        if isinstance(before, bytes):
            files.write(config.FILE, before, lambda _: None)
        elif isinstance(before, str):
            at.symlink_to(before)

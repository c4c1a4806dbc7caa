"""agentmem's settings in a workspace stay what they were while a command of the model's runs there."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from agentmem import config
from agentmem.errors import WorkspaceError
from agentmem.pages.files import Files
from agentmem.pages.workspace import Workspace

UNDONE = "It changed {name}, which holds agentmem's own settings and is a person's alone; that was undone."


@contextmanager
def keeping(workspace: Workspace) -> Iterator[list[str]]:
    """Within the block a command runs. The value holds afterwards what was undone, in sentences."""
    files = Files(workspace.root)
    before, undone = _bytes(files), list[str]()
    try:
        yield undone
    finally:
        if _bytes(files) != before:
            _put_back(files, before)
            undone.append(UNDONE.format(name=config.FILE))


def _bytes(files: Files) -> bytes | str | None:
    """What the settings are; of a link where it leads. None where there are none."""
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

"""Anthropic's memory tool over the pages of a workspace, for the official SDK's tool runner.

What the model remembers are pages: people can read and edit them, two processes cannot lose each other's edits, and
links are mended when a memory is renamed. The texts are those of the SDK's own tool over a folder.
"""

import os
import stat
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TypeVar

from anthropic.lib.tools import BetaAbstractMemoryTool, ToolError
from anthropic.types.beta import (
    BetaMemoryTool20250818CreateCommand as Create,
)
from anthropic.types.beta import (
    BetaMemoryTool20250818DeleteCommand as Delete,
)
from anthropic.types.beta import (
    BetaMemoryTool20250818InsertCommand as Insert,
)
from anthropic.types.beta import (
    BetaMemoryTool20250818RenameCommand as Rename,
)
from anthropic.types.beta import (
    BetaMemoryTool20250818StrReplaceCommand as Replace,
)
from anthropic.types.beta import (
    BetaMemoryTool20250818ViewCommand as View,
)

from agentmem.errors import PageExists, PageNotFound, StalePage, WorkspaceError
from agentmem.pages.files import Files
from agentmem.pages.names import canonical
from agentmem.pages.page import Page
from agentmem.pages.workspace import Workspace

T = TypeVar("T")

ROOT = "/memories"
"""The folder that the model sees."""
_MOST_LINES = 999_999
_WIDTH = 6
_DEPTH = 2
_TRIES = 20  # an edit is made again on the newest text, if somebody else was faster


class MemoryTool(BetaAbstractMemoryTool):
    """The memory tool, whose files are the pages below a folder of a workspace.

        tool = MemoryTool(Workspace("notes"))
        runner = client.beta.messages.tool_runner(model=model, max_tokens=1024, messages=messages, tools=[tool])

    ``folder`` is the workspace's folder for them; "" is all of it. Hidden files and agentmem's settings are out of
    reach. Errors are the SDK's ToolError, whose text the model is told.
    """

    def __init__(self, workspace: Workspace, folder: str = "memories") -> None:
        super().__init__()
        self._workspace, self._folder = workspace, canonical(folder)
        self._files = Files(workspace.root)

    def view(self, command: View) -> str:
        """A folder's files up to two levels deep with their sizes, or a file's numbered lines."""
        name = self._name(command.path)
        if self._is_folder(name):
            return self._listing(command.path, name)
        lines = self._page(command.path, name).text.split("\n")
        if len(lines) > _MOST_LINES:
            raise ToolError(f"File {command.path} exceeds maximum line limit of 999,999 lines.")
        first, last = 1, len(lines)
        if command.view_range and len(command.view_range) == 2:
            first, last = max(1, command.view_range[0]), command.view_range[1]
        shown = lines[first - 1 :] if last == -1 else lines[first - 1 : last]
        return f"Here's the content of {command.path} with line numbers:\n{_numbered(shown, first)}"

    def create(self, command: Create) -> str:
        """A new file, in new folders if need be."""
        name = self._name(command.path)
        if not name or self._is_folder(name):
            raise ToolError(f"File {command.path} already exists")
        try:
            self._doing(lambda: self._workspace.write(name, command.file_text, overwrite=False))
        except PageExists as error:
            raise ToolError(f"File {command.path} already exists") from error
        return f"File created successfully at: {command.path}"

    def str_replace(self, command: Replace) -> str:
        """A text that stands once in a file, replaced."""
        at = list[int]()

        def replaced(text: str) -> str:
            lines = list(_lines_with(text, command.old_str))
            if not lines:
                missing = f"old_str `{command.old_str}` did not appear verbatim in {command.path}."
                raise ToolError(f"No replacement was performed, {missing}")
            if len(lines) > 1:
                raise ToolError(
                    f"No replacement was performed. Multiple occurrences of old_str `{command.old_str}` in lines: "
                    f"{', '.join(map(str, lines))}. Please ensure it is unique"
                )
            at[:] = lines
            return text.replace(command.old_str, command.new_str)

        lines = self._edited(command.path, replaced).split("\n")
        first = max(1, at[0] - 2)
        head = "The memory file has been edited. Here is the snippet showing the change (with line numbers):"
        return f"{head}\n{_numbered(lines[first - 1 : at[0] + 2], first)}"

    def insert(self, command: Insert) -> str:
        """Lines behind the line of this number; 0 is the top."""

        def inserted(text: str) -> str:
            lines = text.removesuffix("\n").split("\n") if text else []
            if not 0 <= command.insert_line <= len(lines):
                raise ToolError(
                    f"Invalid `insert_line` parameter: {command.insert_line}. "
                    f"It should be within the range [0, {len(lines)}]."
                )
            lines.insert(command.insert_line, command.insert_text.rstrip("\n"))
            made = "\n".join(lines)
            return made if made.endswith("\n") else f"{made}\n"

        self._edited(command.path, inserted)
        return f"The file {command.path} has been edited."

    def delete(self, command: Delete) -> str:
        """A file, or a folder with all that is in it."""
        name = self._name(command.path)
        if name == self._folder:
            raise ToolError("Cannot delete the /memories directory itself")
        if self._is_folder(name):
            self._doing(lambda: self._delete_below(name))
        else:
            try:
                if not os.path.lexists(self._workspace.root / name):
                    raise PageNotFound(name)
                self._doing(lambda: self._workspace.delete(name))
            except PageNotFound as error:
                raise ToolError(f"The path {command.path} does not exist") from error
        return f"Successfully deleted {command.path}"

    def rename(self, command: Rename) -> str:
        """A file or a folder under another name; links to it are mended."""
        old, new = self._name(command.old_path), self._name(command.new_path)
        if old == self._folder:
            raise ToolError("Cannot rename the /memories directory itself")
        if (self._workspace.root / new).exists():
            raise ToolError(f"The destination {command.new_path} already exists")
        if self._is_folder(old):
            if new.startswith(f"{old}/"):
                raise ToolError(f"The destination {command.new_path} is inside {command.old_path}")
            self._doing(lambda: self._move_below(old, new))
        else:
            try:
                self._doing(lambda: self._workspace.move(old, new))
            except PageNotFound as error:
                raise ToolError(f"The path {command.old_path} does not exist") from error
        return f"Successfully renamed {command.old_path} to {command.new_path}"

    def clear_all_memory(self) -> str:
        """Delete all memories. No command of the model does that."""
        self._doing(lambda: self._delete_below(self._folder))
        return "All memory cleared"

    def _name(self, path: str) -> str:
        """The page or folder of a path. Raises ToolError for one outside the folder, or hidden."""
        if path != ROOT and not path.startswith(f"{ROOT}/"):
            raise ToolError(f"Path must start with /memories, got: {path}")
        inside = path[len(ROOT) :].strip("/")
        if ".." in inside.split("/"):
            raise ToolError(f"Path {path} would escape /memories directory")

        def located() -> str:
            name = canonical(f"{self._folder}/{inside}".strip("/"))
            if self._files.locate(name) not in (name, self._workspace.spelled(name)):
                raise ToolError("Path would escape /memories directory via symlink")
            return self._workspace.spelled(name)

        return self._doing(located)

    def _doing(self, work: Callable[[], T]) -> T:
        """The result of ``work``, with a workspace's errors as the SDK's; those that have a text of their own pass."""
        try:
            return work()
        except (PageExists, PageNotFound, StalePage):
            raise
        except WorkspaceError as error:
            raise ToolError(error.sentence) from error

    def _page(self, path: str, name: str) -> Page:
        try:
            if not os.path.lexists(self._workspace.root / name):  # also below a file
                raise PageNotFound(name)
            return self._doing(lambda: self._workspace.page(name))
        except PageNotFound as error:
            raise ToolError(f"The path {path} does not exist. Please provide a valid path.") from error

    def _edited(self, path: str, change: Callable[[str], str]) -> str:
        """The new text of a file. The change is made on the newest text, whoever else writes."""
        name = self._name(path)
        if self._is_folder(name):
            raise ToolError(f"The path {path} is not a file.")
        for _ in range(_TRIES):
            page = self._page(path, name)
            made = change(page.text)
            try:
                return self._doing(partial(self._workspace.write, name, made, revision=page.revision)).text
            except (StalePage, PageNotFound):
                continue
        raise ToolError(f"The file {path} is changed by others all the time. Try again.")

    def _is_folder(self, name: str) -> bool:
        try:
            return stat.S_ISDIR(os.lstat(self._workspace.root / name).st_mode)
        except OSError:
            return name == self._folder

    def _listing(self, path: str, name: str) -> str:
        head = f"Here're the files and directories up to 2 levels deep in {path}, excluding hidden items:"
        folder = self._workspace.root / name
        rows = [f"{_size(folder.lstat().st_size if folder.exists() else 0)}\t{path}"]
        rows += [f"{size}\t{path}/{inside}" for size, inside in _below(folder, "", 1)]
        return "\n".join((head, *rows))

    def _delete_below(self, name: str) -> None:
        for page in self._workspace.names(name):
            self._workspace.delete(page)
        self._files.remove_tree(name)

    def _move_below(self, old: str, new: str) -> None:
        for page in self._workspace.names(old):
            self._workspace.move(page, f"{new}{page.removeprefix(old)}")
        for path in sorted((self._workspace.root / old).rglob("*")):
            name = path.relative_to(self._workspace.root).as_posix()
            if path.is_file() and not path.is_symlink():
                self._files.move(name, f"{new}{name.removeprefix(old)}")
        self._files.remove_tree(old)


def _below(folder: Path, inside: str, depth: int) -> Iterator[tuple[str, str]]:
    """The files and folders of a folder, with their sizes; links and hidden ones are left out."""
    try:
        found = sorted(folder.iterdir(), key=lambda one: one.name)
    except OSError:
        return
    for one in found:
        if one.name.startswith(".") or one.is_symlink():
            continue
        name = f"{inside}/{one.name}" if inside else one.name
        if one.is_dir():
            yield _size(one.stat().st_size), f"{name}/"
            yield from _below(one, name, depth + 1) if depth < _DEPTH else ()
        elif one.is_file():
            yield _size(one.stat().st_size), name


def _size(size: int) -> str:
    """A size in the SDK's form: 0B, 12B, 4K, 1.5K."""
    if size == 0:
        return "0B"
    step = min((size.bit_length() - 1) // 10, 3)
    value = size / 1024**step
    return f"{value:.0f}{'BKMG'[step]}" if value == int(value) else f"{value:.1f}{'BKMG'[step]}"


def _numbered(lines: list[str], first: int) -> str:
    return "\n".join(f"{number:>{_WIDTH}}\t{line}" for number, line in enumerate(lines, first))


def _lines_with(text: str, part: str) -> Iterator[int]:
    """The numbers of the lines at which a part begins, also where two overlap."""
    at = text.find(part)
    while at >= 0:
        yield text.count("\n", 0, at) + 1
        at = text.find(part, at + 1)

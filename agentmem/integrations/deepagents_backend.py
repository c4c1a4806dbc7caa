"""A workspace as a backend of deepagents: its file tools work on the pages that people and our own agents share.

    create_deep_agent(model, tools, backend=WorkspaceBackend(Workspace("notes")))

Paths begin with `/`, which is the workspace's folder. An edit is atomic, and applies to the newest bytes or fails;
hidden files and files with keys are not shown and cannot be changed. As deepagents demands, nothing raises: an error
is a field of the result.
"""

import base64
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from deepagents.backends.protocol import (
    FILE_NOT_FOUND,
    INVALID_PATH,
    IS_DIRECTORY,
    PERMISSION_DENIED,
    BackendProtocol,
    DeleteResult,
    EditResult,
    FileData,
    FileDownloadResponse,
    FileInfo,
    FileUploadResponse,
    GlobResult,
    GrepResult,
    LsResult,
    ReadResult,
    WriteResult,
)
from deepagents.backends.utils import (
    InvalidGlobPatternError,
    compile_grep_include_glob,
    grep_matches_from_files,
    perform_string_replacement,
    slice_read_response,
)

from agentmem.checking import check_settings, of
from agentmem.errors import NotAPage, PageNotFound, ToolRefused, WorkspaceError
from agentmem.menu.builtin import readable, refuse_secret
from agentmem.menu.tool import ToolContext
from agentmem.pages.files import Files
from agentmem.pages.names import is_hidden
from agentmem.pages.workspace import Workspace

MOST = 10 * 1024 * 1024
"""The most bytes of a file that is no page, such as a picture."""


class WorkspaceBackend(BackendProtocol):
    """deepagents' backend on a `Workspace`. The async methods are the base class's: the same in a thread."""

    def __init__(self, workspace: Workspace) -> None:
        check_settings("WorkspaceBackend", locals(), {"workspace": of(Workspace, "a Workspace, as Workspace(PATH)")})
        self.workspace = workspace
        self._files = Files(workspace.root)
        self._context = ToolContext(workspace, "main")

    # What is there.

    def ls(self, path: str) -> LsResult:
        """The files and folders directly in a folder; folders end with ``/``."""
        try:
            folder = self._folder(path)
        except WorkspaceError as error:
            return LsResult(error=f"Path '{path}': {error}")
        if not folder.exists():
            return LsResult(error=f"Path '{path}': path_not_found")
        if not folder.is_dir():
            return LsResult(error=f"Path '{path}': not_a_directory")
        found = [self._info(one) for one in folder.iterdir() if self._is_shown(one)]
        return LsResult(entries=sorted(found, key=lambda one: one["path"]))

    def glob(self, pattern: str, path: str | None = None) -> GlobResult:
        """The files below ``path`` that fit a pattern, the newest first."""
        try:
            fits, base = compile_grep_include_glob(pattern), self._folder(path or "/")
        except InvalidGlobPatternError as error:
            return GlobResult(error=str(error))
        except WorkspaceError as error:
            return GlobResult(error=f"Path '{path}': {error}")
        found = [one for one in self._walk(base) if fits(one.relative_to(base).as_posix())]
        ordered = sorted(found, key=lambda one: one.stat().st_mtime, reverse=True)
        return GlobResult(matches=[self._info(one) for one in ordered])

    def grep(
        self, pattern: str, path: str | None = None, glob: str | None = None, *, max_count: int | None = None
    ) -> GrepResult:
        """The lines that hold a text, word for word, in pages below ``path`` whose path fits ``glob``."""
        try:
            base = self._folder(path or "/")
        except WorkspaceError as error:
            return GrepResult(error=f"Path '{path}': {error}")
        files = {self._path(one): data for one in self._walk(base) if (data := self._text(one)) is not None}
        return grep_matches_from_files(files, pattern, path or "/", glob, max_count=max_count)

    def read(self, file_path: str, offset: int = 0, limit: int = 2000) -> ReadResult:
        """Lines of a page; a file that is no text comes whole, in base64."""
        try:
            name = self._name(file_path)
            data, _ = self._files.raw(name, MOST)
        except (PageNotFound, FileNotFoundError):
            return ReadResult(error=f"File '{file_path}' not found")
        except WorkspaceError as error:
            return ReadResult(error=f"File '{file_path}': {error}")
        if len(data) > MOST:
            return ReadResult(error=f"File '{file_path}' is larger than {MOST // 2**20} MB")
        text = _decoded(data)
        if text is None:
            return ReadResult(file_data={"content": base64.b64encode(data).decode(), "encoding": "base64"})
        return slice_read_response({"content": text, "encoding": "utf-8"}, offset, limit)

    # What changes.

    def write(self, file_path: str, content: str) -> WriteResult:
        """Makes a page, or replaces it whole."""
        try:
            self.workspace.write(self._name(file_path), content)
        except WorkspaceError as error:
            return WriteResult(error=f"Error writing file '{file_path}': {error}")
        return WriteResult(path=file_path)

    def edit(
        self,
        file_path: str,
        old_string: str,
        new_string: str,
        replace_all: bool = False,
    ) -> EditResult:
        """Replaces a text that stands exactly once, or everywhere. Another's edit in between makes it fail."""
        try:
            page = self.workspace.page(self._name(file_path))
            changed = perform_string_replacement(page.text, old_string, new_string, replace_all)
            if isinstance(changed, str):
                return EditResult(error=changed)
            text, occurrences = changed
            self.workspace.write(page.name, text, revision=page.revision)
        except PageNotFound:
            return EditResult(error=f"Error: File '{file_path}' not found")
        except WorkspaceError as error:
            return EditResult(error=f"Error editing file '{file_path}': {error}")
        return EditResult(path=file_path, occurrences=int(occurrences))

    def delete(self, file_path: str) -> DeleteResult:
        """Deletes a file, or a folder with all that is in it. A folder with hidden files in it stays, and they do."""
        try:
            place = self._folder(file_path)
            if place == self.workspace.root:
                return DeleteResult(error="Error: the workspace itself cannot be deleted")
            if not place.exists():
                return DeleteResult(error=f"Error: File '{file_path}' not found")
            self._delete(place)
        except (WorkspaceError, OSError) as error:
            return DeleteResult(error=f"Error deleting '{file_path}': {error}")
        if place.exists():
            return DeleteResult(error=f"Error deleting '{file_path}': hidden files in it stay")
        return DeleteResult(path=file_path)

    def upload_files(self, files: list[tuple[str, bytes]]) -> list[FileUploadResponse]:
        """Writes files of any bytes, each whole; a response for each, in order."""
        return [FileUploadResponse(path, error=self._upload(path, data)) for path, data in files]

    def download_files(self, paths: list[str]) -> list[FileDownloadResponse]:
        """The bytes of files; a response for each, in order."""
        return [self._download(path) for path in paths]

    # How it is done.

    def _name(self, path: str) -> str:
        """The name of a path in the workspace, which a model may see and change. Raises WorkspaceError."""
        if not path.startswith("/"):
            raise NotAPage(f"a path begins with '/', and {path!r} does not")
        name = self._files.locate(path.strip("/"))
        try:
            refuse_secret(self._context, name)
        except ToolRefused as error:
            raise NotAPage(str(error)) from error
        return name

    def _folder(self, path: str) -> Path:
        return self.workspace.root / self._name(path if path.startswith("/") else f"/{path}")

    def _path(self, place: Path) -> str:
        return f"/{place.relative_to(self.workspace.root).as_posix()}"

    def _is_shown(self, place: Path) -> bool:
        name = self._path(place)[1:]
        return not is_hidden(name) and not place.is_symlink() and readable(self._context, name)

    def _walk(self, base: Path) -> Iterator[Path]:
        """The regular files below a folder that are shown; the file itself if it is one."""
        if base.is_file():
            yield base
        for folder, folders, names in os.walk(base):
            here = Path(folder)
            folders[:] = sorted(one for one in folders if self._is_shown(here / one))
            yield from (here / one for one in sorted(names) if self._is_shown(here / one) and (here / one).is_file())

    def _info(self, place: Path) -> FileInfo:
        status, folder = place.stat(), place.is_dir()
        modified = datetime.fromtimestamp(status.st_mtime, UTC).isoformat()
        size = 0 if folder else status.st_size
        return {"path": self._path(place) + "/" * folder, "is_dir": folder, "size": size, "modified_at": modified}

    def _text(self, place: Path) -> FileData | None:
        try:
            text = _decoded(self._files.raw(self._path(place)[1:], MOST)[0])
        except WorkspaceError:
            return None
        return None if text is None else {"content": text, "encoding": "utf-8"}

    def _delete(self, place: Path) -> None:
        if not place.is_dir():
            self._files.delete(self._path(place)[1:])
            self.workspace.refresh()
            return
        for one in sorted(place.iterdir()):
            if self._is_shown(one):
                self._delete(one)
        if not any(place.iterdir()):
            place.rmdir()

    def _upload(self, path: str, data: bytes) -> str | None:
        try:
            name = self._name(path)
            if not name or (self.workspace.root / name).is_dir():
                return IS_DIRECTORY
            self._files.put(name, data)
        except WorkspaceError:
            return INVALID_PATH
        except PermissionError:
            return PERMISSION_DENIED
        self.workspace.refresh()
        return None

    def _download(self, path: str) -> FileDownloadResponse:
        try:
            name = self._name(path)
            if (self.workspace.root / name).is_dir():
                return FileDownloadResponse(path, error=IS_DIRECTORY)
            with (self.workspace.root / name).open("rb") as file:
                return FileDownloadResponse(path, content=file.read())
        except (PageNotFound, FileNotFoundError):
            return FileDownloadResponse(path, error=FILE_NOT_FOUND)
        except WorkspaceError:
            return FileDownloadResponse(path, error=INVALID_PATH)
        except PermissionError:
            return FileDownloadResponse(path, error=PERMISSION_DENIED)


def _decoded(data: bytes) -> str | None:
    """The text of a file; None if it is none."""
    if b"\0" in data:
        return None
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None

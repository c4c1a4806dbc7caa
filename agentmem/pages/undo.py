"""Changes several files completely or not at all, even if the process is killed half-way.

One file holds the old bytes until all is done. The next editor of the workspace puts them back.
"""

import base64
import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from agentmem.errors import PageNotFound, WorkspaceError
from agentmem.pages.files import Files
from agentmem.pages.folders import reported
from agentmem.pages.names import HOME
from agentmem.pages.page import Page, make

_FILE = "pages.undo"


def begin(files: Files, moved: tuple[str, str], pages: Mapping[str, tuple[Page, bytes]]) -> None:
    """Store the pages' bytes, and the names ``moved`` from and to, before the first page changes."""
    kept = [
        [name, base64.b64encode(page.data).decode(), make(name, data).revision] for name, (page, data) in pages.items()
    ]
    path = _path(files)
    with reported(f"{HOME}/{_FILE}", "written"):
        new = path.with_suffix(".new")
        with new.open("w", encoding="utf-8") as file:
            json.dump({"moved": moved, "pages": kept}, file)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)


def end(files: Files) -> None:
    """The change is done: remove the stored bytes."""
    with reported(f"{HOME}/{_FILE}", "removed"):
        _path(files).unlink(missing_ok=True)


def put_back(files: Files, note: Callable[[str], None]) -> None:
    """Undo an unfinished change, except on pages that somebody has changed since."""
    try:
        text = _path(files).read_text(encoding="utf-8")
    except OSError:
        return
    try:
        kept = json.loads(text)
        (name, to), pages = kept["moved"], [(one, base64.b64decode(old), new) for one, old, new in kept["pages"]]
    except (ValueError, KeyError, TypeError):
        end(files)  # the process was killed while it wrote this file, so no page had changed yet
        return
    if files.exists(to) and not files.exists(name):
        files.move(to, name)
    for page, old, new in pages:
        with suppress(PageNotFound, WorkspaceError):
            if make(page, files.read(page)[0]).revision == new:
                files.write(page, old, note)
    end(files)


def _path(files: Files) -> Path:
    return files.root / HOME / _FILE

"""The tests' own files in the judge: they lie at no name that the code can tell, and this hears of each that is opened.

The judge runs it by itself, without the rest of agentmem. A library may open a file without an event of Python's, by a
name that the code returned or wrote into a file. So tests run in an empty folder, away from their files; and the kernel
(inotify) tells of what is opened, whoever opens it.
"""

import ast
import ctypes
import os
import struct
from collections.abc import Iterator
from contextlib import suppress
from os import lstat  # bound by its name here: another is put in its place

from agentmem.team.proof.arguments import tree_of
from agentmem.team.proof.syntax import nodes_of

_OPENED, _ONLY_FOLDERS = 0x20, 0x01000000  # IN_OPEN and IN_ONLYDIR, see inotify(7)
_FLAGS = os.O_NONBLOCK | os.O_CLOEXEC
_EVENT = struct.Struct("iIII")
_READ, _MOST = 1 << 16, 1 << 20


class OwnFiles:
    """The files below ``root``. ``here`` is the empty folder in which the tests run."""

    def __init__(self, root: str, here: str) -> None:
        self.root, self.here = root, here
        self._folders: dict[int, str] = {}
        self._told = -1
        self._written: dict[str, str] = {}
        self._secret = os.fsencode(root.rpartition("/")[2])

    def watch(self) -> None:
        """Hear of what is opened from now on, in this process and in others."""
        libc = ctypes.CDLL(None, use_errno=True)
        if (told := libc.inotify_init1(_FLAGS)) < 0:
            return
        self._told = told
        above = self.root
        folders = [folder for folder, _, _ in os.walk(self.root)]
        while (above := above.rpartition("/")[0]) and above.count("/") > 1:
            folders.append(above)
        for folder in folders:
            number = libc.inotify_add_watch(told, os.fsencode(folder), _OPENED | _ONLY_FOLDERS)
            if number >= 0:
                self._folders[number] = folder

    def opened(self) -> Iterator[str]:
        """What was opened since the last look: the tests' files and folders, and folders in which these are found."""
        data = b""
        if self._told >= 0:
            with suppress(OSError):
                data = os.read(self._told, _READ)
        at, paths = 0, dict[str, None]()
        while at < len(data):
            number, _, _, size = _EVENT.unpack_from(data, at)
            at += _EVENT.size + size
            folder, name = self._folders.get(number, ""), data[at - size : at].rstrip(b"\0")
            if not name:
                paths[folder] = None
            elif not self.is_above(folder):
                paths[f"{folder}/{os.fsdecode(name)}"] = None
        return iter(paths)

    def is_above(self, folder: str) -> bool:
        """True for a folder in which the tests' folder lies."""
        return self.root.startswith(f"{folder}/")

    def holds(self, path: str) -> bool:
        """True for a path below the tests' folder."""
        return path.startswith(f"{self.root}/")

    def is_told_in(self, file: str) -> bool:
        """True if a file, or a link, tells where the tests lie, as a test may have written it."""
        with suppress(OSError):
            return self._secret in os.fsencode(os.readlink(file))  # noqa: PTH115 (it is asked of many files)
        with suppress(OSError), os.fdopen(os.open(file, os.O_RDONLY | _FLAGS), "rb") as opened:
            return self._secret in opened.read(_MOST)
        return False

    def meant(self, path: str) -> str:
        """What a path means that is relative to where the tests run, if it is one of theirs; else ""."""
        name = path.removeprefix(f"{self.here}/")
        if path == self.here:
            return "."
        if name != path:
            with suppress(OSError, ValueError):
                lstat(f"{self.root}/{name}")
                return name
        return ""

    def written(self, file: str) -> str:
        """A text in a file of tests that names one of their own files relative to where they used to run; else ""."""
        if file not in self._written:  # it is asked for each test
            tree = tree_of(file)
            texts = [one.value for one in nodes_of(tree) if isinstance(one, ast.Constant)] if tree is not None else []
            names = (one for one in texts if type(one) is str and 2 < len(one) < 256 and "\0" not in one)
            self._written[file] = next((one for one in names if self.meant(os.path.normpath(f"{self.here}/{one}"))), "")
        return self._written[file]

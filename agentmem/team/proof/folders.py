"""What lies in the folders of a test when it calls the code, and afterwards, whoever wrote it there.

The judge runs it by itself, without the rest of agentmem. Python tells of files that it opens. A library may write and
read them without it, as may a program: so these folders are looked through before and after each call, and the kernel
(inotify) tells of what is opened that the code has changed.
"""

import ctypes
import os
import stat
import struct
from collections import Counter
from collections.abc import Callable, Iterator

_State = tuple[int, int, int, int]
"""Of a file: its owner, its number, its size, and when it was written; of a folder the first two."""
_READ = 0x20 | 0x10  # IN_OPEN, IN_CLOSE_NOWRITE: see inotify(7)
_FLAGS = os.O_NONBLOCK | os.O_CLOEXEC
_EVENT = struct.Struct("iIII")
_MANY, _BYTES = 500, 1 << 16  # files that are looked at, and bytes of events that are read at once


class TestFolders:
    """The temporary folders that a test, or a fixture for many, has made. ``base`` is where pytest makes its own."""

    __test__ = False

    def __init__(self, base: str) -> None:
        self.base = base
        self.changed = set[str]()
        self.programs = False
        self._made: dict[str, bool] = {}
        self._before: dict[str, _State] = {}
        self._after: dict[str, _State] = {}
        self._told, self._watched = -1, dict[int, str]()
        self._owner = os.getuid()
        self._heard = Counter[str]()

    def note(self, folder: str, *, wide: bool) -> None:
        """A folder was made, by a test or for it; a ``wide`` one is there for tests to come as well."""
        if folder != self.base and not any(folder.startswith(f"{one}/") for one in self._made):
            self._made[folder] = wide

    def written(self, known: Callable[[str], bool]) -> Iterator[str]:
        """The code is about to run: what the test has written since it ran last, or that is not ``known`` yet."""
        self._before = self._all()
        for path, state in self._before.items():
            new = not known(path) if path not in self._after else self._after[path] != state
            if new and state[0] == self._owner:
                yield path

    def answered(self, is_old: Callable[[str], bool]) -> None:
        """The code has run. What ``is_old`` is the test's, and is heard of from now on if the code has changed it."""
        if not self._made:
            return
        self._after = self._all()
        for path, state in self._after.items():
            if self._before.get(path, state) != state and is_old(path):
                self.changed.add(path)
                self._watch(path)
        self._events()

    def read(self) -> str:
        """A file of the test's that the code has changed, and that was opened since, by a library; "" for none."""
        opened, found = set[str](), ""
        for path, mask in self._events() if self.changed else ():
            if mask & 0x20:
                opened.add(path)
            elif self._heard[path]:
                self._heard[path] -= 1
            elif path in opened & self.changed and not self.programs:
                found = found or path
        self.programs = False
        return found

    def reads(self, path: str) -> None:
        """Python opens a file to read it, which was heard."""
        if path in self.changed:
            self._heard[path] += 1

    def forget(self) -> None:
        """A test has ended, and with it the folders that are its alone."""
        if self._made:
            self._made = {one: wide for one, wide in self._made.items() if wide}
            self._after = self._all()
            self.changed.clear()
            self._heard.clear()

    def _all(self) -> dict[str, _State]:
        found: dict[str, _State] = {}
        left = list(self._made)
        while left and len(found) < _MANY:
            try:
                with os.scandir(left.pop()) as every:
                    for one in every:
                        state = one.stat(follow_symlinks=False)
                        folder = stat.S_ISDIR(state.st_mode)
                        more = (0, 0) if folder else (state.st_size, state.st_mtime_ns)
                        found[one.path] = (state.st_uid, state.st_ino, *more)
                        left += [one.path] if folder else []
            except OSError:  # it is gone, or closed to us
                continue
        return found

    def _watch(self, path: str) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        if self._told < 0:
            self._told = libc.inotify_init1(_FLAGS)
        if self._told >= 0 and (number := libc.inotify_add_watch(self._told, os.fsencode(path), _READ)) >= 0:
            self._watched[number] = path

    def _events(self) -> list[tuple[str, int]]:
        """What was opened and closed since the last look, in order: its path, and which of both."""
        data, at, found = b"", 0, list[tuple[str, int]]()
        if self._told >= 0:
            try:
                data = os.read(self._told, _BYTES)
            except OSError:  # there is none
                return found
        while at < len(data):
            number, mask, _, size = _EVENT.unpack_from(data, at)
            at += _EVENT.size + size
            found.append((self._watched.get(number, ""), mask))
        return found


def is_folder(state: tuple[int, ...] | None) -> bool:
    """True for what a folder says of itself: its mode first."""
    return state is not None and stat.S_ISDIR(state[0])


def is_in_memory(name: str) -> bool:
    """True for a database without a file, or with one that nobody can name."""
    return name in ("", ":memory:") or (name[:5] == "file:" and (":memory:" in name or "mode=memory" in name))

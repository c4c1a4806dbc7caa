"""What the judge notices of a test by Python's audit events: files that the code may have changed, text that is run.

The judge runs it by itself, without the rest of agentmem. The code under test and the tests share one temporary folder:
what a test wrote there before it called the code is no longer the test's own. And what the code returned must not be
run, nor say which of the tests' own files is read.
"""

import os
import re
import stat
import sys
import types
from collections.abc import Callable, Iterator
from contextlib import suppress
from os import getcwd  # bound by its name here: another is put in its place
from typing import Any

from agentmem.team.proof import native
from agentmem.team.proof.arguments import names_in
from agentmem.team.proof.compared import is_compared
from agentmem.team.proof.folders import TestFolders, is_folder, is_in_memory
from agentmem.team.proof.link import SubjectLink
from agentmem.team.proof.own_files import OwnFiles
from agentmem.team.proof.parts import is_empty, parts_of

_State = tuple[int, int, int, int] | None
"""What is looked at in a file besides its size: its mode, its owner and group, and when it was written."""
_TOLD = 200  # characters of what is told
SHARED = "/tmp/"
"""Where both processes have the folder that they share."""
_PROGRAMS = {"subprocess.Popen": 0, "os.exec": 0, "os.posix_spawn": 0, "os.spawn": 1, "os.system": 0}
"""The events for the start of a program, and where in their arguments its name and words begin."""
_FIELD = re.compile(r"\{[^{}]*[.\[]\s*_")
"""A field of a text for ``str.format`` that reaches for what is private, and so for all that a test holds."""
_ALWAYS = frozenset({"compile", "exec", "pickle.find_class"}) | native.LOADING
"""Events that count while a file is loaded as well: what is run there can change every test."""
_LOADED = (".pyc", ".so")
"""Endings of files that Python runs as they are."""
_BY_DESCRIPTOR = ("/shutil.py", "/os.py")
"""Modules of Python's that open by a name in a folder which they hold open."""
_ABOUT_PATHS = (
    "<frozen posixpath>",
    "/posixpath.py",
    "/pathlib.py",
    "/pathlib/__init__.py",
    "/pathlib/_local.py",
    "/pathlib/_abc.py",
)
"""Modules of Python's that ask for the current folder on behalf of their callers."""
_LEAST = 3  # letters of a text of the code's that can do harm when it is run
_CHECKED = ("/collections/__init__.py", "/dataclasses.py")
"""Modules of Python's that write code of names only, which they check."""
_RUNNING = (
    "/pickle.py",
    "/shelve.py",
    "/timeit.py",
    "/code.py",
    "/codeop.py",
    "/doctest.py",
    "/runpy.py",
    "/bdb.py",
    "/pdb.py",
    "/trace.py",
    "/profile.py",
    "/cProfile.py",
)
"""Modules of Python's that run, for a test, what it gives them."""


class JudgeWatch:
    """Marks a test for what it does with files and with texts of the code. ``own`` are the files of the tests."""

    def __init__(self, link: SubjectLink, own: OwnFiles, programs: frozenset[str]) -> None:
        self.link, self.marks, self.own, self.root, self.programs = link, link.marks, own, own.root, programs
        self.wrote: dict[str, int] = {}
        self.sizes: dict[str, int] = {}
        self.listed: set[str] = set()
        self.recent: set[str] = set()
        self._busy, self._stat, self._access, self._readlink = False, os.stat, os.access, os.readlink
        self.states: dict[str, _State] = {}
        self.looked: set[str] = set()
        self.folders = TestFolders(f"{SHARED}t{os.getpid()}")
        self.ran_text = False
        self._events: dict[str, Callable[[str, tuple[Any, ...]], None]] = {
            "open": self._opened,
            "sqlite3.connect": self._connected,
            "os.rename": self._moved,
            "os.link": self._moved,
            "os.mkdir": self._made,
            "os.symlink": self._made,
            "os.listdir": self._listed,
            "os.scandir": self._listed,
            "socket.connect": self._joined,
            "compile": self._compiled,
            "exec": self._executed,
            "pickle.find_class": self._unpickled,
            "marshal.loads": self._loaded,
            **native.events(self),
            **dict.fromkeys(_PROGRAMS, self._started),
        }

    def install(self) -> None:
        """Hear of the events from now on, as long as this process runs."""
        for group in (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks):
            group |= {self._looked, self._followed}
        os.stat, os.lstat, os.access = self._looked, self._looked_at_link, self._may  # there are no events for them
        os.getcwd, os.readlink = self._current, self._followed
        sys.addaudithook(self.heard)
        self.own.watch()

    def heard(self, event: str, arguments: tuple[Any, ...]) -> None:
        """One event of Python's."""
        if self._busy or not (self.marks.testing or event in _ALWAYS):
            return
        if (rule := self._events.get(event)) is not None:
            self._busy = True
            try:
                rule(event, arguments)
            finally:
                self._busy = False

    def asking(self) -> None:
        """The code is about to run: what stands in the files now is the test's."""
        self._hear_of_own()
        self._hear_of_changed()
        for path in self._quietly(lambda: list(self.folders.written(self.wrote.__contains__))):
            self._write(path)
        new = self.wrote.keys() - self.sizes.keys()
        for path in new:
            self.sizes[path], self.states[path] = self._size(path), self._state(path)
        self.recent.clear()
        self.looked.clear()
        if told := self._quietly(lambda: next((path for path in new if self.own.is_told_in(path)), "")):
            self.marks.not_proven("named", f"{told} tells the code where the tests lie")

    def answered(self) -> None:
        """The code has run."""
        self._quietly(lambda: self.folders.answered(self._is_old))

    def _quietly(self, does: Callable[[], Any]) -> Any:
        """What this does itself with files is no event of the test's."""
        self._busy, before = True, self._busy
        try:
            return does()
        finally:
            self._busy = before

    def settle(self) -> None:
        """A test has ended: folders that it listed may have been changed between the look and the listing."""
        self.link.settle()
        self._hear_of_own()
        self._hear_of_changed()
        self._quietly(self.folders.forget)
        for folder in self.listed:
            self._check_folder(folder)
        for one in (self.listed, self.recent, self.looked):
            one.clear()
        self.ran_text = False
        if "numpy" in sys.modules and any(is_empty(one) for one in self.link.heard):
            self.marks.mark("array", "one without items equals every number")
        if reaching := next((one for one in self.texts(str) if _FIELD.search(one)), ""):
            self.marks.mark("runs", reaching[:_TOLD])

    # Files.

    def _opened(self, event: str, arguments: tuple[Any, ...]) -> None:
        if type(arguments[0]) is int and arguments[0] in self.texts(int):
            self.marks.mark("named", str(arguments[0]))
        if type(arguments[0]) not in (str, bytes):
            return
        path, mode, flags = os.path.abspath(os.fsdecode(arguments[0])), arguments[1], arguments[2]  # noqa: PTH100
        if not path.startswith(SHARED) or self.own.holds(path):
            if mode is not None or not sys._getframe(2).f_code.co_filename.endswith(_BY_DESCRIPTOR):
                self._named(path)
            return
        if path.endswith(_LOADED) and self._used():
            self.marks.not_proven("runs", path[-_TOLD:])
        writes = bool(flags & (os.O_WRONLY | os.O_RDWR)) if isinstance(flags, int) else "r" not in str(mode or "r")
        if writes:
            self._write(path)
        else:
            self._read(path)

    def _read(self, path: str) -> None:
        """Marks a test that reads what the code may have changed."""
        self.ran_text |= self._used() and path not in self.wrote and self._within_test()
        self.folders.reads(path)
        by_descriptor = is_folder(self._state(path)) and not sys._getframe(3).f_code.co_filename.endswith("/shutil.py")
        if by_descriptor or self._late() or (self._is_old(path) and not is_compared(self.root)):
            self.marks.mark("rewritten", path)

    def _late(self) -> bool:
        """True if the test has called the code, and written since: a thread of the code's sees that, and answers it."""
        return bool(self.recent) and self._used() and self._within_test()

    def _made(self, event: str, arguments: tuple[Any, ...]) -> None:
        path = os.path.abspath(os.fsdecode(arguments[1 if event == "os.symlink" else 0]))  # noqa: PTH100
        if event == "os.mkdir" and path.startswith(SHARED):
            self.folders.note(path, wide=not self.marks.test)
        if self._within_test():
            self._write(path)

    def _write(self, path: str) -> None:
        self.wrote[path] = self.link.asked
        self.folders.changed.discard(path)
        self.recent.add(path)
        self.sizes.pop(path, None)

    def _is_old(self, path: str) -> bool:
        """True for a file that the test wrote before it called the code."""
        return self.wrote.get(path, self.link.asked) < self.link.asked

    def _connected(self, event: str, arguments: tuple[Any, ...]) -> None:
        """A database is read and written by one event."""
        if type(arguments[0]) in (str, bytes) and not is_in_memory(name := os.fsdecode(arguments[0])):
            path = os.path.abspath(re.sub(r"^file:(//)?|[?].*", "", name) if name[:5] == "file:" else name)  # noqa: PTH100
            if self._is_old(path):
                self.marks.mark("rewritten", path)
            self._write(path)

    def _joined(self, event: str, arguments: tuple[Any, ...]) -> None:
        """What the code serves on this machine is not there for the test: each has a network of its own."""
        self.marks.doubt("unknown", f"a connection to {str(arguments[1])[:60]}")

    def _moved(self, event: str, arguments: tuple[Any, ...]) -> None:
        """What is moved or linked is as old as before."""
        old, new = (os.path.abspath(os.fsdecode(one)) for one in arguments[:2])  # noqa: PTH100
        for path in [one for one in self.wrote if one == old or one.startswith(f"{old}/")]:
            self.wrote[new + path.removeprefix(old)] = self.wrote[path]

    def _listed(self, event: str, arguments: tuple[Any, ...]) -> None:
        if type(arguments[0]) in (str, bytes):
            folder = os.path.abspath(os.fsdecode(arguments[0]))  # noqa: PTH100
            self._named(folder)
            if self._used() and self.own.is_above(folder) and self._within_test():
                self.marks.mark("named", folder)  # it would find them there
            if folder.startswith(SHARED) and self._late():
                self.marks.mark("rewritten", folder)
            if not is_compared(self.root):
                self.listed.add(folder)
                self._check_folder(folder)

    def _check_folder(self, folder: str) -> None:
        """Marks the test if a file that it wrote in a folder has been changed by the code, or is gone."""
        for path, size in list(self.sizes.items()):
            if path.rpartition("/")[0] == folder and self._size(path) != size:
                self.marks.mark("rewritten", path)

    def _looked(self, path: Any, *given: Any, **named: Any) -> os.stat_result:
        """In the place of ``os.stat``: marks a test that looks at a file of its own which the code has changed."""
        try:
            found = self._stat(path, *given, **named)
        except OSError:
            if self.marks.testing and not named.get("dir_fd") and isinstance(path, str | bytes | os.PathLike):
                self._is_relative(os.path.abspath(os.fsdecode(path)))  # noqa: PTH100
            raise
        if self.marks.testing and not isinstance(path, int):
            name = os.path.abspath(os.fsdecode(path))  # noqa: PTH100
            if self.own.holds(name) and self._within_test():
                self._named(name)
            if name.startswith(SHARED) and self._late():
                self.marks.mark("rewritten", name)
            if name.startswith(SHARED) and self.link.asked and not is_compared(self.root):
                if name in self.sizes and _size_of(found) != self.sizes[name] and self._is_old(name):
                    self.marks.mark("rewritten", name)
                self._beside(name)
        return found

    def _looked_at_link(self, path: Any, *given: Any, **named: Any) -> os.stat_result:
        """In the place of ``os.lstat``."""
        return self._looked(path, *given, follow_symlinks=False, **named)

    def _followed(self, path: Any, **named: Any) -> Any:
        """In the place of ``os.readlink``."""
        name = os.path.abspath(os.fsdecode(path))  # noqa: PTH100
        if self.marks.testing and name.startswith(SHARED) and self._is_old(name) and not is_compared(self.root):
            self.marks.mark("rewritten", name)
        return self._readlink(path, **named)

    def _may(self, path: Any, mode: int, **named: Any) -> bool:
        """In the place of ``os.access``."""
        with suppress(OSError, ValueError):
            self._looked(path)
        return self._access(path, mode, **named)

    def _beside(self, name: str) -> None:
        """Marks a test that looks at two files, one of which is its own and has another mode, time or owner now."""
        self.looked.add(name)
        changed = [one for one in self.looked & self.states.keys() if self._is_old(one)]
        if len(self.looked) > 1 and any(self._state(one) != self.states[one] for one in changed):
            self.marks.mark("rewritten", name)

    def _state(self, path: str) -> "_State":
        try:
            found = self._stat(path, follow_symlinks=False)
        except OSError:
            return None
        written = 0 if stat.S_ISDIR(found.st_mode) else found.st_mtime_ns  # else the code has put something there
        return found.st_mode, found.st_uid, found.st_gid, written

    def _size(self, path: str) -> int:
        try:
            return _size_of(self._stat(path, follow_symlinks=False))
        except OSError:
            return -1

    def _named(self, path: str) -> None:
        """Marks a test that opens a file of the tests, or looks at a folder, which the code has named."""
        name = path.rpartition("/")[2]
        if self._is_relative(path):
            return
        inside = path.startswith((f"{self.root}/", f"{self.own.here}/"))
        if inside and self._size(path) < 0 and self._within_test():
            self.marks.doubt("missing", path.removeprefix(f"{self.root}/"))  # as the project's README
        named = self.own.holds(path) or path.startswith("/proc/")
        if self._used() and named and any(name in one for one in self.texts(str)):
            self.marks.mark("named", path[-_TOLD:])

    def _current(self) -> str:
        """In the place of ``os.getcwd``: a test's own question is answered as where nothing keeps its files away."""
        folder, frame = getcwd(), sys._getframe(1)  # noqa: PTH109
        while frame.f_back is not None and frame.f_code.co_filename.endswith(_ABOUT_PATHS):
            frame = frame.f_back
        asks = folder == self.own.here and self.own.holds(frame.f_code.co_filename)
        return self.root if asks else folder

    def _is_relative(self, path: str) -> bool:
        """True for a file of the tests by a name that is relative to where they run. Marks the test."""
        name = self.own.meant(path)
        if not name or not self._within_test():
            return False
        last = name.rpartition("/")[2]
        of_code = self._used() and any(last in one for one in self.texts(str))
        self.marks.mark("named" if of_code else "relative", name)
        return True

    def _hear_of_own(self) -> None:
        """Marks a test if a file of its own was opened, by whatever library, that the code named or led to."""
        inside = self.own.holds(f"{getcwd()}/")  # noqa: PTH109  # then every name in a file of the code's leads there
        for path in self.own.opened():
            if not self.marks.testing or not self._used():
                continue
            name = path.rpartition("/")[2]
            if self.own.is_above(path) or any(name in one for one in self.texts(str)):
                self.marks.mark("named", path[-_TOLD:])
            elif inside:
                self.marks.mark("relative", path.removeprefix(f"{self.root}/"))

    def _hear_of_changed(self) -> None:
        """Marks a test if a library has read a file of its own since, which the code has changed."""
        if (path := self.folders.read()) and self.marks.testing:
            self.marks.mark("rewritten", path[-_TOLD:])

    # What is run.

    def _compiled(self, event: str, arguments: tuple[Any, ...]) -> None:
        file = os.fsdecode(arguments[1]) if type(arguments[1]) in (str, bytes) else ""
        shared = file.startswith(SHARED) and not file.startswith(f"{self.root}/")
        self.ran_text = self.ran_text or self._is_of_code(arguments[0])
        if not self.marks.testing:  # a module that the file imports
            return
        if self._used() and (shared or (arguments[0] is not None and self._by_test())):
            self.marks.not_proven("runs", file[:_TOLD])

    def _is_of_code(self, source: Any) -> bool:
        """True for a text, to be compiled, of which one that came from the code is the most part."""
        if type(source) not in (str, bytes) or not self._used():
            return False
        text = (source if type(source) is str else source.decode("utf-8", "replace")).strip()
        if len(text) < _LEAST:
            return False
        most = (one for one in self.texts(str) if len(one) >= _LEAST)
        return any(text in one or (2 * len(one) >= len(text) and one in text) for one in most)

    def _executed(self, event: str, arguments: tuple[Any, ...]) -> None:
        """A text of the code's is run, by whatever library, as typing does with annotations."""
        file = str(arguments[0].co_filename)
        known = file.endswith(".py") and self._size(file) >= 0
        if (
            not known
            and (self.ran_text or self._is_named(arguments[0]))
            and not sys._getframe(2).f_code.co_filename.endswith(_CHECKED)
        ):
            self.marks.not_proven("runs", file[:_TOLD])

    def _is_named(self, code: types.CodeType) -> bool:
        """True for code whose names all stand in one text that came from the code under test."""
        names = set(names_in(code))
        return bool(names) and self._used() and any(all(one in text for one in names) for text in self.texts(str))

    def _unpickled(self, event: str, arguments: tuple[Any, ...]) -> None:
        """What is unpickled for a test, by whatever library, may be the code's."""
        if self._used() and self._within_test():
            self.marks.not_proven("runs", event)

    def _loaded(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self._used() and self._by_test():
            self.marks.not_proven("runs", event)

    def _used(self) -> bool:
        return bool(self.marks.calls) or self.marks.wide

    def _started(self, event: str, arguments: tuple[Any, ...]) -> None:
        """A program: Python and the project are not there, files are read by it, and the code may have named it."""
        given, self.folders.programs = arguments[_PROGRAMS[event] :], True
        words = set(re.findall(r"[\w-]+", str(given)))
        if words & self.programs or any(word.startswith("python") for word in words):
            self.marks.mark("program", str(given[0])[:_TOLD])
        said = [one for part in given for one in parts_of(part, str)]
        if old := [path for path in self.wrote if self._is_old(path) and any(path in one for one in said)]:
            self.marks.mark("rewritten", old[0])
        if any(str(one).startswith(SHARED) for one in given[:1]):
            self.marks.doubt("program", str(given[0])[:_TOLD])  # nothing that lies there can be run
        known = {one for one in self.texts(str) if one.strip()}
        if any(one in known or any(len(text) > 2 and text in one for text in known) for one in said):
            self.marks.not_proven("runs", str(given[0])[:_TOLD])

    def _by_test(self) -> bool:
        """True if the nearest frame that is neither this module's nor Python's is the tests' own."""
        frame = sys._getframe(1)
        while frame is not None:
            name = frame.f_code.co_filename
            if not (name == __file__ or name.startswith((sys.prefix, sys.base_prefix, "<frozen"))):
                return name.startswith((f"{self.root}/", "<"))
            if name != __file__ and not name.endswith(_RUNNING):
                return False
            frame = frame.f_back  # type: ignore[assignment]  # None above the last
        return False

    def _within_test(self) -> bool:
        """True if what happens is the tests' own doing, by whatever library, and not pytest's."""
        frame: types.FrameType | None = sys._getframe(1)
        while frame is not None:
            name = frame.f_code.co_filename
            if name.startswith(f"{self.root}/"):
                return True
            if "/_pytest/" in name or "/pluggy/" in name:
                return False
            frame = frame.f_back
        return False

    def texts(self, kind: type) -> Iterator[Any]:
        """The texts, or numbers, that came from the code in this test."""
        for one in self.link.heard:
            yield from parts_of(one, kind)


def _size_of(found: os.stat_result) -> int:
    """A folder's size tells of nothing that a test asks."""
    return 0 if stat.S_ISDIR(found.st_mode) else found.st_size

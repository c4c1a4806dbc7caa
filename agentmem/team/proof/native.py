"""Native code that the code under test wrote, or named: none of it runs in the judge.

The judge runs it by itself, without the rest of agentmem. What the two processes share is mounted there so that nothing
in it can be mapped as code, whoever loads it, and the kernel makes no memory code that was written first. So a test
that loads a library of the code's would fail; this says why, and hears of libraries that the code only named.
"""

import ctypes
import os
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, Protocol

_OF_ALL = ("/tmp/", "/dev/shm/", "/run/", "/proc/")
"""Where a file may lie that is none of this installation's."""
_LEAST = 3  # letters of a text of the code's that names a library
LOADING = frozenset({"ctypes.dlopen", "import", "sqlite3.load_extension"})
"""Events for what is loaded as code. They count while a file is loaded as well."""
_BY_ADDRESS = ("ctypes.string_at", "ctypes.wstring_at", "ctypes.cdata", "ctypes.call_function")
"""Events for what is read, written or called at an address."""


class Watch(Protocol):
    """What is asked of the judge's watch."""

    marks: Any

    def texts(self, kind: type) -> Iterable[Any]: ...


def hold_memory() -> None:
    """Let the kernel refuse memory that is code and can be, or could be, written: see PR_SET_MDWE in prctl(2)."""
    with suppress(OSError):
        ctypes.CDLL(None).prctl(65, 3, 0, 0, 0)  # without effect on what a test starts; older kernels refuse it


def events(watch: Watch) -> dict[str, Callable[[str, tuple[Any, ...]], None]]:
    """What is to be heard of Python's events, each with its rule."""

    def loaded(event: str, arguments: tuple[Any, ...]) -> None:
        """A library is loaded, by whoever: none that the code could have written, and none that it named."""
        given = arguments[0] if event == "ctypes.dlopen" else arguments[1]
        if isinstance(given, str | bytes | os.PathLike) and _is_of_code(os.fsdecode(given), event):
            watch.marks.not_proven("runs", f"the library {os.fsdecode(given)[-100:]}")

    def _is_of_code(name: str, event: str) -> bool:
        path = os.path.realpath(name) if "/" in name else name
        ours = path.startswith((f"{sys.prefix}/", f"{sys.base_prefix}/"))
        if path.startswith(_OF_ALL) and not ours:
            return True
        last = name.rpartition("/")[2]
        named = event != "import" and bool(watch.marks.calls or watch.marks.wide)
        return named and any(len(one) >= _LEAST and (last in one or one in last) for one in watch.texts(str))

    def at_address(event: str, arguments: tuple[Any, ...]) -> None:
        """An address that the code returned leads to whatever stands there in this process."""
        if any(type(one) is int and one > 1 << 16 and one in watch.texts(int) for one in arguments):
            watch.marks.not_proven("runs", event)

    def mapped(event: str, arguments: tuple[Any, ...]) -> None:
        watch.marks.doubt("runs", "memory that is mapped")

    return {
        **dict.fromkeys(LOADING, loaded),
        **dict.fromkeys(_BY_ADDRESS, at_address),
        "mmap.__new__": mapped,
    }

"""What a test puts in the place of things outside the project is put there for the code too.

The judge runs it by itself, without the rest of agentmem. The tests and the code are two processes: ``time.time`` that
a test replaces in its own would still be the clock in the other. What is replaced in the project's own modules goes
through their proxies.
"""

import functools
import logging
import random
import sys
import time
import types
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any
from unittest import mock

import pytest

from agentmem.team.proof.far import FarBase, FarForeign, FarMeta, FarMethod
from agentmem.team.proof.link import SubjectLink
from agentmem.team.proof.naming import is_namespace
from agentmem.team.proof.reasons import Gone, NotProven

_BROUGHT = {
    "sys": frozenset({"stdout", "stderr", "stdin", "argv", "path", "modules", "meta_path", "path_hooks"}),
    "os": frozenset({"environ"}),
}
"""What the link brings by itself, or what is each process's own."""
_OF_CODE = (FarForeign, FarMethod)


class OutsidePatches:
    """Hears of pytest's and mock's replacements in modules that are not the project's. ``texts`` came from the code."""

    def __init__(self, link: SubjectLink, texts: Callable[[type], Iterable[Any]]) -> None:
        self.link, self.texts = link, texts

    def install(self) -> None:
        """Hear of them from now on, as long as this process runs."""
        self._of_pytest(pytest.MonkeyPatch)
        self._of_mock(mock._patch)  # what every form of patch() makes
        self._of_seed()
        self._of_zone()

    def _of_zone(self) -> None:
        """Marks a test that gives its process a time zone of the code's."""
        tzset = time.tzset

        def tzset_() -> None:
            if self.link.around.time_zone() in self.texts(str):
                self.link.marks.mark("process", "a time zone of the code's")
            tzset()

        time.tzset = tzset_

    def _of_seed(self) -> None:
        """The code's random numbers begin where a test lets its own begin."""
        seed = random.seed

        def seed_(a: Any = None, version: int = 2) -> None:
            seed(a, version)
            if a is not None and type(a) in (int, float, str, bytes):
                self._ask("call", ["T", "random", "seed"], [self.link.encode(a), version], [])

        random.seed = seed_

    def _of_pytest(self, kind: Any) -> None:
        put, undo = kind.setattr, kind.undo

        def setattr_(patch: Any, *given: Any, **named: Any) -> None:
            put(patch, *given, **named)
            self.replaced(*patch._setattr[-1][:2])

        def undo_(patch: Any) -> None:
            places = [one[:2] for one in patch._setattr]
            undo(patch)
            for place in places:
                self.restored(*place)

        kind.setattr, kind.undo = setattr_, undo_
        self._in_names(kind)

    def _of_mock(self, kind: Any) -> None:
        enter, leave = kind.__enter__, kind.__exit__

        def enter_(patch: Any) -> Any:
            entered = enter(patch)
            self.replaced(patch.target, patch.attribute)
            return entered

        def exit_(patch: Any, *error: Any) -> Any:
            owner, name = patch.target, patch.attribute
            left = leave(patch, *error)
            self.restored(owner, name)
            return left

        kind.__enter__, kind.__exit__ = enter_, exit_

    def replaced(self, owner: Any, name: str) -> None:
        """Something stands in the place of a module's ``name`` now. Marks a test in which the code has named it."""
        named = f"{getattr(owner, '__name__', '')}.{name}"
        if any(type(one) is str and one == named for one in self.link.heard):
            self.link.marks.mark("named", named)
        self._by_code(owner, named)
        if self._is_elsewhere(owner):
            kind = owner if isinstance(owner, type) else type(owner)
            self.link.marks.mark("put", f"{kind.__module__}.{kind.__qualname__}.{name}")
        if self._is_outside(owner, name):
            value = getattr(owner, name)
            if isinstance(value, type):
                self.link.marks.doubt("class", f"in the place of {owner.__name__}.{name}")
            else:
                self._ask("put", ["X", owner.__name__], name, self.link.encode(value))

    def _by_code(self, owner: Any, name: str) -> None:
        """Marks a test that puts the code in the place of what is not the code's: the code would be asked instead."""
        module = owner if isinstance(owner, types.ModuleType) else sys.modules.get(getattr(owner, "__module__", ""))
        if type(module) is not types.ModuleType or isinstance(owner, FarMeta | FarBase):
            return
        value = vars(owner).get(name.rpartition(".")[2]) if hasattr(owner, "__dict__") else None
        if _is_of_code(value) or (_is_told_apart(value) and any(value is one for one in self.link.heard)):
            self.link.marks.mark("put", name)

    def _in_names(self, kind: Any) -> None:
        """The same of the names of a module, and of the environment, that are set as items."""
        put = kind.setitem

        def setitem_(patch: Any, place: Any, name: Any, value: Any) -> None:
            put(patch, place, name, value)
            if is_namespace(place) and _is_of_code(value):
                self.link.marks.mark("put", str(name))

        kind.setitem = setitem_

    def restored(self, owner: Any, name: str) -> None:
        """What stood there before is back."""
        if self._is_outside(owner, name):
            with suppress(Gone, NotProven, Exception):
                self._ask("back", ["X", owner.__name__], name)

    def _is_elsewhere(self, owner: Any) -> bool:
        """True for a class, or an object of a module, that is neither the tests' own nor the code's."""
        kind = owner if isinstance(owner, type) else type(owner)
        if isinstance(owner, types.ModuleType) or isinstance(kind, FarMeta) or isinstance(owner, _OF_CODE):
            return False
        others = [one for one in list(sys.modules.values()) if not self._is_of_tests(one)]
        if isinstance(owner, type):
            return any(vars(one).get("__name__") == owner.__module__ for one in others)
        alone = isinstance(owner, logging.Logger)  # of which each process has one of a name
        return alone or any(value is owner for one in others for value in list(vars(one).values()))

    def _is_of_tests(self, module: Any) -> bool:
        """True for a module of the tests, and for one of the code's."""
        if type(module) is not types.ModuleType:
            return True
        return str(vars(module).get("__file__")).startswith(self.link.inside)

    def _is_outside(self, owner: Any, name: str) -> bool:
        if type(owner) is not types.ModuleType or name in _BROUGHT.get(owner.__name__, ()):
            return False
        return not str(owner.__dict__.get("__file__")).startswith(self.link.root)

    def _ask(self, what: str, *asked: Any) -> None:
        calls = self.link.marks.calls  # it is no call of the code
        self.link.ask(what, *asked)
        self.link.marks.calls, self.link.marks.moved = calls, True


def _is_told_apart(value: Any) -> bool:
    """True for a value of which there may be more than one that are equal."""
    return value is not None and type(value) not in (bool, int) and value not in ("", b"", ())


def _is_of_code(value: Any) -> bool:
    """True for a thing of the code's, and for a mock that asks one."""
    if isinstance(value, mock.NonCallableMock):
        inside = (vars(value).get(one) for one in ("_mock_return_value", "_mock_side_effect", "_mock_wraps"))
        return any(map(_is_of_code, inside))
    if isinstance(value, functools.partial):
        return _is_of_code(value.func)
    return isinstance(type(value), FarMeta) or isinstance(value, (FarMeta, *_OF_CODE))

"""The project's modules in the judge: what stands for them, and the finder that puts it before all others.

The judge runs it by itself, without the rest of agentmem.
"""

import builtins
import importlib.abc
import importlib.machinery
import sys
import types
from collections.abc import Sequence
from functools import partial
from typing import Any

from agentmem.team.proof.arguments import names_in
from agentmem.team.proof.asking import of_tests
from agentmem.team.proof.far import FarBase, FarForeign, FarMeta, far_get, far_set
from agentmem.team.proof.link import SubjectLink
from agentmem.team.proof.naming import SOURCE

_NAMES = ("__path__", "__file__", "__spec__", "__loader__", "__package__", "__cached__")
_LOOKING = ("/doctest.py", "/inspect.py", "/pkgutil.py", "/pydoc.py", "/dataclasses.py", "/typing.py")
"""Modules of Python's that look through a module, where they would find the proxy's own names."""
_INSIDE_MODULE: Any = vars(types.ModuleType)["__dict__"].__get__


class FarModule(types.ModuleType):
    """A module of the code under test."""

    _far: list[Any]
    _far_link: SubjectLink

    def __init__(self, link: SubjectLink, name: str, *, ours: bool = True) -> None:
        super().__init__(name)
        inside = _INSIDE_MODULE(self)
        inside |= {"_far": ["M" if ours else "X", name], "_far_link": link}
        del inside["__doc__"]

    @property
    def __dict__(self) -> Any:  # type: ignore[override]  # tests get none: it would be the proxy's own
        link = _INSIDE_MODULE(self)["_far_link"]
        asking = sys._getframe(1).f_code.co_filename
        if asking.startswith(f"{link.root}/"):
            link.marks.not_proven("source", "__dict__")
        if asking.endswith(_LOOKING):
            link.marks.mark("special", f"{self.__name__} is looked through")
        return _INSIDE_MODULE(self)

    def __dir__(self) -> Any:
        link = _INSIDE_MODULE(self)["_far_link"]
        if not of_tests():
            link.marks.mark("special", f"{self.__name__} is looked through")
        return link.ask("dir", self._far)

    def __getattr__(self, name: str) -> Any:
        if name == "__all__":
            return self._starred(self._far_link.ask("names", self._far))
        if name in SOURCE and of_tests():
            return self._far_link.marks.not_proven("source", f"{self.__name__}.{name}")
        if name in _NAMES or name in ("pytest_plugins", "setUpModule", "tearDownModule", "__test__"):
            if of_tests():
                self._far_link.marks.doubt("special", f"{self.__name__}.{name}")
            raise AttributeError(name)
        get = partial(far_get, self._far_link, self._far, name)
        return self._far_link.twins.named(name, get, self.__name__)

    def _starred(self, names: Any) -> Any:
        """The names for ``from ... import *``. Marks all tests of a file that uses one which was another thing's."""
        frame = sys._getframe(2)
        root = f"{self._far_link.root}/"
        if type(names) is list and frame.f_code.co_filename.startswith(root) and "__all__" not in frame.f_code.co_names:
            had = {**vars(builtins), **frame.f_globals}
            taken = {one for one in names if type(one) is str and one in had and not _is_far(had[one])}
            if used := taken & set(names_in(frame.f_code)):
                self._far_link.marks.mark("starred", ", ".join(sorted(used)))
        return names

    def __setattr__(self, name: str, value: Any) -> None:
        inside = isinstance(value, types.ModuleType) and value.__name__ == f"{self.__name__}.{name}"
        if name.startswith("__") or isinstance(value, FarModule) or inside:
            super().__setattr__(name, value)
        else:
            far_set(self._far_link, self._far, name, value)

    def __delattr__(self, name: str) -> None:
        far_set(self._far_link, self._far, name)


def _is_far(value: Any) -> bool:
    return isinstance(value, FarModule | FarMeta | FarBase | FarForeign)


class FarFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """The first finder of the judge: the project's names are proxies, wherever files of that name may lie."""

    def __init__(self, link: SubjectLink, tops: frozenset[str], own: frozenset[str], roots: Sequence[str] = ()) -> None:
        self._link, self._tops, self._own, self._roots = link, tops, own, roots
        self._made = set[str]()

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name.partition(".")[0] not in self._tops:
            return None
        if name in self._own:
            return self._of_tests(name, path)
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def _of_tests(self, name: str, path: Sequence[str] | None) -> importlib.machinery.ModuleSpec | None:
        """A module of the tests inside a package of the code; None where the other finders know it."""
        find = importlib.machinery.PathFinder.find_spec
        above = name.rpartition(".")[0].replace(".", "/")
        return None if find(name, path) else find(name, [f"{root}/{above}" for root in self._roots])

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        if spec.name in self._made:
            self._link.marks.not_proven("special", f"{spec.name} is loaded again")
        self._link.ask("import", spec.name)
        self._made.add(spec.name)
        return FarModule(self._link, spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        """Nothing: the module runs in the subject. Ends a test that would let it run again."""
        if "_far_ran" in module.__dict__:
            self._link.marks.not_proven("special", f"{module.__name__} is loaded again")
        module.__dict__["_far_ran"] = True

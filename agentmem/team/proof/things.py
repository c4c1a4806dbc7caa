"""What a test asks of the code's things by name: whether two names are one thing, and what their texts lead to.

The judge runs it by itself, without the rest of agentmem.
"""

import builtins
import re
import sys
import types
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from agentmem.team.proof.far import FarBase, FarForeign
from agentmem.team.proof.link import SubjectLink
from agentmem.team.proof.modules import FarModule
from agentmem.team.proof.reasons import Gone, NotProven

_WALK = re.compile(
    r"\b(__(globals|dict|builtins|closure|code|self|func|wrapped|subclasses|mro|bases|kwdefaults|defaults)__"
    r"|[fgt]\w*_(globals|locals|frame|builtins|code)|cell_contents)\b"
)
"""Attributes that lead from an object of the test's to all that its file holds."""
_BY_NAME = frozenset({"getattr", "attrgetter", "methodcaller", "setattr", "delattr", "hasattr", "reduce"})
_OF_FILE = frozenset({"globals", "__globals__", "__builtins__", "builtins", "f_globals", "modules"})
_WRITES = _OF_FILE | {"vars", "locals", "__dict__", "setattr", "__setattr__", "dict", "f_locals", "exec"}
"""Names by which a test reaches the names of its own file, and writes one that is given as a text."""


_THINGS = (types.ModuleType, type, FarBase, FarForeign)
"""What a test does not compare with by its name."""


class Things:
    """What is known of the things in the code's modules, for one file of tests."""

    def __init__(self, link: SubjectLink) -> None:
        self.link = link
        self.known: dict[str, str] = {}

    def alike(self, names: Iterable[str]) -> str:
        """Two names of a module that are one thing, where a test compares it; "" for none."""
        for dotted in names:
            module, _, name = dotted.rpartition(".")
            if dotted not in self.known and type(sys.modules.get(module)) is FarModule and not self.link.dead:
                self.known[dotted] = self._alike(module, name)
        return next((told for one in names if (told := self.known.get(one, ""))), "")

    def _alike(self, module: str, name: str) -> str:
        calls = self.link.marks.calls
        found: Any = []
        try:
            with suppress(Gone, NotProven, Exception):  # ends.py hears what it takes
                found = self.link.ask("twins", ["M", module], name)
                value = getattr(sys.modules[module], name)
                if isinstance(value, type) and not hasattr(value, "_far_link") and value.__name__ != name:
                    return f"{name} of {module} is Python's {value.__name__}"
        finally:
            self.link.marks.calls = calls  # it is no call of the test's
        names = sorted(one for one in found if type(one) is str) if type(found) is list else []
        return f"{' and '.join(names[:4])} of {module} are one" if len(names) > 1 else ""


def walks(texts: Iterable[str], used: frozenset[str]) -> str:
    """A text of the code's that is a way through the test's objects; "" for none."""
    by_name = bool(used & _BY_NAME)
    ways = (one for one in texts if len(one) < 500 and _WALK.search(one))
    return next((one for one in ways if by_name or (re.fullmatch(r"[\w.\[\]]+", one) and "." in one)), "")


def overwrites(texts: Iterable[str], used: frozenset[str], own: Mapping[str, Any]) -> str:
    """A text of the code's by which a test may write over a name that its file uses; "" for none."""
    if not used & _WRITES:
        return ""
    names = {one for one, value in own.items() if not one.startswith("__") and not isinstance(value, _THINGS)}
    names |= set(vars(builtins)) if used & _OF_FILE else set()
    return next((one for one in texts if one in names), "")

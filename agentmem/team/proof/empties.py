"""What of the code's has no items, where NumPy compares it: with a number it is equal, whatever that is.

The judge runs it by itself, without the rest of agentmem. A test that goes through the items of an object side by side
with what it expects (`zip`) compares none where there are none: one that asks for the length too is marked if the
object has another. NumPy makes an array without items of any empty list, text or iterator, and of what holds only such.
Where one of its functions compares two sides, they are looked at; where a test lets it say of all items at once that
they are equal, it is marked if anything of the code's had no items.
"""

import functools
import importlib
import sys
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from agentmem.team.proof.agreeing import is_far, is_opaque
from agentmem.team.proof.values import plain_of

_DEEP, _MANY = 6, 1000  # containers in containers that are looked into, and the items of each
_COMPARING = {
    "numpy": ("isclose", "allclose", "array_equiv"),
    "numpy.testing": (
        *("assert_allclose", "assert_almost_equal", "assert_approx_equal", "assert_array_almost_equal"),
        *("assert_array_equal", "assert_array_less", "assert_equal", "assert_array_almost_equal_nulp"),
        *("assert_array_max_ulp",),
    ),
}
"""Functions of NumPy's that compare two arrays, by their modules."""
_SIDES = frozenset({"a", "b", "a1", "a2", "x", "y", "actual", "desired"})
_TOGETHER = frozenset(
    {"all", "any", "alltrue", "sometrue", "approx", "sum", "nansum", "prod", "norm", "count_nonzero", "dot", "vdot"}
    | {"where", "argwhere", "nonzero", "flatnonzero", "setdiff1d", "isin", "in1d", "compress", "extract"}
    | {"trace", "inner", "cumsum", "logical_and", "logical_or", "equal", "not_equal", "isclose", "allclose", "reduce"}
)
"""Names by which a test says something of all items of an array, which holds of none."""


class Empties:
    """Hears of comparisons of arrays, one of which has no items."""

    def __init__(self, link: Any) -> None:
        self.link = link
        self.heard: set[str] = set()

    def load(self) -> None:
        """Load NumPy's functions where a file of the tests has its name: they would come in the middle of a test."""
        files = [str(getattr(one, "__file__", "")) for one in list(sys.modules.values())]
        with suppress(ImportError, OSError):
            if any(b"numpy" in Path(one).read_bytes() for one in files if one.startswith(self.link.inside)):
                importlib.import_module("numpy.testing")

    def install(self) -> None:
        """Hear of them from now on, where NumPy is loaded."""
        for module, names in _COMPARING.items():
            for name in names if module in sys.modules else ():
                if f"{module}.{name}" not in self.heard and hasattr(sys.modules[module], name):
                    self.heard.add(f"{module}.{name}")
                    put(sys.modules[module], name, self._looking(getattr(sys.modules[module], name)), self.link.inside)

    def _looking(self, compare: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(compare)
        def compared(*given: Any, **named: Any) -> Any:
            given = (*map(_array, given[:2]), *given[2:])
            named = {name: _array(one) if name in _SIDES else one for name, one in named.items()}
            sizes = [*map(_size, given[:2]), *(_size(one) for name, one in named.items() if name in _SIDES)]
            if 0 in sizes and any(sizes) and (self.link.marks.calls or self.link.marks.wide):
                self.link.marks.mark("array", "one without items equals every number")
            return compare(*given, **named)

        return compared


def put(owner: Any, name: str, compared: Any, inside: str) -> None:
    """Put a function in the place of another, also where the tests ``inside`` a folder have imported that."""
    compare = getattr(owner, name)
    setattr(owner, name, compared)
    for module in list(sys.modules.values()):
        if str(getattr(module, "__file__", "")).startswith(inside):
            vars(module).update({key: compared for key, one in vars(module).items() if one is compare})


def _array(side: Any) -> Any:
    """What NumPy makes of an object of the code's, which is asked once."""
    if is_far(side) and is_opaque(side):
        with suppress(ValueError, TypeError):
            return sys.modules["numpy"].asarray(side)
    return side


def _size(side: Any) -> int:
    with suppress(ValueError, TypeError):
        return int(sys.modules["numpy"].size(side))
    return 1


def asked(owner: Any, what: str, answer: Any) -> None:
    """An object of the code's has given an item, or said how many it has."""
    if what == "next":
        owner.__dict__["_far_some"] = owner.__dict__.get("_far_some", 0) + 1
    elif what == "iter" and is_far(answer) and answer is not owner:
        answer.__dict__["_far_of"] = owner, owner._far_link.marks.turns
    elif what == "len":
        _counted(owner, "len", answer, owner._far_link.marks.turns)
        if answer == 0:
            owner._far_link.heard.append({})


def ended(owner: Any, what: str, given: Iterable[Any]) -> None:
    """It has no further items, or none at a place. One that had none at all is noted as what has no items."""
    link, gave = owner._far_link, owner.__dict__.get("_far_some", 0)
    none_at_first = what == "getitem" and list(given) == [0]
    if none_at_first or (what == "next" and not gave):
        link.heard.append({})
    if none_at_first:
        _counted(owner, "next", 0, link.marks.turns)
    elif what == "next" and (of := owner.__dict__.get("_far_of")) is not None:
        _counted(of[0], "next", gave, of[1])


def _counted(owner: Any, how: str, items: int, turn: int) -> None:
    """Mark a test to which an object says that it has so many items, and gives another number of them."""
    counts = owner.__dict__.setdefault("_far_counts", {})
    counts[how] = items, turn
    if len(counts) == 2 and len({at for _, at in counts.values()}) == 1 and len(set(counts.values())) > 1:
        told = f"{type(owner).__name__} has {counts['len'][0]} items, and gives {counts['next'][0]}"
        owner._far_link.marks.mark("compares", told)


def had_none(heard: Iterable[Any], used: frozenset[str]) -> bool:
    """True if NumPy takes something of the code's for an array without items, in a test that uses these names."""
    if any(type(one) in (list, tuple) and not one for one in heard):
        return True
    return bool(used & _TOGETHER) and any(_has_none(one, 0) for one in heard)


def _has_none(value: Any, depth: int) -> bool:
    value = value if (plain := plain_of(value)) is None else plain
    if isinstance(value, Mapping):
        parts = list(value.values())
    elif isinstance(value, list | tuple | set | frozenset | deque):
        parts = list(value)
    else:
        return isinstance(value, str | bytes | bytearray | range) and not value
    return not parts or (depth < _DEEP and any(_has_none(one, depth + 1) for one in parts[:_MANY]))

"""The names of delegates' threads: the third delegate of ``main`` works on ``main.d3``.

The name ties a delegate to the thread that it works for, also one that begins with an empty view and so is no fork.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from itertools import count

_OWN = re.compile(r"(.+)\.d[1-9]\d{0,5}", re.DOTALL)


def owner(thread: str) -> str | None:
    """The thread that a delegate's thread works for, by its name; None for any other name."""
    found = _OWN.fullmatch(thread)
    return found[1] if found else None


def works_for(thread: str, other: str) -> bool:
    """True if ``thread`` is a delegate of ``other``, or a delegate's delegate."""
    above = owner(thread)
    return above is not None and (above == other or works_for(above, other))


def below(names: Iterable[str], thread: str) -> tuple[str, ...]:
    """Those of ``names`` that are delegates of ``thread``, and their delegates, in their order."""
    return tuple(name for name in names if works_for(name, thread))


def top(thread: str, names: Collection[str]) -> str:
    """The thread that all work of ``thread`` is for. ``names`` are those that there are."""
    above = owner(thread)
    return thread if above is None or above not in names else top(above, names)


def fresh_names(thread: str, names: Collection[str]) -> Iterator[str]:
    """Names for new delegates of ``thread``, without end."""
    return (name for number in count(1) if (name := f"{thread}.d{number}") not in names)

"""A tuple that grows at its end at the cost of what is new, for a thread has thousands of turns."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from threading import Lock
from typing import Any, TypeVar, overload

T = TypeVar("T")
M = TypeVar("M")

_growing = Lock()  # held for the moment in which a version becomes the next


class Growing(Sequence[T]):
    """A frozen sequence whose later versions share its items.

    All versions look into one list that is only ever added to, each as far as its own length. The version that is as
    long as the list adds to it; an older one, from which another has grown already, copies what it sees, and so does
    an empty one.
    """

    __slots__ = ("_items", "_length", "_made")

    def __init__(self, items: Iterable[T] = ()) -> None:
        self._items = list(items)
        self._length = len(self._items)
        self._made: list[Any] = []

    def plus(self, item: T) -> "Growing[T]":
        """The next version, with one more item."""
        with _growing:
            grown = self if 0 < self._length == len(self._items) else Growing(self)
            grown._items.append(item)
        return self._sharing(grown, self._length + 1)

    def with_last(self, item: T) -> "Growing[T]":
        """A version with another last item."""
        return Growing((*self._items[: self._length - 1], item))

    def each(self, make: Callable[[T], M]) -> list[M]:
        """What ``make`` makes of each item, made once for all versions: always ask with the same ``make``."""
        with _growing:
            self._made.extend(map(make, self._items[len(self._made) : self._length]))
        return self._made[: self._length]

    @staticmethod
    def _sharing(other: "Growing[T]", length: int) -> "Growing[T]":
        made: Growing[T] = Growing.__new__(Growing)
        made._items, made._length, made._made = other._items, length, other._made
        return made

    @overload
    def __getitem__(self, at: int) -> T: ...

    @overload
    def __getitem__(self, at: slice) -> tuple[T, ...]: ...

    def __getitem__(self, at: int | slice) -> T | tuple[T, ...]:
        """An item, or some as a tuple."""
        if isinstance(at, slice):
            return tuple(self._items[: self._length][at])
        return self._items[range(self._length)[at]]

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[T]:
        return islice(self._items, self._length)

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, Growing | tuple) and len(self) == len(other) and all(map(_same, self, other))

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return f"Growing({list(self)!r})"


def _same(one: object, other: object) -> bool:
    return one is other or one == other

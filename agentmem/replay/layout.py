"""A context as runs over append-only strips of frames, so that a request costs what is new in it.

The key of a prefix is a polynomial hash over the hashes of its frames: that of any run is the difference of two sums
(Rabin and Karp, "Efficient randomized pattern-matching algorithms", 1987), so contexts that a policy cuts, joins or
shifts share keys exactly where they share content, whoever put them together.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, overload

from agentmem.kvcache.keys import Path
from agentmem.kvcache.prompts import Breakpoint
from agentmem.kvcache.rules import Setting
from agentmem.types import Frame

Item = TypeVar("Item")

_PRIME = (1 << 61) - 1
_BASE = 0x1B873593_9E3779B1 % _PRIME
_powers = [1]


def _power(exponent: int) -> int:
    while len(_powers) <= exponent:
        _powers.append(_powers[-1] * _BASE % _PRIME)
    return _powers[exponent]


class Strip:
    """Frames in order, with sums over them. It only grows.

    ``sent`` is how many of them were in any request so far, ``bare`` what thinking.py keeps beside it.
    """

    __slots__ = ("bare", "frames", "hashes", "sent", "tokens")

    def __init__(self, frames: Iterable[Frame] = ()) -> None:
        self.frames: list[Frame] = []
        self.tokens = [0]
        self.hashes = [0]
        self.sent = 0
        self.bare: Any = None
        self.extend(frames)

    def extend(self, frames: Iterable[Frame]) -> None:
        """Append ``frames``."""
        for one in frames:
            self.frames.append(one)
            self.tokens.append(self.tokens[-1] + one.tokens)
            self.hashes.append((self.hashes[-1] * _BASE + hash((one.segment, one.role, one.data))) % _PRIME)

    def run(self, start: int = 0, stop: int | None = None) -> "Run":
        """The frames from ``start`` to ``stop`` (so far: the end)."""
        return Run(self, start, len(self.frames) if stop is None else stop)

    def __len__(self) -> int:
        return len(self.frames)


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """A stretch of a strip."""

    strip: Strip
    start: int
    stop: int

    @property
    def tokens(self) -> int:
        return self.strip.tokens[self.stop] - self.strip.tokens[self.start]

    def hashed(self, before: int, stop: int) -> int:
        """The key of what came ``before`` and of the frames up to ``stop``."""
        shift = _power(stop - self.start)
        return (before * shift + self.strip.hashes[stop] - self.strip.hashes[self.start] * shift) % _PRIME

    def __iter__(self) -> Iterator[Frame]:
        return iter(self.strip.frames[self.start : self.stop])

    def __len__(self) -> int:
        return self.stop - self.start


class Layout:
    """One request: the frames of ``runs``, the first ``head`` of which are tools and system.

    ``setting`` stands in the key between head and messages, ``model`` before all.
    """

    __slots__ = ("_before", "_begins", "_ends", "_sums", "head", "model", "runs", "setting")

    def __init__(self, model: str, head: int, setting: str, runs: Sequence[Run]) -> None:
        self.runs = tuple(run for run in runs if len(run))
        self.model, self.head, self.setting = model, head, setting
        self._ends: list[int] = []
        self._begins: list[int] = []
        self._sums: list[int] = []
        self._before: list[int] = []
        end = total = key = 0
        for run in self.runs:
            self._begins.append(end)
            self._sums.append(total)
            self._before.append(key)
            key = run.hashed(key, run.stop)
            end += len(run)
            total += run.tokens
            self._ends.append(end)
        self._sums.append(total)

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    @property
    def tokens(self) -> int:
        """Tokens of the whole request."""
        return self._sums[-1]

    def frame_at(self, position: int) -> Frame:
        run, place = self._find(position)
        return self.runs[run].strip.frames[place]

    def tokens_at(self, position: int) -> int:
        """Tokens up to the end of ``position``."""
        run, place = self._find(position)
        found = self.runs[run]
        return self._sums[run] + found.strip.tokens[place + 1] - found.strip.tokens[found.start]

    def key_at(self, position: int) -> int:
        """The key of the prefix that ends with ``position``."""
        run, place = self._find(position)
        key = self.runs[run].hashed(self._before[run], place + 1)
        return hash((self.model, self.setting if position >= self.head else "", key))

    def first(self, count: int) -> list[Run]:
        """The runs of the first ``count`` frames."""
        runs = zip(self.runs, self._begins, strict=True)
        return [Run(run.strip, run.start, min(run.stop, run.start + max(0, count - begin))) for run, begin in runs]

    def begins_with(self, other: "Layout") -> bool:
        """Whether ``other`` is a prefix of this."""
        last = len(other) - 1
        return last < len(self) and (last < 0 or self.key_at(last) == other.key_at(last))

    def path(self, marks: Iterable[Breakpoint]) -> Path:
        """The same as the cache simulator takes it."""
        size = len(self)
        return Path(Lazy(size, self.frame_at), Lazy(size, self.key_at), Lazy(size, self.tokens_at), tuple(marks))

    def __iter__(self) -> Iterator[Frame]:
        for run in self.runs:
            yield from run

    def _find(self, position: int) -> tuple[int, int]:
        run = bisect_right(self._ends, position)
        return run, self.runs[run].start + position - self._begins[run]


class Lazy(Sequence[Item]):
    """A sequence whose items are computed when they are asked for."""

    __slots__ = ("_item", "_size")

    def __init__(self, size: int, item: Callable[[int], Item]) -> None:
        self._size, self._item = size, item

    def __len__(self) -> int:
        return self._size

    @overload
    def __getitem__(self, index: int) -> Item: ...
    @overload
    def __getitem__(self, index: slice) -> list[Item]: ...
    def __getitem__(self, index: int | slice) -> Item | list[Item]:
        if isinstance(index, slice):
            return [self._item(at) for at in range(*index.indices(self._size))]
        return self._item(index if index >= 0 else index + self._size)


def setting(settings: Mapping[Setting, str]) -> str:
    """Settings as one text, for a key."""
    return "".join(f"{name}={settings[name]};" for name in sorted(settings))

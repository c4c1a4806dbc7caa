"""Copies the body of an HTTP response while it streams: each piece is passed on at once, and the end gets the whole.

It stands apart from `wirelog` because it must fit two HTTP libraries, sync and async.
"""

import sys
from collections.abc import AsyncIterator, Callable, Iterator
from functools import cache
from typing import Any

Ended = Callable[[bytes, bool], None]
"""A function called once, with all bytes that were read, and True if the stream came to its end."""


class _Copy:
    """The part that both kinds share: the stream inside, the pieces so far, and the one call at the end."""

    def __init__(self, inner: Any, ended: Ended) -> None:
        self.inner, self._ended = inner, ended
        self.pieces: list[bytes] = []
        self.whole, self._told = False, False

    def tell(self) -> None:
        if not self._told:
            self._told = True
            self._ended(b"".join(self.pieces), self.whole)


class _Tee(_Copy):
    def __iter__(self) -> Iterator[bytes]:
        for piece in self.inner:
            self.pieces.append(piece)
            yield piece
        self.whole = True

    def close(self) -> None:
        try:
            self.inner.close()
        finally:
            self.tell()


class _AsyncTee(_Copy):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self.inner:
            self.pieces.append(piece)
            yield piece
        self.whole = True

    async def aclose(self) -> None:
        try:
            await self.inner.aclose()
        finally:
            self.tell()


def tee(stream: Any, ended: Ended) -> Any:
    """A stream of the same kind and library as ``stream`` that gives the same pieces; ``ended`` gets the copy."""
    made = _kind(_library(stream), hasattr(stream, "__aiter__"))
    return made(stream, ended)


def _library(stream: object) -> str:
    """The name of the library whose stream this is: httpx or httpx2."""
    modules = (kind.__module__.partition(".")[0] for kind in type(stream).__mro__)
    return next(name for name in modules if name in ("httpx", "httpx2"))


@cache
def _kind(library: str, asynchronous: bool) -> Any:
    """A class of tees that inherits from the library's own stream, because its clients check for that."""
    base = getattr(sys.modules[library], "AsyncByteStream" if asynchronous else "SyncByteStream")
    return type("Tee", (_AsyncTee if asynchronous else _Tee, base), {})

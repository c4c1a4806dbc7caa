"""Gives the two methods of a `with` to every class that has a `close`."""

from typing import Self


class Closing:
    """A base for classes with a ``close``: ``with thing:`` closes it at the end, also after an error."""

    __slots__ = ()

    def close(self) -> None:
        """Free what the object holds."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

"""What is closed at the end of a `with`: the two methods, once, for everything that has a `close`."""

from typing import Self


class Closing:
    """A base for classes with a ``close``: ``with thing:`` closes it, whatever happens inside."""

    __slots__ = ()

    def close(self) -> None:
        """Frees what is held."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

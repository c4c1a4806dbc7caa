"""Gives the two methods of a `with` to every class that has a `close`, and says what cannot go to another process."""

from typing import Any, Self

from agentmem.errors import ConfigError


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


class StaysHere:
    """A base for what holds connections and locks: it is made where it is used, and not pickled."""

    __slots__ = ()

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Raises ConfigError, which says what to do."""
        name = type(self).__name__
        raise ConfigError(
            f"{name} holds connections, so it cannot be pickled or copied to another process: give the name of a "
            f"function that makes one there, such as module:make_{name.lower()}"
        )

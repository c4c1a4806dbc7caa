"""The tests' functions, iterators and objects as the code under test gets them: each use is asked of the judge.

The subject runs it by itself, without the rest of agentmem.
"""

import inspect
from collections.abc import Callable, Iterable, Iterator
from typing import Any

Ask = Callable[..., Any]
"""``ask(number, what, *arguments)`` lets the judge use its object ``number``, and returns what came out."""

_KINDS = {one.value: one for one in inspect._ParameterKind}
NUMBER = "_agentmem_number"


def function(
    ask: Ask, number: int, name: str, doc: str | None, parameters: list[list[Any]] | None, notes: dict[str, Any]
) -> Any:
    """A function that the judge runs. It has the name and, where known, the parameters of the real one."""

    def stub(*given: Any, **named: Any) -> Any:
        return ask(number, "call", given, named)

    stub.__name__ = stub.__qualname__ = name
    stub.__doc__ = doc
    stub.__annotations__ = notes
    setattr(stub, NUMBER, number)
    if parameters is not None:
        stub.__signature__ = _signature(parameters, notes)  # type: ignore[attr-defined]  # read by inspect
    return stub


def _signature(parameters: list[list[Any]], notes: dict[str, Any]) -> inspect.Signature:
    none = inspect.Parameter.empty
    made = [
        inspect.Parameter(name, _KINDS[kind], default=None if optional else none, annotation=notes.get(name, none))
        for name, kind, optional in parameters
    ]
    return inspect.Signature(made, return_annotation=notes.get("return", none))


class Uncopied:
    """What is not copied, or pickled: it leads to the wire, which there is once. The judge marks the test."""

    _ask: Any
    _agentmem_number: int

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self._ask(self._agentmem_number, "copied")

    def __deepcopy__(self, memo: Any) -> Any:
        return self.__reduce_ex__(4)

    def __copy__(self) -> Any:
        return self.__reduce_ex__(4)


class StubIterator(Uncopied):
    """An iterator of the tests."""

    def __init__(self, ask: Ask, number: int, own: Iterable[str] = ()) -> None:
        self._ask, self._agentmem_number = ask, number

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        return self._ask(self._agentmem_number, "next")

    def send(self, value: Any) -> Any:
        return self._ask(self._agentmem_number, "send", value)

    def close(self) -> None:
        self._ask(self._agentmem_number, "close")


def _compared(name: str) -> Any:
    """A comparison as the test's own class makes it, if it does; else as every object is compared."""
    plain = getattr(object, f"__{name}__")

    def compared(self: Any, *other: Any) -> Any:
        own = name in self._agentmem_own
        return self._ask(self._agentmem_number, name, *other) if own else plain(self, *other)

    return compared


class StubObject(Uncopied):
    """An object of the tests. It can be called, read and entered; nothing of it can be changed.

    ``own`` are the comparisons, and "hash", that its class has of its own.
    """

    def __init__(self, ask: Ask, number: int, own: Iterable[str] = ()) -> None:
        object.__setattr__(self, NUMBER, number)
        object.__setattr__(self, "_ask", ask)
        object.__setattr__(self, "_agentmem_own", frozenset(own))

    __eq__, __ne__, __hash__ = _compared("eq"), _compared("ne"), _compared("hash")
    __lt__, __le__, __gt__, __ge__ = (_compared(one) for one in ("lt", "le", "gt", "ge"))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._ask(self._agentmem_number, "get", name)

    def __setattr__(self, name: str, value: Any) -> None:
        self._ask(self._agentmem_number, "set", name, value)

    def __call__(self, *given: Any, **named: Any) -> Any:
        return self._ask(self._agentmem_number, "call", given, named)

    def __iter__(self) -> Any:
        return self._ask(self._agentmem_number, "iter")

    def __len__(self) -> int:
        return int(self._ask(self._agentmem_number, "len"))

    def __bool__(self) -> bool:
        return bool(self._ask(self._agentmem_number, "bool"))

    def __str__(self) -> str:
        return str(self._ask(self._agentmem_number, "str"))

    def __getitem__(self, key: Any) -> Any:
        return self._ask(self._agentmem_number, "getitem", key)

    def __setitem__(self, key: Any, value: Any) -> None:
        self._ask(self._agentmem_number, "setitem", key, value)

    def __delitem__(self, key: Any) -> None:
        self._ask(self._agentmem_number, "delitem", key)

    def __index__(self) -> int:
        return int(self._ask(self._agentmem_number, "index"))

    def __contains__(self, key: Any) -> bool:
        return bool(self._ask(self._agentmem_number, "contains", key))

    def __enter__(self) -> Any:
        return self._ask(self._agentmem_number, "enter")

    def __exit__(self, *error: Any) -> Any:
        return self._ask(self._agentmem_number, "exit", error[1])


class StubFile(StubObject):
    """A file of the tests, or what is like one: an object that is its own iterator, over its lines."""

    def __iter__(self) -> Any:
        return self

    def __next__(self) -> Any:
        return self._ask(self._agentmem_number, "next")

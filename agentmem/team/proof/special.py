"""The special methods of proxies: those that a class of the code has are given to what stands for its objects.

The judge runs it by itself, without the rest of agentmem. Each asks the subject, except where the code would compare.
"""

from typing import Any

from agentmem.team.proof.chosen import noted
from agentmem.team.proof.far import (
    FarBase,
    FarForeign,
    FarMeta,
    far_do,
    far_do_reversed,
    far_method,
    has_own,
    link_of,
    reference_of,
)
from agentmem.team.proof.measuring import BINARY, NAMED, measured, seen


def shown_name(value: object) -> str | None:
    """How pytest writes what stands for something of the code's in the id of a test; None for all else."""
    if isinstance(value, FarMeta):
        return value.__name__
    if isinstance(value, FarBase) and "_far_member" in value.__dict__:
        return f"{type(value).__name__}.{value.name}"
    return own_name(value) if isinstance(value, FarBase) else None


def own_name(value: FarBase) -> str | None:
    """The name that an object of the code has itself, as a function has; None without one."""
    link, it = link_of(value), reference_of(value)
    name = link.ask("get", it, "__name__") if "__name__" in link.ask("dir", it) else None
    return name if type(name) is str else None


def _asks(what: str) -> Any:
    return lambda self, *given: far_do(self, what, *given)


def _asks_reversed(what: str) -> Any:
    return lambda self, other: far_do_reversed(self, what, other)


def _orders(name: str) -> Any:
    return lambda self, other: link_of(self).marks.not_proven("compares", f"{type(self).__name__} {name} ...")


def _called(self: Any, *given: Any, **named: Any) -> Any:
    label = self.__dict__.get("_far_label", type(self).__name__)
    unbound = self.__dict__.get("_far_unbound")  # as in N.overlaps(n, other)
    if unbound is not None and given and isinstance(given[0], FarBase):
        return far_method(given[0], unbound, given[1:], named, label)
    answer = measured(self, "call", (), link_of(self).call(reference_of(self), given, named, label))
    return noted(link_of(self), label, given, named, answer) if "_far_label" in self.__dict__ else answer


def _entered(self: Any) -> Any:
    return far_method(self, "__enter__")


def _left(self: Any, kind: Any, error: Any, trace: Any) -> Any:
    return _let_out(self, error, far_method(self, "__exit__", _told(self, error)))


def _told(self: Any, error: Any) -> tuple[Any, Any, Any]:
    """What a context manager of the code is told of an error. What a test asserts is none of its business."""
    if error is None:
        return None, None, None
    if isinstance(error, AssertionError):
        link_of(self).marks.asserted += 1
        return AssertionError, AssertionError(), None
    if isinstance(error, Exception) and (type(error).__module__ == "builtins" or isinstance(error, FarBase)):
        return type(error), error, None
    return Exception, Exception(), None


def _let_out(self: Any, error: Any, answer: Any) -> Any:
    """Whether an error ends here, as the code says; not one by which a test fails."""
    if isinstance(error, Exception) and not isinstance(error, AssertionError):
        if answer:
            link_of(self).ends.left(error)
        return answer
    if error is not None and answer not in (None, False):
        link_of(self).marks.mark("swallowed")
    return False


def _bound(self: Any, one: Any, owner: Any = None) -> Any:
    """What a class of the tests gives for one of its attributes that is the code's, as a function that it decorated."""
    if has_own(self, "__set_name__"):
        return _stored(self)
    return self if one is None else far_method(self, "__get__", (one, None))


def _stored(self: Any, *_: Any) -> Any:
    return link_of(self).marks.not_proven("class", f"a {type(self).__name__} in a class of the tests")


class FarMetaclass(FarForeign):
    """A class of the code's whose objects are classes: what a test makes of it would be the code's class."""

    def _refuses(self, *_: Any, **__: Any) -> Any:
        return self._far_link.marks.not_proven("class", self._far_name)

    __call__ = __mro_entries__ = __instancecheck__ = __subclasscheck__ = _refuses


def _contains(self: Any, item: Any) -> Any:
    content = link_of(self).ask("copy", reference_of(self))
    if type(content) in (list, dict, set):
        seen(self, "what is in")
        return item in content
    if not self.__dict__.get("_far_asked"):
        return link_of(self).marks.not_proven("compares", f"... in {type(self).__name__}")
    return far_do(self, "contains", item)


def _awaited(self: Any) -> Any:
    if False:  # a generator, as an await needs one
        yield
    return measured(self, "await", (), link_of(self).ask("await", reference_of(self)))


async def _async_entered(self: Any) -> Any:
    return await far_method(self, "__aenter__")


async def _async_left(self: Any, kind: Any, error: Any, trace: Any) -> Any:
    return _let_out(self, error, await far_method(self, "__aexit__", _told(self, error)))


async def _async_next(self: Any) -> Any:
    link = link_of(self)
    link.ending = link.depth + 1  # the questions that are asked here, and not those of a function that the code calls
    try:
        return await far_method(self, "__anext__")
    finally:
        link.ending = 0


METHODS: dict[str, Any] = {
    **{f"__{one}__": _asks(one) for one in ("iter", "next", "len", "getitem", "setitem", "delitem", "str")},
    **{f"__{one}__": _asks(one) for one in ("repr", "int", "float", "complex", "index", "abs", "neg", "pos", "invert")},
    **{f"__{one}__": _asks(one) for one in ("round", "reversed", "bytes", "format", "divmod")},
    **{f"__{one}__": _asks(NAMED.get(one, one)) for one in BINARY},
    **{f"__r{one}__": _asks_reversed(NAMED.get(one, one)) for one in BINARY},
    **{f"__i{one}__": _asks(f"i{one}") for one in BINARY},
    **{f"__{one}__": _orders(sign) for one, sign in (("lt", "<"), ("le", "<="), ("gt", ">"), ("ge", ">="))},
    "__call__": _called,
    "__enter__": _entered,
    "__exit__": _left,
    "__contains__": _contains,
    "__await__": _awaited,
    "__get__": _bound,
    "__set__": _stored,
    "__delete__": _stored,
    "__aenter__": _async_entered,
    "__aexit__": _async_left,
    "__aiter__": lambda self: far_method(self, "__aiter__"),
    "__anext__": _async_next,
}
"""The special methods of proxies. A proxy has those that its class has."""

"""Things of the code's that a test asks for by a name: is one of them known under two names, or under none?

The judge runs it by itself, without the rest of agentmem. A test that names a class, a function or an object of the
code's, in whatever way it holds it, and then gets that very thing from the code, has compared nothing if the code has
it under two names, or makes up what stands under a name. So each thing is noted that came by a name of a module or a
class, and each that came as an answer, an error or an argument; where one is both, the subject is asked for its names.
"""

import sys
import types
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from agentmem.team.proof.agreeing import is_far, is_opaque
from agentmem.team.proof.reading import used_names
from agentmem.team.proof.reasons import Gone, NotProven

_DEEP, _MANY = 4, 400  # containers in containers that are searched for things, and the items of each
_PLAIN = (type(None), int, float, complex, str, bytes, types.ModuleType)


class Twins:
    """The things that came to one file of tests, by names and as answers."""

    def __init__(self, link: Any) -> None:
        self.link = link
        self.names: dict[int, set[str]] = {}
        self.things: dict[int, Any] = {}
        self.keys: dict[int, set[str]] = {}
        self.modules: dict[tuple[int, str], set[str]] = {}
        self.listed: dict[int, frozenset[str]] = {}
        self.shared, self.own, self.test = list[Any](), list[Any](), 0
        self.tabled = list[Any]()
        self.used, self.got, self.rows = set[int](), set[int](), set[int]()

    def came(self, value: Any) -> Any:
        """What the code has given is noted for the test, or for all tests of the file where it is shared by them."""
        self._begin()
        (self.own if self.link.marks.test else self.shared).append(value)
        return value

    def _begin(self) -> None:
        now = self.link.marks.test
        if now and now != self.test:
            self.test, self.own, self.tabled = now, [], []
            for one in (self.used, self.got, self.rows):
                one.clear()

    def named(self, name: str, get: Callable[[], Any], module: str = "") -> Any:
        """What stands under a name of a module or class of the code's. It is no answer."""
        self._begin()
        came = self.own if self.link.marks.test else self.shared
        before = len(came)
        value = get()
        if _is_thing(value):
            del came[before:]
            self.things[id(value)] = value
            self.names.setdefault(id(value), set()).add(name)
            self.got.add(id(value))
            if module:
                self.modules.setdefault((id(value), name), set()).add(module)
        elif type(value) in (dict, list, tuple):
            self.tabled += came[before:]
            del came[before:]
            self._table(name, value if type(value) is dict else dict(enumerate(value)))
        return value

    def uses(self, kind: Any) -> None:
        """A test makes an object of a class, or asks the class for something."""
        self._begin()
        self.used.add(id(kind))

    def _table(self, name: str, table: dict[Any, Any]) -> None:
        """The keys of a table of the code's, of things that stand there under more than one."""
        keys: dict[int, set[str]] = {}
        for key, one in list(table.items())[:_MANY]:
            if _is_thing(one):
                self.things[id(one)] = one
                keys.setdefault(id(one), set()).add(f"{name}[{key!r}]")
        twice = {one: found for one, found in keys.items() if len(found) > 1}
        self.keys |= twice
        self.rows |= twice.keys()

    def settle(self, item: Any) -> None:
        """A test has ended: it is marked if it has, by a name that tells of no other thing, what the code gave it."""
        given = list(getattr(item, "funcargs", {}).values())
        if found := self.alike(partial(_held_by, item, self.link.inside), given):
            self.link.marks.mark("compares", found)

    def alike(self, held: Callable[[], Iterable[Any]], given: Sequence[Any] = ()) -> str:
        """What a test was given by one of two names, and by the code as an answer; "" for nothing.

        Of what lies in a table of a module's, and of the class of an error or object, only such counts as the test has
        in its hands: its arguments are ``given``, and ``held`` are other values in which that is. An object's class
        counts if it is given, or the test makes none of it.
        """
        if not self.names and not self.keys:
            return ""
        self._begin()
        answers = [*self.shared, *self.own]
        for one in answers:
            if found := self._alike(one, self.keys):
                return found
        mine = {id(one) for one in _things(given)}
        kinds = {id(kind): kind for one in answers for kind in self._kinds(one, mine)}
        told = {one: found for one, kind in kinds.items() if (found := self._alike(kind, self.keys))}
        rows = {id(one): found for one in self.tabled if (found := self._alike(one, {}))}
        if not told and not rows:
            return ""
        mine |= {*self.got, *(id(one) for one in _things(held()))}
        if found := next((found for one, found in told.items() if one in mine or one in self.rows), ""):
            return found
        return next((found for one, found in rows.items() if one in mine), "")

    def _kinds(self, value: Any, given: set[int]) -> Iterator[Any]:
        """The classes of an error or object, or above a class, of which a test may have asked whether it is of one."""
        error = isinstance(value, BaseException)
        if error or is_far(value) or isinstance(value, type):
            every = (value if isinstance(value, type) else type(value)).__mro__
            kinds = (kind for kind in every if id(kind) in self.things)
            yield from (kind for kind in kinds if error or id(kind) in given or id(kind) not in self.used)

    def _alike(self, thing: Any, keys: Mapping[int, set[str]]) -> str:
        number = id(thing)
        if self.things.get(number, self) is not thing:
            return ""
        names, own = self.names.get(number, set()), _own_name(thing)
        if found := next((one for name in names if (one := self._apart(number, name))), ""):
            return found
        if len(every := names | keys.get(number, set())) > 1:
            return f"{' and '.join(sorted(every)[:4])} are one"
        if not names or names == {own}:
            return ""
        if isinstance(thing, type) and not hasattr(thing, "_far_link"):
            return f"{min(names)} is Python's {own}"
        if len(known := self._listed(thing) | names) > 1:
            return f"{' and '.join(sorted(known)[:4])} are one"
        return "" if self.listed[number] else f"{min(names)} stands in no module or class"

    def _apart(self, number: int, name: str) -> str:
        """Two modules, neither of them in the other, of which a file has the same thing by the same name."""
        every = sorted(self.modules.get((number, name), ()))
        pairs = ((one, other) for at, one in enumerate(every) for other in every[at + 1 :])
        found = next((pair for pair in pairs if not f"{pair[1]}.".startswith(f"{pair[0]}.")), None)
        return "" if found is None else f"{name} of {found[0]} and of {found[1]} are one"

    def _listed(self, thing: Any) -> frozenset[str]:
        """The names of a thing in the code's modules and classes, as the subject says once."""
        link, number = self.link, id(thing)
        if number not in self.listed:
            calls, found = link.marks.calls, None
            try:
                with suppress(Gone, NotProven, Exception):
                    it = link.proxies.reference(thing)
                    found = link.ask("known", it, sorted(link.tops), sorted(self.names[number]))
            finally:
                link.marks.calls = calls  # it is no call of the test's
            every = found if type(found) is list else [""]
            self.listed[number] = frozenset(one for one in every if type(one) is str)
        return self.listed[number]


def _is_thing(value: Any) -> bool:
    """True for a class, also one of Python's, a module, and an object of the code's that is no plain value."""
    if isinstance(value, type | types.ModuleType):
        return True
    return is_far(value) and (is_opaque(value) or "_far_member" in value.__dict__)


def _own_name(thing: Any) -> str:
    """The name that a class or module has itself; "" for other things."""
    return str(thing.__name__).rpartition(".")[2] if isinstance(thing, type | types.ModuleType) else ""


def _things(values: Iterable[Any]) -> Iterator[Any]:
    for value in values:
        yield from _inside(value, 0)


def _inside(value: Any, depth: int) -> Iterator[Any]:
    if isinstance(value, type) or is_far(value):
        yield value
    elif depth < _DEEP:
        try:
            parts = list(_parts(value))[:_MANY]
        except Exception:  # of a class of the test's that has another way
            return
        for one in parts:
            yield from _inside(one, depth + 1)


def _parts(value: Any) -> Iterable[Any]:
    """What a container of the test's holds, or another object of its, such as a case of a table."""
    kind = type(value)  # a mock says that it is an instance of what it stands for
    if issubclass(kind, dict):
        return [*value, *value.values()]
    if issubclass(kind, list | tuple | set | frozenset):
        return list(value)
    if issubclass(kind, _PLAIN) or callable(value):
        return ()
    slots = [name for one in kind.__mro__ for name in vars(one).get("__slots__", ())]
    return [*getattr(value, "__dict__", {}).values(), *(getattr(value, name, None) for name in slots)]


def _held_by(item: Any, inside: str) -> Iterator[Any]:
    """What a test has in its hands besides its arguments: what it names of its file, class and closure, and all that
    other files of the tests hold."""
    used = used_names(str(item.path), str(getattr(item, "originalname", None) or item.name))
    module, kind, function = (getattr(item, name, None) for name in ("module", "cls", "function"))
    for cell in getattr(function, "__closure__", None) or ():
        with suppress(ValueError):  # it is empty
            yield cell.cell_contents
    for owner in (module, *(getattr(kind, "__mro__", ())[:-1])):
        own = dict(vars(owner)) if isinstance(owner, types.ModuleType | type) else {}
        yield from (one for name, one in own.items() if not used or name in used)
    for other in list(sys.modules.values()):
        if other is not module and str(getattr(other, "__file__", "")).startswith(inside):
            yield from dict(vars(other)).values()

"""Makes the proxies: classes from their descriptions, objects, exceptions and enums.

The judge runs it by itself, without the rest of agentmem.
"""

import dataclasses
import datetime
import sys
from functools import partial
from typing import Any

from agentmem.team.proof import agreeing
from agentmem.team.proof.chosen import decides
from agentmem.team.proof.classes import BELONGING, error_of_python, pure
from agentmem.team.proof.far import (
    FarBase,
    FarData,
    FarForeign,
    FarMeta,
    FarMethod,
    far_get,
    far_method,
    has_own,
    member,
    reference_of,
)
from agentmem.team.proof.link import SubjectLink
from agentmem.team.proof.made import data_of
from agentmem.team.proof.modules import FarModule
from agentmem.team.proof.special import METHODS, FarMetaclass
from agentmem.team.proof.values import PLAIN, give_attributes
from agentmem.team.proof.wire import Broken

_MANY = 500  # instances that are made by one message
_MARKERS = frozenset({"ABC", "Generic", "Protocol", "Enum", "IntEnum", "StrEnum", "Flag", "IntFlag", "ReprEnum"})


class ProxyMaker:
    """The proxies of one session, each made once."""

    def __init__(self, link: SubjectLink) -> None:
        self.link = link
        self.made: dict[int, Any] = {}
        self.count = 0
        self.kinds: dict[int, Any] = {}
        self.modules: dict[str, FarModule] = {}
        self.belonging = ""

    def reference(self, value: Any) -> list[Any] | None:
        """How a proxy is named to the subject; None for what is none."""
        if isinstance(value, FarModule):
            return list(value._far)
        if isinstance(value, FarMeta):
            return list(value._far_kind)
        if isinstance(value, FarMethod):
            return ["m", reference_of(value.__self__)[1], value.__name__]
        if isinstance(value, FarForeign):
            return list(value._far)
        if not issubclass(
            type(value), FarBase
        ):  # by its type: a mock says that it is an instance of what it stands for
            return None
        value.__dict__["_far_given"] = True
        self.link.earlier.gives(value)
        return list(reference_of(value))

    def of(self, given: list[Any]) -> Any:
        """What a message of the subject stands for. Raises Broken."""
        tag = given[0]
        if tag == "c":
            return self._kind(given[1])
        if tag == "T":
            return pure(given[1], given[2])
        if tag in ("M", "X"):
            return self._module(str(given[1]), tag == "M")
        if tag == "e":
            return self._kind(given[1])._far_members[given[2]]
        if tag in ("p", "x", "o"):
            return self._object(tag, given)
        raise Broken("a value of an unknown kind")

    def made_later(self, kind: Any, named: dict[str, Any]) -> list[Any]:
        """A number for an instance of a dataclass that a test made; the next message lets the subject make it too."""
        self.link.note_call()
        if len(self.link.unmade) >= _MANY:
            self.link.ask("import", "sys")  # any message takes them along
        number = self.count = self.count - 1
        self.link.unmade.append([number, kind._far_kind[1], list(named.items())])
        self.made[number] = self._opaque(kind, number, "")
        return ["o", number]

    def _module(self, name: str, ours: bool) -> Any:
        found = sys.modules.get(name)
        if ours and isinstance(found, FarModule):
            return found
        if name not in self.modules:
            self.modules[name] = FarModule(self.link, name, ours=ours)
        return self.modules[name]

    def _object(self, tag: str, given: list[Any]) -> Any:
        number = given[2] if tag == "p" else given[1]
        if type(number) is not int:
            raise Broken("an object has no number")
        kind = self._kind(given[2] if tag != "p" else given[3])
        if number in self.made:
            return self._again(self.made[number])
        if tag == "p":
            made = self._plain(kind, given)
        elif tag == "x":
            made = self._exception(kind, given)
        else:
            made = self._opaque(kind, number, given[3])
        self.made[number] = made
        if isinstance(made, FarData):
            self.link.earlier.gave(made)
        if doubt := getattr(type(made), "_far_doubt", ""):
            self.link.marks.doubt("unknown", doubt)
        return made

    def _again(self, made: Any) -> Any:
        """An object that the judge knows. If a test made it and the code was never given it, the code chose it."""
        if isinstance(made, FarBase):
            made.__dict__["_far_again"] = self.link.marks.calls
            if "_far_asked" in made.__dict__ and "_far_given" not in made.__dict__:
                self.link.marks.mark("compares", f"it returns a {type(made).__name__} that it was not given")
        return made

    def _plain(self, kind: Any, given: list[Any]) -> Any:
        """An instance of a subclass of a plain type: the plain value, which leads to the object too."""
        base = self.link.decode(given[1])
        if type(base) not in PLAIN or not issubclass(kind, type(base)):
            raise Broken("a plain value of another type was promised")
        made: Any = type(base).__new__(kind, base)
        if not isinstance(kind, FarMeta):  # of Python's own, such as a decimal's parts
            return made
        made.__dict__["_far"] = ["o", given[2]]
        return made

    def _exception(self, kind: Any, given: list[Any]) -> Any:
        if not (isinstance(kind, type) and issubclass(kind, BaseException)):
            raise Broken("an exception was promised")
        arguments = tuple(self.link.decode(one) for one in given[3])
        made = self._error(kind, arguments)
        cause = self.link.decode(given[5])
        made.__cause__ = cause if isinstance(cause, BaseException) else None
        if isinstance(kind, FarMeta):
            made.args = arguments
        give_attributes(made, [(str(name), self.link.decode(one)) for name, one in given[6]])
        if isinstance(kind, FarMeta):
            if kind.__module__.partition(".")[0] in sys.stdlib_module_names:
                self.link.marks.doubt("special", f"a {kind.__name__}, which is none of Python's here")
            made.__dict__.update({"_far": ["o", given[1]], "_far_text": str(self.link.decode(given[4]))})
        return made

    def _error(self, kind: Any, arguments: tuple[Any, ...]) -> Any:
        make: Any = kind.__new__
        if kind.__module__ != "builtins" and type(kind) is not FarMeta:
            self.link.marks.doubt("special", f"what else a {kind.__name__} holds")
            return make(kind, *arguments)
        try:
            return make(kind, *arguments) if type(kind) is FarMeta else kind(*arguments)
        except TypeError:
            return make(kind) if type(kind) is FarMeta else kind()

    def _opaque(self, kind: Any, number: int, flags: Any) -> Any:
        if flags == "foreign":
            return FarForeign(self.link, ["o", number], "")
        if flags == "coroutine":
            return _coroutine(self.link, ["o", number])
        if not isinstance(kind, FarMeta):
            kind = self.standing(kind)
        if issubclass(kind, (*PLAIN, BaseException)):
            raise Broken("a plain value was promised")
        made = object.__new__(kind)
        made.__dict__["_far"] = ["o", number]
        return made

    # Classes.

    def standing(self, kind: type) -> Any:
        """A proxies' class for objects of a class that the judge knows itself, such as an iterator."""
        special = {name: METHODS[name] for name in METHODS if getattr(kind, name, None) is not None and name in METHODS}
        own = {name: one for name, one in special.items() if getattr(object, name, None) is not getattr(kind, name)}
        made = self._new(kind.__name__, (FarBase,), ["T", kind.__module__, kind.__qualname__], own, tuple(own), ())
        type.__setattr__(made, "_far_standing", agreeing.standing_on([kind], "", ""))
        return made

    def _kind(self, given: Any) -> Any:
        if type(given) is not list or not given:
            raise Broken("a class was promised")
        if given[0] == "T":
            return pure(given[1], given[2])
        number = given[1]
        if given[0] == "k":
            return self.kinds[number]
        if given[0] != "K" or len(given) != 9 or type(number) is not int:
            raise Broken("a class is not of the agreed form")
        if number not in self.kinds:
            self.kinds[number] = self._metaclass(given) if given[7] == "meta" else self._described(given)
        return self.kinds[number]

    def _metaclass(self, given: list[Any]) -> FarMetaclass:
        for one in given[4]:  # the bases are told with it, and never again
            self._kind(one)
        return FarMetaclass(self.link, ["o", given[1]], given[3])

    def _described(self, given: list[Any]) -> Any:
        _, number, module, name, bases, special, methods, what, has = given
        if not all(type(one) is str for one in (module, name, what, *special, *methods)):
            raise Broken("a class is not of the agreed form")
        if (real := error_of_python(module, name)) is not None:
            return real
        above = [self._kind(one) for one in bases]
        standing = self._bases(above, what)
        shown = _SHOWN_OF_PLAIN if _is_plain(standing) else METHODS.keys()
        own: dict[str, Any] = {one: METHODS[one] for one in special if one in METHODS and one in shown}
        own |= _ZONE if any(issubclass(one, datetime.tzinfo) for one in standing) else {}
        if "__hash__" in special:
            own["__hash__"] = None
        if shown is _SHOWN_OF_PLAIN:
            own |= _decided_by_code(standing, [*special, *methods])
        own |= {"__module__": module, "__qualname__": name} | (_ENUM if what == "enum" else {})
        if any(issubclass(one, BaseException) for one in standing):
            own = {"__module__": module, "__qualname__": name, "__str__": _text}
        kind = self._new(name.rpartition(".")[2], standing, ["o", number], own, tuple(special), tuple(methods))
        top = module.partition(".")[0]
        ours = top in self.link.tops or top in sys.stdlib_module_names
        elsewhere = "" if ours else f"a {name} of {top}'s"
        if (own_way := sorted(set(BELONGING) & set(special))) and top not in sys.stdlib_module_names:
            self.belonging = f"{own_way[0]} of {name}"
        type.__setattr__(kind, "_far_standing", agreeing.standing_on(above, module, name))
        type.__setattr__(kind, "_far_flag", agreeing.is_flag(above, module, name))
        if doubt := _doubt(kind, above, frozenset(special) - shown) or elsewhere:
            type.__setattr__(kind, "_far_doubt", doubt)
        if what == "enum":
            type.__setattr__(kind, "_far_members", self._members(kind, number, has))
            type.__setattr__(kind, "_far_make", _member_of)
        elif what in ("data", "named"):
            self._give_fields(kind, what, has)
        return kind

    def _give_fields(self, kind: Any, what: str, has: list[Any]) -> None:
        """Fields of a dataclass or a named tuple, and the way to make one here where that only sets them."""
        if what == "data":
            fields = [[*one[:4], [self.link.decode(d) if d != "?" else d for d in one[4]], *one[5:]] for one in has[1]]
            type.__setattr__(kind, "_far_fields", fields)
            type.__setattr__(kind, "__dataclass_fields__", {str(one[0]): _field(one) for one in fields})
            if has[0] == "checked":
                type.__setattr__(kind, "_far_checked", True)
            elif has[0] and all(one[4] != ["?"] for one in fields):
                type.__setattr__(kind, "_far_make", data_of)
        else:
            for place, field in enumerate(has[1]):
                if type(field) is not str or field.startswith("_"):
                    raise Broken("a named tuple has a field that none can have")
                type.__setattr__(kind, field, property(partial(_item, place)))
            if has[0]:
                type.__setattr__(kind, "_far_make", _named_of)
                type.__setattr__(kind, "_far_fields", [str(one) for one in has[1]])

    def _bases(self, above: list[Any], what: str) -> tuple[type, ...]:
        """The bases of a proxies' class: the proxies of its bases, or what it stands for."""
        far = [one for one in above if isinstance(one, FarMeta)]
        real = [one for one in above if not isinstance(one, FarMeta) and isinstance(one, type)]
        kept = [one for one in real if issubclass(one, (*PLAIN, BaseException, datetime.tzinfo))]
        root: type = FarData if what == "data" else FarBase
        bases: list[type] = [*far, *kept]
        if not any(issubclass(one, FarBase) for one in far) or (what == "data" and not _has(far, FarData)):
            bases = [root, *bases] if what != "data" else [*far, root, *kept]
        return tuple(bases)

    def _new(
        self,
        name: str,
        bases: tuple[type, ...],
        reference: list[Any],
        own: dict[str, Any],
        special: tuple[str, ...],
        methods: tuple[str, ...],
    ) -> Any:
        namespace = {"_far_link": self.link, "_far_kind": reference, "_far_special": special, "_far_methods": methods}
        namespace["__annotations__"] = property(lambda one: far_get(self.link, reference_of(one), "__annotations__"))
        data = issubclass(bases[0], FarData) or any(issubclass(one, FarData) for one in bases)
        hidden = ("__repr__", "__hash__") if data else ()
        kept = {key: one for key, one in own.items() if key not in hidden or one is None}
        if not data and not any(issubclass(one, (*PLAIN, BaseException)) for one in bases):
            kept["__doc__"] = property(lambda one: far_get(self.link, reference_of(one), "__doc__"))
        if plain := next((one for one in PLAIN if any(issubclass(base, one) for base in bases)), None):
            kept |= {"__eq__": _equals(plain), "__ne__": _differs(plain), "__hash__": plain.__hash__}
        make: Any = type.__new__  # FarMeta's own would take this for a class of the tests
        try:
            return make(FarMeta, name, bases, {**namespace, **kept})
        except TypeError:
            real = [one for one in bases if not isinstance(one, FarMeta)][:1]
            return make(FarMeta, name, (FarBase, *real), {**namespace, **kept})

    def _members(self, kind: Any, number: int, has: list[Any]) -> dict[str, Any]:
        members: dict[str, Any] = {}
        for alias, name, value in has:
            if type(alias) is not str or type(name) is not str:
                raise Broken("a member of an enum is not of the agreed form")
            if name in members:
                members[alias] = members[name]
                continue
            real = self.link.decode(value)
            plain = next((one for one in PLAIN if issubclass(kind, one)), None)
            made = object.__new__(kind) if plain is None else plain.__new__(kind, real)
            made.__dict__.update({"_far": ["e", number, name], "name": name, "value": real, "_far_member": True})
            members[alias] = made
        return members


def _same_member(one: Any, other: Any) -> bool:
    if "_far_member" not in one.__dict__ and isinstance(other, type(one)):  # flags together: the code says which
        one._far_link.marks.mark("compares", f"two of {type(one).__name__}")
    return one is other


_ENUM = {
    "__eq__": lambda self, other: _same_member(self, other),
    "__ne__": lambda self, other: not _same_member(self, other),
    "__hash__": lambda self: hash(self.name),
    "__repr__": lambda self: f"{type(self).__name__}.{self.name}",
}
"""The members of an enum that is no number or text are told apart by what they are."""


def _of_moment(name: str) -> Any:
    def told(self: Any, moment: Any) -> Any:
        bare = moment.replace(tzinfo=None) if isinstance(moment, datetime.datetime) else None
        return far_method(self, name, (bare,))

    return told


_ZONE = {name: _of_moment(name) for name in ("utcoffset", "dst", "tzname")}
"""How far a time zone of the code's is from UTC says the code; the moments are compared by the judge."""

_SHOWN_OF_PLAIN = frozenset({"__str__", "__repr__", "__format__", "__call__", "__enter__", "__exit__"})
"""Special methods by which a number, text or tuple of a class of the code's is asked; others are the judge's own."""


def _equals(plain: Any) -> Any:
    """``==`` of a number or text of a class of the code's: the judge's own. Where the code's could say otherwise, the
    test is not proven."""

    def equals(self: Any, other: Any) -> Any:
        same = plain.__eq__(self, other)
        if same is not True and has_own(self, "__eq__"):
            return self._far_link.marks.not_proven("compares", f"{type(self).__name__} == {type(other).__name__}")
        if same is True and decides(self, other, self._far_link.heard):
            self._far_link.marks.mark("compares", f"{type(self).__name__}() does not hold what it was given")
        return same

    return equals


def _differs(plain: Any) -> Any:
    equals = _equals(plain)

    def differs(self: Any, other: Any) -> Any:
        same = equals(self, other)
        return same if same is NotImplemented else not same

    return differs


def _item(place: int, value: Any) -> Any:
    return tuple.__getitem__(value, place)


def _decided_by_code(standing: tuple[type, ...], names: list[str]) -> dict[str, Any]:
    """What a number or text of a class of the code's does otherwise than all numbers or texts: no test is proven by it.

    Were it asked of the code, the code would decide what ``fee(30) + 1 == 1`` is; done here, it is not its way.
    """
    plain = next(one for one in PLAIN if any(issubclass(base, one) for base in standing))
    inside = {*BELONGING, "__eq__", "__ne__", "__bool__", "__hash__", "__set_name__", *_SHOWN_OF_PLAIN}
    return {one: property(partial(_refuse, one)) for one in names if one not in inside and hasattr(plain, one)}


def _refuse(name: str, value: Any) -> Any:
    return value._far_link.marks.not_proven("compares", f"{name} of {type(value).__name__}")


def _doubt(kind: Any, above: list[Any], without: frozenset[str]) -> str:
    """What a proxies' class cannot do that the class can: a test that fails may fail for that."""
    for one in above:
        if one not in (object, *PLAIN, datetime.tzinfo) and not issubclass(one, BaseException) and _is_of_python(one):
            return f"its {kind.__name__} is used as a {one.__name__} of Python, and stands here for one of the code"
    if _is_plain((kind,)) and (own := sorted(without - {"__eq__", "__ne__", "__bool__"})):
        return f"{own[0]} of {kind.__name__}"
    return next((one._far_doubt for one in above if getattr(one, "_far_doubt", "")), "")


def _is_of_python(kind: Any) -> bool:
    return str(kind.__module__).partition(".")[0] in sys.stdlib_module_names and kind.__name__ not in _MARKERS


def _is_plain(bases: tuple[type, ...]) -> bool:
    return any(issubclass(one, PLAIN) for one in bases)


def _has(kinds: list[Any], wanted: type) -> bool:
    return any(issubclass(one, wanted) for one in kinds)


def _text(error: Any) -> str:
    return str(error.__dict__.get("_far_text", ""))


def _coroutine(link: SubjectLink, reference: list[Any]) -> Any:
    async def wait() -> Any:
        return link.ask("await", reference)

    return wait()


def _field(told: list[Any]) -> "dataclasses.Field[Any]":
    """A field of a dataclass of the code, for dataclasses.replace, asdict and fields."""
    made: Any = dataclasses.field(init=bool(told[1]), kw_only=bool(told[2]), compare=bool(told[3]))
    made.name, made._field_type = str(told[0]), dataclasses._FIELD  # type: ignore[attr-defined]  # as it marks them
    return made  # type: ignore[no-any-return]


def _looks_up(kind: Any) -> bool:
    """True for an enum that finds members in its own way."""
    return any("_missing_" in one.__dict__.get("_far_special", ()) for one in kind.__mro__)


def _member_of(kind: Any, given: tuple[Any, ...], named: dict[str, Any]) -> Any:
    """``Color("red")``: the member with this value, found here."""
    for one in kind._far_members.values():
        if given and (one is given[0] or one.value == given[0]):
            return member(kind, one.name)
    if _looks_up(kind):
        kind._far_link.marks.not_proven("compares", f"_missing_ of {kind.__name__}")
    raise ValueError(f"{given[0] if given else ''!r} is not a valid {kind.__qualname__}")


def _named_of(kind: Any, given: tuple[Any, ...], named: dict[str, Any]) -> Any:
    """``Pair(1, 2)``: a tuple with named fields, made here; with defaults, by the subject."""
    fields = kind._far_fields
    if len(given) + len(named) != len(fields):
        return kind._far_link.call(kind._far_kind, given, named, kind.__name__)
    values = [*given, *(named[name] for name in fields[len(given) :])]
    return tuple.__new__(kind, values)

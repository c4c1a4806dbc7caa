"""Proxies: what stands in the judge for objects, functions and classes of the code under test.

The judge runs it by itself, without the rest of agentmem. A proxy asks the subject for what is done with it, except
for comparisons: those the judge makes itself on plain data, or the test is not proven.
"""

import sys
import types
from collections.abc import Sequence
from typing import Any, ClassVar

from agentmem.team.proof import agreeing, empties, measuring
from agentmem.team.proof.asking import asker, of_tests
from agentmem.team.proof.chosen import MAKING, noted, same_content
from agentmem.team.proof.link import SubjectLink
from agentmem.team.proof.made import affected, is_fixed, keep_fields, states_of, told_state
from agentmem.team.proof.measuring import is_function, is_match, is_measured, is_null, used_members
from agentmem.team.proof.naming import PROBED, SHOWN, SOURCE, is_private
from agentmem.team.proof.values import PLAIN


class FarMeta(type):
    """The class of proxies' classes. ``_far_kind`` is the reference of the class that it stands for."""

    _far_link: SubjectLink
    _far_kind: list[Any]

    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **named: Any) -> Any:
        if "_far_kind" not in namespace:
            return subclassed(name, bases, namespace)
        return super().__new__(mcs, name, bases, namespace)

    @property
    def __annotations__(cls) -> Any:  # type: ignore[override]  # of the class that it stands for
        return far_get(cls._far_link, cls._far_kind, "__annotations__")

    @property
    def __doc__(cls) -> Any:  # type: ignore[override]  # of the class that it stands for
        return far_get(cls._far_link, cls._far_kind, "__doc__") if "_far_special" in cls.__dict__ else None

    def __call__(cls, *given: Any, **named: Any) -> Any:
        cls._far_link.twins.uses(cls)
        if (make := cls.__dict__.get("_far_make")) is not None:
            return make(cls, given, named)
        earlier = cls._far_link.earlier
        moment, earlier.answers = earlier.know(), []
        made = cls._far_link.call(cls._far_kind, given, named, cls.__name__)
        earlier.settle(bool(given or named))
        noted(cls._far_link, cls.__name__, given, named, made, cls)
        if isinstance(made, FarBase):
            if made.__dict__.get("_far_again") == cls._far_link.marks.calls:  # the code chose what it is compared with
                cls._far_link.marks.mark("compares", f"{cls.__name__}() gives an object that was there before")
            made.__dict__["_far_asked"] = True
            if "_far_checked" in cls.__dict__:
                keep_fields(cls, made, given, named)
        earlier.built(made, moment)
        return made

    def __getattr__(cls, name: str) -> Any:
        if name.startswith(("_far", "__abc")):
            raise AttributeError(name)
        members = cls.__dict__.get("_far_members", {})
        link, kind = cls._far_link, cls._far_kind
        link.twins.uses(cls)
        value = member(cls, name) if name in members else link.twins.named(name, lambda: far_get(link, kind, name))
        if not name[:1].islower() and isinstance(value, FarBase):
            value.__dict__.setdefault("_far_label", f"{cls.__name__}.{name}")
        if isinstance(value, FarBase) and agreeing.is_method(cls, name):
            value.__dict__["_far_unbound"] = name
        return value

    def __setattr__(cls, name: str, value: Any) -> None:
        far_set(cls._far_link, cls._far_kind, name, value)

    def __delattr__(cls, name: str) -> None:
        far_set(cls._far_link, cls._far_kind, name)

    def __getitem__(cls, key: Any) -> Any:
        members = cls.__dict__.get("_far_members")
        return far_do(cls, "getitem", key) if members is None else member(cls, key)

    def __iter__(cls) -> Any:
        members = used_members(cls)
        return far_do(cls, "iter") if members is None else iter(dict.fromkeys(members.values()))

    def __len__(cls) -> Any:
        members = used_members(cls)
        return far_do(cls, "len") if members is None else len(set(members.values()))

    def __bool__(cls) -> bool:
        return True

    def __dir__(cls) -> Any:
        """The names of which the description tells: those of methods, for what is made like the class."""
        cls._far_link.marks.doubt("special", "__dir__")
        return [*type.__dir__(cls), *(name for one in cls.__mro__ for name in one.__dict__.get("_far_methods", ()))]

    @property
    def __members__(cls) -> Any:
        if (members := cls.__dict__.get("_far_members")) is None:
            raise AttributeError("__members__")
        return types.MappingProxyType(members)


class _Inside:
    """What a proxy holds itself lies in its own dictionary."""


_INSIDE = _Inside.__dict__["__dict__"].__get__


class FarBase(_Inside, metaclass=FarMeta):
    """An object of the subject. ``_far`` is its reference."""

    _far_kind: ClassVar[list[Any]] = ["T", "builtins", "object"]
    _far: list[Any]

    @property
    def __dict__(self) -> Any:  # type: ignore[override]  # tests get none: it would be the proxy's own
        if sys._getframe(1).f_code.co_filename.startswith(link_of(self).inside):
            link_of(self).marks.not_proven("private", "__dict__")
        return _INSIDE(self)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_far"):
            raise AttributeError(name)
        if name in vars(type(self)).get("_far_methods", ()) or (name in MAKING and isinstance(self, tuple)):
            return FarMethod(self, name)
        value = far_get(link_of(self), reference_of(self), name)
        if callable(value) and (agreeing.stands(self, name) or (is_measured(self) and is_function(value))):
            return FarMethod(self, name)
        return measuring.method(self, name, (), agreeing.read(self, name, value))

    def __setattr__(self, name: str, value: Any) -> None:
        if name.startswith(("_far", "__")) or isinstance(self, BaseException):
            object.__setattr__(self, name, value)
        else:
            far_set(link_of(self), reference_of(self), name, value)

    def __delattr__(self, name: str) -> None:
        far_set(link_of(self), reference_of(self), name)

    def __hash__(self) -> int:
        if has_own(self, "__eq__") and of_tests():
            link_of(self).marks.mark("compares", f"the hash of a {type(self).__name__}")
        return id(self)

    def __bool__(self) -> bool:
        return truth(self)

    def __eq__(self, other: object) -> Any:
        return compared(self, other)

    def __ne__(self, other: object) -> Any:
        return not compared(self, other)

    def _far_made(self) -> list[Any]:
        """A plain value that a test made by a class of the code, made in the subject too."""
        link, given = link_of(self), tuple.__iter__(self) if isinstance(self, tuple) else (self,)
        given = tuple(given)
        sent = [link.encode(one) for one in given]
        return reference_of(link.ask("call", type(self)._far_kind, sent, [], given=list(given)))

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Of what Python copies or pickles by itself, unless the object's class has another way."""
        return link_of(self).marks.not_proven("special", "copied, or pickled")

    __copy__ = __reduce__ = lambda self: self.__reduce_ex__(2)
    __deepcopy__ = __reduce_ex__

    def __dir__(self) -> Any:
        link_of(self).marks.mark("special", "__dir__")
        return object.__dir__(self)


class FarMethod:
    """A method of an object of the subject."""

    def __init__(self, owner: Any, name: str) -> None:
        self.__self__, self.__name__ = owner, name

    def __call__(self, *given: Any, **named: Any) -> Any:
        owner, name = self.__self__, self.__name__
        label = f"{type(owner).__name__}().{name}"
        answer = far_method(owner, name, given, named, label)
        affected(owner, [*given, *named.values()], answer)
        return noted(link_of(owner), label, given, named, answer)

    def __eq__(self, other: object) -> bool:
        return type(other) is FarMethod and (self.__self__, self.__name__) == (other.__self__, other.__name__)

    def __hash__(self) -> int:
        return hash((id(self.__self__), self.__name__))


class FarForeign:
    """A function or class that is not the project's: it can be put back where it was, and not be used."""

    def __init__(self, link: SubjectLink, reference: list[Any], name: str) -> None:
        self.__dict__.update({"_far": reference, "_far_name": name, "_far_link": link})

    def __call__(self, *given: Any, **named: Any) -> Any:
        return self._far_link.marks.not_proven("foreign", self._far_name)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self._far_link.marks.not_proven("foreign", f"{self._far_name}.{name}")

    def __mro_entries__(self, bases: tuple[Any, ...]) -> Any:
        return self._far_link.marks.not_proven("foreign", self._far_name)


class Refusing(type):
    """The class of classes of the tests that would have a base in the code."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return cls._far_refused()


def subclassed(name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> type:
    """A class of the tests that would have a base in the code: the test is not proven when it is used."""
    link: SubjectLink = next(
        vars(one)["_far_link"] for base in bases for one in base.__mro__ if "_far_link" in vars(one)
    )

    def refused(*_: Any, **__: Any) -> Any:
        return link.marks.not_proven("class", name)

    kept: dict[str, Any] = {
        key: namespace[key] for key in ("__module__", "__qualname__", "__classcell__") if key in namespace
    }
    return Refusing(name, (), {**kept, "__new__": refused, "_far_refused": staticmethod(refused)})


def member(kind: Any, name: str) -> Any:
    """An enum's member by a name. If the code says that two names are one member, it decides what they are equal to."""
    found = used_members(kind)[name]
    names = [alias for alias, one in kind._far_members.items() if one is found]
    if len(names) > 1:
        kind._far_link.marks.mark("compares", f"{' and '.join(names)} of {kind.__name__} are one")
    return found


def link_of(value: Any) -> SubjectLink:
    return type(value)._far_link  # type: ignore[no-any-return]  # every proxy's class has one


def reference_of(value: Any) -> list[Any]:
    """The reference of a proxy; of a value that was made here, after it was made in the subject too."""
    made = value.__dict__.get("_far")
    if made is None:
        made = value.__dict__["_far"] = value._far_made()
    return made  # type: ignore[no-any-return]


def far_method(owner: Any, name: str, given: Sequence[Any] = (), named: Any = None, label: str = "") -> Any:
    """Call a method of an object of the subject, which the code has been given from then on."""
    reference = reference_of(owner)
    owner.__dict__["_far_given"] = True
    link_of(owner).earlier.gives(owner)
    target, named = ["m", reference[1], name], named or {}
    answer = agreeing.agreed(owner, name, given, named, lambda: link_of(owner).call(target, given, named, label))
    return measuring.method(owner, name, [*given, *named.values()], answer)


def far_get(link: SubjectLink, reference: list[Any], name: str) -> Any:
    """An attribute of an object of the subject. Only modules show private ones: an object's state is its own."""
    if name in SOURCE and of_tests():
        return link.marks.not_proven("source", name)
    if name == "__signature__":  # inspect would take the proxy's own
        link.marks.mark("special", name)
    if name in PROBED or (name.startswith("__") and not _is_shown(name)):
        link.marks.doubt("source" if name in SOURCE else "special", name)
        raise AttributeError(name)
    if reference[0] != "M" and is_private(name) and of_tests():
        return link.marks.not_proven("private", name)
    if (value := link.known_name(reference, name)) is not None:
        return value
    value = link.ask("get", reference, name)
    if isinstance(value, FarForeign):
        value.__dict__["_far_name"] = f"{reference[1]}.{name}"
    link.note_wide(value, name)
    if name != "__wrapped__" and any(value is one for one in link.lent.values()):
        link.marks.not_proven("replaced", name)
    if isinstance(value, FarBase) and reference[0] == "M":
        measuring.seen(value, f"{name} is what another answer was:")
        value.__dict__.setdefault("_far_label", f"{reference[1].rpartition('.')[2]}.{name}")
    if reference[0] == "M" and _is_kept(value):
        link.names[reference[1], name] = value
    return value


def _is_kept(value: Any) -> bool:
    """True for a class of the code's, or a function: the subject says when its name is another's."""
    return isinstance(value, FarMeta) or (isinstance(value, FarBase) and type(value).__qualname__ == "function")


def _is_shown(name: str) -> bool:
    return name in SHOWN or (name == "__wrapped__" and of_tests())  # which pytest would follow


def far_set(link: SubjectLink, reference: list[Any], name: str, *value: Any) -> None:
    """Set an attribute of an object of the subject; without a ``value``, delete it."""
    if is_private(name):
        link.marks.not_proven("private", name)
    link.marks.moved = True
    what = ("set", "del") if of_tests() else ("put", "back")  # as mock does, and pytest's monkeypatch
    link.ask(what[not value], reference, name, *map(link.encode, value), given=value)


def far_do(owner: Any, what: str, *given: Any) -> Any:
    """An operation on an object of the subject, such as ``len`` or ``getitem``."""
    link: SubjectLink = owner._far_link if isinstance(owner, FarMeta) else link_of(owner)
    arguments, before = [link.encode(one) for one in (owner, *given)], measuring.value_before(owner, what, given)
    try:
        answer = agreeing.together(owner, what, given, lambda: link.ask("do", what, arguments, given=(owner, *given)))
    except (StopIteration, IndexError) as end:
        empties.ended(owner, what, given)
        if is_measured(owner) and isinstance(end, StopIteration):
            link.marks.mark("compares", f"what {type(owner).__name__} does not give")
        raise
    if what in ("setitem", "delitem") or answer is owner:
        affected(owner, given, answer)
    empties.asked(owner, what, answer)
    return measuring.measured(owner, what, given, answer, before)


def far_do_reversed(owner: Any, what: str, other: Any) -> Any:
    link = link_of(owner)
    answer = link.ask("do", what, [link.encode(other), link.encode(owner)], given=(other, owner))
    return measuring.measured(owner, what, (other,), answer, turned=True)


# Comparing.


def compared(one: Any, other: Any) -> bool:
    """True if a proxy equals another value, as plain data that the judge compares itself; else not proven."""
    link = link_of(one)
    if other is None or (one is other and not has_own(one, "__eq__")):
        return one is other
    if isinstance(one, FarData) and not isinstance(other, FarBase):
        return False
    if isinstance(one, FarData) and isinstance(other, FarData):
        return _data_equal(one, other)
    if not isinstance(other, FarBase):
        content = link.ask("copy", reference_of(one))
        if type(content) in (list, dict, set) and isinstance(other, type(content)):
            measuring.seen(one, "what is in")
            return same_content(one, content, other)
    if not (has_own(one, "__eq__") or has_own(other, "__eq__")) and one is not other:
        return False
    if (asking := asker()) and asking.f_globals.get("__name__") == "typing" and asking.f_code.co_name != "__eq__":
        return one is other  # as Union does, which leaves out what it has already
    return bool(link.marks.not_proven("compares", f"{type(one).__name__} == {type(other).__name__}"))


def truth(value: Any) -> bool:
    """The truth of a proxy: of a plain value, an exception or an enum's member; else the code would decide it."""
    plain: Any = next((one for one in PLAIN if isinstance(value, one)), None)
    if plain is not None and not has_own(value, "__bool__"):
        return bool(plain.__bool__(value) if hasattr(plain, "__bool__") else plain.__len__(value))
    if (found := agreeing.truth_of_flag(value)) is not None:
        return found
    if isinstance(value, BaseException) or "_far_member" in value.__dict__ or is_match(value):
        return True
    return bool(link_of(value).marks.not_proven("compares", f"whether a {type(value).__name__} is true"))


def has_own(value: Any, name: str) -> bool:
    return any(name in base.__dict__.get("_far_special", ()) for base in type(value).__mro__)


def _data_equal(one: "FarData", other: "FarData") -> bool:
    """True if two instances of a dataclass have the same fields. One of them must be the tests' own."""
    link = link_of(one)
    if type(one) is not type(other) or one is other:
        return one is other
    if (states := states_of(one, other, reference_of)) is None:
        return bool(link.marks.not_proven("compares", f"two of {type(one).__name__}"))
    first, second = states
    if (is_measured(one) or is_measured(other)) and is_null(second if is_measured(one) else first):
        link.marks.mark("compares", f"what is in a {type(one).__name__}")
    fields = getattr(type(one), "_far_fields", ())
    if first != second and not all(field[3] for field in fields):
        return bool(link.marks.not_proven("compares", f"{type(one).__name__} has a field that does not count"))
    return bool(first == second)


def state_of(value: "FarData") -> dict[str, Any]:
    """The fields of a dataclass's instance: as the test made it, or as the subject says."""
    return told_state(value, reference_of) if value._far_values is None else value._far_values


class FarData(FarBase):
    """An instance of a dataclass. One that a test made holds its fields here, and the subject learns of none."""

    _far_kind: ClassVar[list[Any]] = ["T", "builtins", "object"]
    _far_values: dict[str, Any] | None = None

    def __getattr__(self, name: str) -> Any:
        own = self.__dict__.get("_far_values")
        if own is not None and name in own and "_far" not in self.__dict__:
            return own[name]
        return super().__getattr__(name)

    def __setattr__(self, name: str, value: Any) -> None:
        if self._far_values is not None and not name.startswith("_far"):
            reference_of(self)
            if name in self._far_values:
                self.__dict__["_far_values"] = {**self._far_values, name: value}
            else:  # a property: the code sets what it likes
                self.__dict__["_far_given"] = True
                affected(self, [value], None)
        link_of(self).earlier.gives(self)
        super().__setattr__(name, value)

    def __repr__(self) -> str:
        measuring.seen(self, "repr")
        hidden = {one[0] for one in getattr(type(self), "_far_fields", ()) if not one[5]}
        inside = ", ".join(f"{name}={value!r}" for name, value in state_of(self).items() if name not in hidden)
        return f"{type(self).__name__}({inside})"

    def __hash__(self) -> int:
        return hash(tuple(map(repr, state_of(self).values())))

    def __eq__(self, other: object) -> Any:
        return compared(self, other)

    def _far_made(self) -> list[Any]:
        link, given = link_of(self), self._far_values or {}
        link.earlier.built(self, link.earlier.know())
        if all(map(is_fixed, given.values())):
            return link.proxies.made_later(type(self), {name: link.encode(one) for name, one in given.items()})
        named = [[name, link.encode(one)] for name, one in given.items()]
        return reference_of(link.ask("call", type(self)._far_kind, [], named, given=list(given.values())))

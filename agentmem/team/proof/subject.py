"""The process that runs the code under test. It holds no test and no expected value.

Started as ``python -I -c ... main()`` with two descriptors. It waits for sessions, and serves each in a process of its
own: imports, calls, attributes. It loads without the rest of agentmem, which may be the code under test.
"""

import collections
import contextlib
import enum
import gc
import importlib
import json
import logging
import operator
import os
import sys
import threading
import types
from typing import Any

from agentmem.team.proof import arrays, bare, classes, stubs, values
from agentmem.team.proof.heard import HeardOfCode, reading, said, surroundings
from agentmem.team.proof.sharing import ANSWER, HeldByCode
from agentmem.team.proof.wire import Broken, TooLarge, Wire

_NOTHING = object()
_CAUSES = 10  # errors behind an error that are told
_COMPILED = "/dev/shm/compiled"
"""Where a session leaves the code compiled for the next ones: in memory that no other command sees."""

OPERATIONS: dict[str, Any] = {
    name: getattr(operator, name)
    for name in (
        *("getitem", "setitem", "delitem", "contains", "add", "sub", "mul", "truediv", "floordiv", "mod", "and_"),
        *("or_", "xor", "pow", "lshift", "rshift", "matmul", "neg", "pos", "abs", "invert", "index", "iadd", "isub"),
        *("imul", "itruediv", "ifloordiv", "imod", "iand", "ior", "ixor", "ipow", "ilshift", "irshift", "imatmul"),
    )
} | {
    one.__name__: one
    for one in (len, iter, next, bool, str, repr, int, float, complex, round, reversed, bytes, format, divmod, hash)
}
"""What a proxy's special methods ask for. Comparisons are not among them: the judge compares."""


class Refused(Exception):
    """A request that the subject does not serve: the reason's name, and what it was about."""


class Subject:
    """The objects of one session, and the answers to requests about them."""

    def __init__(self, wire: Wire, tops: frozenset[str]) -> None:
        self.wire, self.tops = wire, tops
        self.objects, self.numbers = dict[int, Any](), dict[int, int]()
        self.described, self.stubs = set[int](), dict[int, Any]()
        self.errors: dict[int, tuple[int, BaseException]] = {}
        self.replaced: dict[tuple[int, str], list[Any]] = {}
        self.heard, self.held = HeardOfCode(self._class), HeldByCode(self.keep, self._seen)
        self.loop: Any = None
        self.names: dict[tuple[str, str], tuple[dict[str, Any], Any]] = {}
        self.borrowed: list[tuple[Any, Any]] = []
        self.number, self.thread, self.threaded = 0, threading.get_ident(), False

    # What crosses.

    def keep(self, value: Any) -> int:
        number = self.numbers.get(id(value))
        if number is None:
            number = self.numbers[id(value)] = len(self.objects) + 1
            self.objects[number] = value  # alive as long as the session, so that its id stays its own
        return number

    def encode(self, value: Any, depth: int = 0) -> Any:
        return values.encode(value, self._other, depth)

    def _other(self, value: Any, depth: int) -> Any:
        if (number := self._lent(value)) is not None:
            return ["j", number]
        if isinstance(value, type):
            return ["c", self._class(value)]
        if type(value) is collections.defaultdict:
            return values.defaulting(value, self._other, depth)
        if isinstance(value, types.ModuleType):
            return ["M" if self._ours(value.__name__) else "X", value.__name__]
        if isinstance(value, enum.Enum) and type(value).__members__.get(str(value.name)) is value:
            return ["e", self._class(type(value)), str(value.name)]
        if id(value) in self.errors:
            return ["j", self.errors[id(value)][0]]
        if isinstance(value, BaseException):
            given = [self._argument(one, depth + 1) for one in value.args]
            cause = None if value.__cause__ is None or depth > _CAUSES else self._argument(value.__cause__, depth + 1)
            more = [[name, self._argument(one, depth + 1)] for name, one in values.attributes_of(value)]
            return ["x", self.keep(value), self._class(type(value)), given, self.encode(said(value)), cause, more]
        told = self._array(value) if arrays.is_array(value) else values.zoned(value, self._other, depth)
        if told is not None:
            return told
        return self._object(value, depth)

    def _lent(self, value: Any) -> int | None:
        """The number of an object of the tests. A function that took over its attributes is another one."""
        number = getattr(value, "__dict__", {}).get(stubs.NUMBER) if _is_stub(value) else None
        return number if type(number) is int and self.stubs.get(number) is value else None

    def _object(self, value: Any, depth: int) -> Any:
        plain = values.plain_of(value)
        if plain is not None:
            return ["p", self.encode(plain, depth + 1), self.keep(value), self._class(type(value))]
        if named := classes.told(value):
            return named
        return ["o", self.keep(value), self._class(type(value)), _flags(value)]

    def _array(self, value: Any) -> Any:
        if (told := arrays.encode_array(value)) is None:
            raise Refused("array", str(value.dtype))
        return told

    def _argument(self, value: Any, depth: int) -> Any:
        try:
            return self.encode(value, depth)
        except Broken:
            return repr(type(value))

    def _class(self, kind: type) -> Any:
        if named := classes.told(kind):
            return named
        number = self.keep(kind)
        if number in self.described:
            return ["k", number]
        self.described.add(number)
        return classes.describe(kind, number, self._class, self.encode)

    def decode(self, given: Any) -> Any:
        return values.decode(given, self._read)

    def _read(self, given: list[Any], depth: int) -> Any:
        tag = given[0]
        if tag == "o":
            found = self.objects[given[1]]
            return found.value if type(found) is _Foreign else found
        if tag == "m":
            return getattr(self.objects[given[1]], given[2])
        if tag in ("M", "X"):
            return importlib.import_module(given[1])
        if tag == "T":
            return operator.attrgetter(given[2])(importlib.import_module(given[1]))
        if tag == "e":
            return self.objects[given[1]][given[2]]
        if tag == "j":
            return self._stub(given)
        return self._rare(given, depth)

    def _rare(self, given: list[Any], depth: int) -> Any:
        if given[0] in ("array", "scalar", "fields"):
            return arrays.decode_array(given)
        if given[0] == "dd":
            return values.defaulted(given, self._read, depth)
        if given[0] == "awaited":
            return _awaited(self.decode(given[1]))
        if given[0] == "logger":
            return logging.getLogger(str(given[1]))
        if given[0] == "x":
            named = given[4] if len(given) > 4 else {}
            error = classes.safe_builtin(given[1])(*(self.decode(one) for one in given[2]), **named)
            if len(given) > 3:
                self.errors[id(error)] = given[3], error
            return error
        raise Broken("a value of an unknown kind")

    def _make(self, unmade: list[list[Any]]) -> None:
        """Make what the tests have made of the code's dataclasses, under the judge's numbers."""
        for number, kind, named in unmade:
            made = self.objects[kind](**{name: self.decode(one) for name, one in named})
            self.numbers[id(made)], self.objects[number] = number, made

    def _stub(self, given: list[Any]) -> Any:
        number, what, name, parameters, doc = given[1:6]
        if number not in self.stubs:
            if what == "function":
                self.stubs[number] = stubs.function(self.ask, number, name, doc, parameters, self.decode(given[6]))
            else:
                kinds = {"iterator": stubs.StubIterator, "file": stubs.StubFile}
                self.stubs[number] = kinds.get(what, stubs.StubObject)(self.ask, number, parameters or ())
        return self.stubs[number]

    # Requests and answers.

    def ask(self, number: int, what: str, *given: Any) -> Any:
        """Let the judge use one of its objects. In another thread of the code that cannot be."""
        if threading.get_ident() != self.thread:
            self.threaded = True
            raise RuntimeError("a test's object is used in a thread of the code's")
        every = [*given[0], *given[1].values()] if what == "call" else given
        told = [["now", one, self._argument(it, 0)] for one, it in self.held.changed()]
        told += [one for at in range(len(every)) for one in self.held.told([ANSWER, at], every[at], 2)]
        arguments = [self.encode(one) for one in every]
        if what == "call":
            count = len(given[0])
            arguments = [arguments[:count], [list(one) for one in zip(given[1], arguments[count:], strict=True)]]
        self.wire.send([self.number, "ask", number, what, arguments, self.heard.taken(), told])
        frame = self.serve(nested=True)
        if frame[1] == "exc":
            raise self.decode(frame[2])
        for one, content in frame[4]:
            self._bring(one, self.decode(content))
        answer = self.held.lent(self.decode(frame[2]), frame[3], self.objects, self.numbers)
        if what in ("get", "getitem") and (values.can_change(answer) or values.holds_one(answer)):
            self.borrowed.append((answer, self._seen(answer)))
        return answer

    def serve(self, nested: bool = False) -> list[Any]:
        """Answer requests until the session ends; ``nested`` until the answer to our own comes."""
        while True:
            frame = self.wire.receive()
            self.number, kind = frame[0], frame[1]
            if kind in ("ret", "exc") and nested:
                self._make(frame[-1])
                return frame
            if kind == "close":
                os._exit(0)
            changes = list[Any]()
            try:
                self._sync(frame[2])
                self._make(frame[3])
                answer = ["ret", self.encode(self._do(frame[4:], changes))]
            except Refused as error:
                answer = ["no", *error.args]
            except Broken as error:
                answer = ["no", "large", str(error)]
            except BaseException as error:
                answer = ["exc", self._argument(error, 0)]
                changes += [] if id(error) in self.errors else self.held.told(ANSWER, error.args, 0, held=True)
            changes += [["now", number, self._argument(one, 0)] for number, one in self.held.changed()]
            changes += self._renamed()
            if any(self._seen(one) != was for one, was in self.borrowed):
                changes.append(["inside", "an object"])
            self.borrowed = self.borrowed if nested else []
            if self.threaded:
                answer, self.threaded = ["no", "object", "it is used in a thread of the code's"], False
            try:
                self.wire.send([self.number, *answer, self.heard.taken(), changes])
            except TooLarge as error:
                self.wire.send([self.number, "no", "large", str(error)])

    def _do(self, asked: list[Any], changes: list[Any]) -> Any:
        what, target = asked[0], asked[1]
        if what == "import":
            importlib.import_module(target)
            return None
        if what in ("names", "dir", "twins", "known"):
            return classes.names(self.decode(target), what, *asked[2:])
        if what == "call":
            return self._call(self._callable(target), asked[2], asked[3], changes)
        if what == "do":
            return self._call(OPERATIONS[target], asked[2], [], changes)
        if what in ("get", "await"):
            it = self.decode(target)
            value = self._get(it, asked[2]) if what == "get" else self._await(it)
            changes += self.held.told(ANSWER, value, 1)
            return value
        if what in ("set", "del", "put", "back"):
            change, new = (self._set if what in ("set", "del") else self._put), [self.decode(one) for one in asked[3:]]
            change(self.decode(target), asked[2], *new)
            changes += [told for one in range(len(new)) for told in self.held.told(one, new[one], 1)]
            return None
        if what in ("bring", "parted"):
            return self.held.changed_late() if what == "parted" else self._bring(target, self.decode(asked[2]))
        if what in ("copy", "copies", "bare"):
            return self._content(what, self.decode(target))
        raise Refused("unknown", what)

    def _content(self, what: str, found: Any) -> Any:
        if what == "bare":
            return bare.crossing(found, self.encode, self.described)
        return values.state_of(found) if what == "copy" else [*map(values.state_of, found)]

    def _callable(self, given: list[Any]) -> Any:
        """What is to be called. Raises Refused for what is not the project's."""
        found = self.objects.get(given[1]) if given[0] == "o" else None
        if type(found) is _Foreign:
            raise Refused("foreign", getattr(found.value, "__qualname__", ""))
        return self.decode(given)

    def _call(self, called: Any, given: list[Any], named: list[Any], changes: list[Any]) -> Any:
        arguments = [self.decode(one) for one in given]
        options = {key: self.decode(one) for key, one in named}
        every = [*arguments, *options.values()]
        before = {place: self._seen(one) for place, one in enumerate(every) if values.can_change(one)}
        inside = [(place, self._seen(one)) for place, one in enumerate(every) if values.holds_one(one)]
        try:
            answer = called(*arguments, **options)
        finally:
            for place, was in before.items():
                if self._seen(every[place]) != was:
                    changes.append([place, self._argument(every[place], 0)])
            if any(self._seen(every[place]) != was for place, was in inside):
                changes.append(["inside", "a tuple"])
        places = [*before, *(place for place, _ in inside)]
        same = [["same", place] for place in places if every[place] is answer]
        for place in places:
            changes += self.held.told(place, every[place], 3 if same else 2)
        changes += same or self.held.told(ANSWER, answer, 1)
        return answer

    def _bring(self, number: int, content: Any) -> None:
        """Give a container that the code holds the content of the test's copy."""
        values.bring(self.objects[number], content)
        self.held.note(number, self.objects[number])

    def _seen(self, value: Any) -> Any:
        """How a value would cross, to tell whether it changed: nothing counts as told by it."""
        described = set(self.described)
        try:
            return self._argument(value, 0)
        finally:
            self.described = described

    def _get(self, owner: Any, name: str) -> Any:
        value = getattr(owner, name)
        if isinstance(owner, types.ModuleType) and not self._ours(owner.__name__):
            return value if not callable(value) else _Foreign(value)
        if isinstance(value, types.ModuleType):
            return value
        if isinstance(owner, types.ModuleType):
            if _is_foreign(value, self.tops) and not classes.told(value):
                return _Foreign(value)
            if vars(owner).get(name) is value and isinstance(value, type | types.FunctionType):
                self.names[owner.__name__, name] = vars(owner), value
        return value

    def _renamed(self) -> list[list[str]]:
        """The names of modules, of those that were asked for, in whose place is something else now."""
        gone = [name for name, (names, value) in self.names.items() if names.get(name[1]) is not value]
        for one in gone:
            del self.names[one]
        return [["name", *one] for one in gone]

    def _set(self, owner: Any, name: str, *given: Any) -> None:
        if given:
            setattr(owner, name, given[0])
        else:
            delattr(owner, name)

    def _put(self, owner: Any, name: str, *given: Any) -> None:
        """Put something in the place of an attribute for a while; without a value, put back what was there before."""
        before = self.replaced.setdefault((id(owner), name), [])
        if given:
            before.append(vars(owner).get(name, _NOTHING) if hasattr(owner, "__dict__") else _NOTHING)
            setattr(owner, name, given[0])
        elif before and (old := before.pop()) is not _NOTHING:
            setattr(owner, name, old)
        else:
            delattr(owner, name)

    def _await(self, awaited: Any) -> Any:
        import asyncio  # takes longer to load than all else here

        async def wait() -> Any:
            return await awaited

        if self.loop is None or self.loop.is_running():
            self.loop = asyncio.new_event_loop()  # one for the session: locks and tasks of the code belong to it
        return self.loop.run_until_complete(wait())

    def _ours(self, module: str) -> bool:
        return module.partition(".")[0] in self.tops

    # What else the judge hears of and is heard.

    def _sync(self, changed: list[Any] | None) -> None:
        if changed is None:
            return
        os.environ.update(changed[0])
        for name in changed[1]:
            os.environ.pop(name, None)
        if changed[2]:
            os.chdir(changed[2])
        if changed[3] is not None:
            sys.argv[:] = changed[3]
        if len(changed) > 4:
            sys.stdin = reading(changed[4]) if changed[4] is not None else sys.__stdin__
        self.heard.around = surroundings()


async def _awaited(value: Any) -> Any:
    """What a coroutine of the tests has given, which has run already."""
    return value


class _Foreign:
    """A function of a module that is not the project's: it can be put back where it was, and not be called."""

    def __init__(self, value: Any) -> None:
        self.value = value


def _is_stub(value: Any) -> bool:
    return isinstance(value, stubs.StubObject | stubs.StubIterator | types.FunctionType)


def _is_foreign(value: Any, tops: frozenset[str]) -> bool:
    if not isinstance(value, type | types.FunctionType | types.BuiltinFunctionType) or stubs.NUMBER in getattr(
        value, "__dict__", {}
    ):
        return False
    module = getattr(value, "__module__", None)
    return bool(module) and str(module).partition(".")[0] not in tops


def _flags(value: Any) -> str:
    if isinstance(value, types.CoroutineType):
        return "coroutine"
    if isinstance(value, types.FunctionType | types.BuiltinFunctionType | types.MethodType):
        return "function"
    return "foreign" if isinstance(value, _Foreign) else ""


def serve(wire: Wire, number: int, opened: dict[str, Any]) -> None:
    """One session: the code under test is imported and used in this process, and ends with it."""
    gc.freeze()
    gc.enable()
    subject = Subject(wire, frozenset(opened["tops"]))
    sys.path[:0] = opened["paths"]
    sys.pycache_prefix, sys.dont_write_bytecode = _COMPILED, False
    sys.argv = [""]
    os.chdir(opened["folder"])
    subject.heard.install()
    wire.send([number, "ret", json.dumps(sys.version_info[:2]), None, []])
    subject.serve()


def main() -> None:
    """Serve sessions, each in a new process, until the judge is gone."""
    wire = Wire(int(sys.argv[1]), int(sys.argv[2]))
    with contextlib.suppress(Broken):
        while True:
            number, kind, *given = wire.receive()
            if kind != "open":
                continue
            if (process := os.fork()) == 0:
                with contextlib.suppress(Broken):
                    serve(wire, number, given[0])
                os._exit(0)
            os.waitpid(process, 0)
            wire.send([0, "gone"])  # whoever still waits for an answer need not; the next session passes it over

"""The judge's end of the wire: asks the subject, reads its answers as plain values and proxies, and lends to it.

The judge runs it by itself, without the rest of agentmem. An answer counts only if it carries the number of the
question, which nobody can know before it was asked.
"""

import collections
import logging
import os
import secrets
import sys
import threading
import types
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import Any, Protocol

from agentmem.team.proof import arguments, arrays, lending, values
from agentmem.team.proof.classes import known
from agentmem.team.proof.reasons import Gone, Marks, NotProven
from agentmem.team.proof.wire import Broken, TooLarge, Wire

_TRACED = 200  # calls that are noted of one test
_BRIEF = 120  # characters of a noted value
_BITS = 4000  # of a number that is written in full: Python writes no more than 4,300 digits
_OWN = frozenset({"PYTEST_CURRENT_TEST", "PYTEST_VERSION"})
_START = 60.0  # seconds in which a new subject must be there
_WAIT = 10.0  # seconds in which one thread of a test waits for another's call
_COPIES = 40  # containers of the code that are looked at for changes
_DRAINED = 20_000  # messages of an earlier session that are passed over when one begins


class Proxies(Protocol):
    """Makes what stands for the subject's objects in the judge."""

    def of(self, given: list[Any]) -> Any: ...
    def reference(self, value: Any) -> list[Any] | None: ...


class SubjectLink:
    """One session with the subject, for one file of tests."""

    def __init__(self, wire: Wire, marks: Marks) -> None:
        self.wire, self.marks = wire, marks
        self.proxies: Proxies
        self.lent: dict[int, Any] = {}
        self.lent_in: dict[int, int] = {}
        self.lock = threading.RLock()
        self.fresh: set[int] = set()
        self.numbers: dict[int, int] = {}
        self.copies: list[tuple[list[Any], str, Any, Any]] = []
        self.dead, self.gone = "", False
        self.depth, self.ending = 0, 0
        self.environment, self.folder = dict(os.environ), os.getcwd()  # noqa: PTH109  # pathlib follows links
        self.arguments, self.stdin = list(sys.argv), sys.stdin
        self.root = self.folder
        self.heard: list[Any] = []
        self.mutated: list[Any] = []
        self.asked = 0
        self.asking: Callable[[], None] = lambda: None

    def open(self, opened: dict[str, Any]) -> None:
        """Begin a session. What is left of an earlier one is passed over. Raises Gone."""
        number, seconds = secrets.randbits(50), self.wire.seconds
        try:
            self.wire.seconds = max(_START, seconds or _START)
            self.wire.send([number, "open", opened])
            for _ in range(_DRAINED):
                frame = self.wire.receive()
                if frame[0] == number and frame[1:2] == ["ret"]:
                    return
        except Broken as error:
            self._die(str(error))
        finally:
            self.wire.seconds = seconds
        self._die("it sends what nobody asked for")

    def close(self) -> None:
        """End the session."""
        if not self.dead:
            try:
                self.wire.send([0, "close"])
            except Broken as error:
                self.dead = str(error)

    # Asking.

    def ask(self, what: str, *asked: Any, given: Sequence[Any] = ()) -> Any:
        """The subject's answer. Raises what the code raised, Gone or NotProven. ``given`` are a call's arguments."""
        if self.dead:
            self._die(self.dead)
        with self._alone():
            return self._ask(what, asked, given)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One thread of a test asks at a time. Marks the test, and ends it, where one waits for the other."""
        if not self.lock.acquire(timeout=_WAIT):
            self.marks.not_proven("unknown", "two threads call the code at once, and wait for each other")
        self.depth += 1
        try:
            yield
        finally:
            self.depth -= 1
            self.lock.release()

    def _ask(self, what: str, asked: Sequence[Any], given: Sequence[Any]) -> Any:
        self.bring_copies()
        self.asking()
        self.marks.calls += 1
        self.asked += 1
        self.marks.wide |= what == "call" and not self.marks.testing
        asserted = self.marks.asserted
        if asserted:
            self.marks.mark("swallowed")
        try:
            answer = self._answered(self._asked([what, *asked]), given)
            if self.marks.asserted > asserted:
                self.marks.mark("swallowed")
            return self._used(answer)
        except (StopIteration, StopAsyncIteration):
            ends = self.ending == self.depth or [what, *asked[:1]] == ["do", "next"]
            if not ends and not self._expects_stop():
                self.marks.mark("stops")
            raise
        except Broken as error:
            self._die(str(error))
        except BaseException as error:
            if not getattr(error, "_far_answer", False) and not isinstance(error, NotProven):
                self.dead = self.dead or "it was left in the middle of a call"  # as by a test's own alarm
            raise

    def _used(self, answer: Any) -> Any:
        """The answer. Marks a test that goes on to use an argument which the code has changed."""
        if type(answer) is str and " at 0x" in answer and self.marks.test in self.lent_in.values():
            self.marks.doubt("object", "how one is written")
        if answer is not None:
            for value in self.mutated:
                if name := arguments.still_used(value, self.root):
                    self.marks.mark("argument", name)
        return answer

    def note_wide(self, value: Any, name: str) -> None:
        """Marks a test that is given a class of which all errors, or all things, are."""
        for one in value if type(value) in (tuple, list) else (value,):
            if any(one is wide for wide in (object, Exception, BaseException)):
                self.marks.mark("compares", f"{name} is {one.__name__}, so that all is one")

    def copied(self, reference: list[Any], name: str, value: Any) -> None:
        """Note a container that is an attribute of the code, and crossed as a copy: a test may change it in place."""
        if values.can_change(value) and len(self.copies) < _COPIES and values.size_of(value) <= values.LOOKED_AT:
            self.copies.append((reference, name, value, self.encode(value)))

    def bring_copies(self, *, forget: bool = False) -> None:
        """Bring what a test changed in such containers to the code; ``forget`` them at the end of a test."""
        changed = [(one, now) for one in self.copies if (now := self.encode(one[2])) != one[3]]
        self.copies = [] if forget else [one for one in self.copies if all(one is not other for other, _ in changed)]
        for (reference, name, value, _), now in changed:
            if not self.dead:
                self.ask("bring", reference, name, now)
                self.copies += [] if forget else [(reference, name, value, now)]

    def call(self, target: list[Any], given: Sequence[Any], named: dict[str, Any], label: str = "") -> Any:
        """Call an object of the subject. A call and its outcome are noted for the list of what differs."""
        sent = [self.encode(one) for one in given]
        options = [[name, self.encode(one)] for name, one in named.items()]
        text = f"{label}({briefly(given, named)})" if label else ""
        try:
            answer = self.ask("call", target, sent, options, given=[*given, *named.values()])
        except Exception as error:
            self._note(text, f"raises {type(error).__name__}")
            raise
        changed, self.mutated = self.mutated, []
        self.note_wide(answer, label)
        self._same_again(answer, text)
        self._note(text, "; ".join([brief(answer), *(f"changes an argument to {brief(one)}" for one in changed)]))
        return answer

    def _expects_stop(self) -> bool:
        """True if a function of the tests that is running names the exception."""
        frame: types.FrameType | None = sys._getframe(1)
        while frame is not None:
            code = frame.f_code
            if code.co_name in ("__next__", "__anext__"):
                return False  # it ends a loop of the tests
            if {"StopIteration", "StopAsyncIteration"} & set(code.co_names) and code.co_filename.startswith(self.root):
                return True
            frame = frame.f_back
        return False

    def _same_again(self, answer: Any, text: str) -> None:
        """Mark a test that is given one object by two different calls: it would compare it with itself."""
        has = getattr(answer, "__dict__", {})
        plain = isinstance(answer, (*values.PLAIN, BaseException))
        if not text or "_far" not in has or plain or "_far_given" in has or "_far_member" in has:
            return
        if (first := self.marks.came.setdefault(id(answer), text)) != text:
            self.marks.mark("compares", f"{first} and {text} give the same object")

    def _asked(self, request: list[Any]) -> list[Any]:
        number, left = secrets.randbits(50), self.wire.seconds
        try:
            self.wire.send([number, "do", self._sync(), *request])
        except TooLarge as error:
            self.marks.not_proven("large", str(error))
        while True:
            frame, left = self._received(left)
            if frame == [0, "gone"]:
                self.gone = True
                raise Broken("it has ended its process")
            if frame[0] != number or len(frame) < 3:
                raise Broken("it sent what nobody asked for")
            if frame[1] != "ask":
                return frame
            self._heard(frame[5] if len(frame) > 5 else None)
            number = secrets.randbits(50)
            self.wire.send([number, *self._lend(frame)])

    def _received(self, left: float | None) -> tuple[list[Any], float | None]:
        """A message, in the time that is left of one call for the code, and what is left of it then."""
        if left is None:
            return self.wire.receive(), None
        deadline = monotonic() + left
        return self.wire.receive(deadline), deadline - monotonic()

    def _answered(self, frame: list[Any], given: Sequence[Any]) -> Any:
        kind = frame[1]
        if kind == "no":
            return self.marks.not_proven(str(frame[2]), str(frame[3]) if len(frame) > 3 else "")
        if len(frame) != 5 or type(frame[4]) is not list or kind not in ("ret", "exc"):
            raise Broken("an answer is not of the agreed form")
        self._heard(frame[3])
        value = self.decode(frame[2])
        self.heard.append(value)
        self.mutated = []
        for change in frame[4]:
            value = self._changed(change, given, value)
        if kind == "ret":
            return value
        if not isinstance(value, BaseException):
            raise Broken("an exception was promised")
        error = RuntimeError(type(value).__name__) if isinstance(value, KeyboardInterrupt | GeneratorExit) else value
        error.__dict__["_far_answer"] = True  # told apart from what interrupts the judge
        raise error

    def _changed(self, change: Any, given: Sequence[Any], value: Any) -> Any:
        """Bring what a call changed in its arguments into them. An argument that is returned stays itself."""
        if type(change) is not list or len(change) != 2 or type(change[-1] if change[0] == "same" else 0) is not int:
            raise Broken("a change is not of the agreed form")
        place = change[1] if change[0] == "same" else change[0]
        if type(place) is not int or not 0 <= place < len(given) or not values.can_change(given[place]):
            raise Broken("a change is not of the agreed form")
        if change[0] == "same":
            return given[place]
        values.bring(given[place], self.decode(change[1]))
        self.mutated.append(given[place])
        return value

    def _sync(self) -> list[Any] | None:
        """What changed in the environment, the current folder and the program's arguments since the last request."""
        if sys.stdin is not self.stdin:
            self.marks.doubt("unknown", "what a test puts in the place of sys.stdin")
        now = {name: value for name, value in os.environ.items() if name not in _OWN}
        folder, before = os.getcwd(), self.environment  # noqa: PTH109
        arguments = list(map(str, sys.argv))
        if now == before and folder == self.folder and arguments == self.arguments:
            return None
        put = {name: value for name, value in now.items() if before.get(name) != value}
        gone = [name for name in before if name not in now and name not in _OWN]
        moved = folder if folder != self.folder else None
        self.marks.moved = True
        said = arguments if arguments != self.arguments else None
        self.environment, self.folder, self.arguments = now, folder, arguments
        return [put, gone, moved, said]

    def _heard(self, heard: Any) -> None:
        """What the code printed, warned of and logged comes out here too."""
        if heard is None:
            return
        if type(heard) is not list or len(heard) != 3 or not all(type(one) is str for one in heard[:2]):
            raise Broken("an output is not of the agreed form")
        self.heard += heard[:2]
        for stream, text in zip((sys.stdout, sys.stderr), heard[:2], strict=True):
            stream.write(text)
        for kind, *noted in heard[2] if type(heard[2]) is list else ():
            if kind == "log" and [type(one) for one in noted] == [str, int, str]:
                logger = logging.getLogger(noted[0])
                if logger.isEnabledFor(noted[1]):
                    logger.handle(logger.makeRecord(noted[0], noted[1], "", 0, noted[2], (), None))
            elif kind == "warning" and len(noted) == 2:
                category = self.proxies.of(["c", noted[0]])
                if isinstance(category, type) and issubclass(category, Warning):
                    warnings.warn(str(noted[1]), category, stacklevel=4)

    def _note(self, text: str, answer: str) -> None:
        if text and len(self.marks.trace) < _TRACED:
            where = " <in other surroundings>" if self.marks.moved else ""
            self.marks.trace.append((text[:_BRIEF] + where, answer))

    def _die(self, said: str) -> Any:
        self.dead = said
        self.marks.broken = self.marks.broken or said
        raise Gone(f"the process with the code does not answer: {said}")

    # What crosses.

    def encode(self, value: Any, depth: int = 0) -> Any:
        """A value for the subject. Marks the test, and ends it, if it cannot cross."""
        try:
            return values.encode(value, self._other, depth)
        except Broken as error:
            return self.marks.not_proven("large", str(error))

    def _other(self, value: Any, depth: int) -> Any:
        if (reference := self.proxies.reference(value)) is not None:
            return reference
        if arrays.is_array(value):
            return arrays.encode_array(value) or self.marks.not_proven("array", str(value.dtype))
        if (named := known(value)) is not None:
            return named
        if type(value) is collections.defaultdict:
            return values.defaulting(value, self._other, depth)
        if isinstance(value, BaseException) and _builtin(type(value)) is type(value):
            return ["x", type(value).__name__, [self.encode(one, depth + 1) for one in value.args]]
        if type(value) in (logging.Logger, logging.RootLogger):  # the code's of that name, whose records come back
            return ["logger", "" if value.parent is None else value.name]
        return self._lent(value, depth)

    def _lent(self, value: Any, depth: int) -> list[Any]:
        """An object of the tests, by its number. Marks the test, and ends it, if it cannot be lent."""
        number = self.numbers.get(id(value))
        what = lending.lendable(value, self.marks)
        if number is None:
            number = self.numbers[id(value)] = len(self.lent) + 1
            self.lent[number] = value
        self.lent_in[number] = self.marks.test
        name, shown = str(getattr(value, "__name__", "function")), None
        if what == "function":
            shown = lending.parameters(value)
        elif what == "object":
            self.marks.doubt("object", type(value).__name__)
        doc = value.__doc__ if what == "function" and type(getattr(value, "__doc__", None)) is str else None
        said = (getattr(value, "__annotations__", None) or {}) if what == "function" else {}
        notes = {key: one for key, one in said.items() if known(one) or one is None or type(one) is str}
        if len(notes) < len(said) or (what == "function" and getattr(value, "__dict__", None)):
            self.marks.doubt("object", f"the annotations or attributes of {name}")
        return ["j", number, what, name, shown, doc, self.encode(notes if what == "function" else {}, depth + 1)]

    def decode(self, given: Any) -> Any:
        return values.decode(given, self._read)

    def _read(self, given: list[Any], depth: int) -> Any:
        if given[0] == "j":
            self._still_lent(given[1])
            return self.lent[given[1]]
        if given[0] in ("array", "scalar", "fields"):
            return arrays.decode_array(given)
        if given[0] == "dd":
            return values.defaulted(given, self._read, depth)
        return self.proxies.of(given)

    def _still_lent(self, number: Any) -> None:
        """Marks a test in which the code comes back to what another test has lent to it."""
        if self.lent_in.get(number, 0) not in (0, self.marks.test):
            self.marks.mark("kept", type(self.lent[number]).__name__)

    def _lend(self, frame: list[Any]) -> list[Any]:
        """The answer to what the code asks of an object that was lent to it."""
        _, _, number, what, asked = frame[:5]
        if type(number) is not int or number not in self.lent or type(asked) is not list or type(what) is not str:
            raise Broken("it asks for what was not lent")
        self._still_lent(number)
        try:
            given = [self.decode(one) for one in (asked[0] if what == "call" else asked)]
            named = {str(key): self.decode(one) for key, one in asked[1]} if what == "call" else {}
            self.heard += [given, named]
            known = len(self.lent)
            used = lending.use(self.lent[number], what, given, named, self.marks, fresh=number in self.fresh)
            answer = ["ret", self.encode(used)]
            self.fresh.update(range(known + 1, len(self.lent) + 1) if what == "call" else ())
            return answer
        except (Broken, Gone):
            raise
        except BaseException as error:
            if isinstance(error, AssertionError) or not isinstance(error, Exception):
                self.marks.asserted += 1
            number = len(self.lent) + 1
            self.lent[number] = error  # if the code raises it on, it is this one again
            named = {"name": str(error.name)} if isinstance(error, ImportError) and error.name else {}
            told = not isinstance(error, AssertionError)  # its text says what was expected
            given = [one for one in error.args if type(one) is str and told]
            return ["exc", ["x", _builtin(type(error)).__name__, given, number, named]]


def _builtin(kind: type) -> type:
    """The nearest builtin exception of a class."""
    found = next(base for base in kind.__mro__ if base.__module__ == "builtins")
    return found if issubclass(found, Exception) else RuntimeError


def brief(value: Any) -> str:
    """A short text of a value, for people. It asks nothing of the subject."""
    if isinstance(value, list | tuple | set | frozenset):
        return _cut(f"{type(value).__name__}({', '.join(brief(one) for one in list(value)[:8])})")
    if isinstance(value, dict):
        return _cut("{" + ", ".join(f"{brief(k)}: {brief(v)}" for k, v in list(value.items())[:8]) + "}")
    if type(value) is int and value.bit_length() > _BITS:
        return f"a number of {value.bit_length()} bits"
    if value is None or type(value) in (bool, int, float, complex, str, bytes):
        return _cut(repr(value))
    if isinstance(value, types.FunctionType):
        return f"<{value.__name__}>"
    return f"a {type(value).__name__}"


def _cut(text: str) -> str:
    return text if len(text) <= _BRIEF else text[: _BRIEF - 3] + "..."


def briefly(given: Sequence[Any], named: dict[str, Any]) -> str:
    """A call's arguments as a short text."""
    return ", ".join([*map(brief, given), *(f"{name}={brief(one)}" for name, one in named.items())])

"""The judge's end of the wire: asks the subject, reads its answers as plain values and proxies, and lends to it.

The judge runs it by itself, without the rest of agentmem. An answer counts only if it carries the number of the
question, which nobody can know before it was asked.
"""

import collections
import logging
import secrets
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import Any, Protocol

from agentmem.team.proof import arguments, arrays, changing, lending, values
from agentmem.team.proof.around import Around
from agentmem.team.proof.brief import brief, briefly, cut
from agentmem.team.proof.classes import known
from agentmem.team.proof.earlier import Earlier
from agentmem.team.proof.ends import EndsOfErrors
from agentmem.team.proof.measuring import is_object
from agentmem.team.proof.reasons import Gone, Marks, NotProven
from agentmem.team.proof.sharing import HeldByTest, argument, contents
from agentmem.team.proof.touched import Touched
from agentmem.team.proof.twins import Twins
from agentmem.team.proof.wire import Broken, TellsPlace, TooLarge, Wire

_CHANGES = ("same", "keep", "was", "now", "name", "inside")  # what is told with an answer, besides arguments
_TRACED = 200  # calls that are noted of one test
_WAIT, _BRIEFLY = 10.0, 0.2  # seconds in which a thread of a test waits for another's call, and where one has waited
_DRAINED = 20_000  # messages of an earlier session that are passed over when one begins


class Proxies(Protocol):
    """Makes what stands for the subject's objects in the judge."""

    belonging: str  # tells of a class that says itself what belongs to it

    def of(self, given: list[Any]) -> Any: ...
    def reference(self, value: Any) -> list[Any] | None: ...
    def made_later(self, kind: Any, named: dict[str, Any]) -> list[Any]: ...


class SubjectLink:
    """One session with the subject, for one file of tests."""

    def __init__(self, wire: Wire, marks: Marks, root: str = "") -> None:
        self.wire, self.marks = wire, marks
        self.proxies: Proxies
        self.lent, self.lent_in, self.numbers = dict[int, Any](), dict[int, int](), dict[int, int]()
        self.lock = threading.RLock()
        self.fresh: dict[int, bool] = {}
        self.shared = HeldByTest(self.encode, lambda: not marks.test)
        self.dead, self.gone = "", False
        self.depth, self.ending, self.asked, self.waited = 0, 0, 0, -1
        self.around = Around(marks)
        self.root, self.inside = (root := root or self.around.folder), f"{root}/"
        self.ends, self.changes = EndsOfErrors(root), changing.Changes(root)
        self.touched, self.earlier = Touched(root, marks, self.changes), Earlier(self)
        self.names: dict[tuple[str, str], Any] = {}
        self.tops: frozenset[str] = frozenset()
        self.heard, self.mutated, self.later, self.unheld = list[Any](), list[Any](), list[Any](), set[str]()
        self.twins, self.unmade = Twins(self), list[list[Any]]()
        self.alarm: Warning | None = None
        self.asking: Callable[[], None] = lambda: None
        self.answered: Callable[[], None] = lambda: None

    def open(self, opened: dict[str, Any]) -> None:
        """Begin a session. What is left of an earlier one is passed over. Raises Gone."""
        number, seconds = secrets.randbits(50), self.wire.seconds
        try:  # a new subject has a minute
            self.wire.seconds = max(60.0, seconds or 60.0)
            self.wire.send([number, "open", opened])
            for _ in range(_DRAINED):
                frame = self.wire.receive()
                if frame[0] == number and frame[1:2] == ["ret"]:
                    self.wire.rename(self.root, self.around.folder, opened["folder"])
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

    def known_name(self, reference: list[Any], name: str) -> Any:
        """The class or function of a module of the code that was asked for before, if the name is still its own."""
        found = self.names.get((reference[1], name)) if reference[0] == "M" and not self.dead else None
        if found is not None:
            self.marks.calls += 1
            if self.marks.asserted:
                self.marks.mark("swallowed")
        return found

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One thread of a test asks at a time. Marks the test, and ends it, where one waits for the other."""
        if not self.lock.acquire(timeout=_BRIEFLY if self.waited == self.marks.test else _WAIT):
            self.waited = self.marks.test
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
        self.note_call(wide=what == "call")
        self.touched.given(given)
        asserted = self.marks.asserted
        try:
            answer = self._answered(self._asked([what, *asked], given), given)
            if self.marks.asserted > asserted:
                self.marks.mark("swallowed")
            return self._used(answer)
        except (StopIteration, StopAsyncIteration):
            self.touched.note(self.mutated)
            ends = self.ending == self.depth or [what, *asked[:1]] == ["do", "next"]
            if not ends and not arguments.expects_stop(self.root):
                self.marks.mark("stops")
            raise
        except Broken as error:
            self._die(str(error))
        except BaseException as error:
            if self.marks.asserted > asserted and not isinstance(error, AssertionError | NotProven):
                self.marks.mark("swallowed")
            self.touched.note(self.mutated)
            self.ends.asked(error, [what, *asked[:1]])
            if not getattr(error, "_far_answer", False) and not isinstance(error, NotProven):
                self.dead = self.dead or "it was left in the middle of a call"  # as by a test's own alarm
            raise

    def note_call(self, *, wide: bool = True) -> None:
        """The code is used by the test, or by all tests while their file is loaded."""
        self.marks.calls += 1
        self.asked += 1
        self.marks.wide |= wide and not self.marks.testing
        if self.marks.asserted:
            self.marks.mark("swallowed")

    def _used(self, answer: Any) -> Any:
        """The answer. Marks a test that goes on to use an argument which the code has changed."""
        if type(answer) is str and " at 0x" in answer and self.marks.test in self.lent_in.values():
            self.marks.doubt("object", "the code has written the repr of one into a text")
        self.touched.note(self.mutated)
        return answer

    def note_wide(self, value: Any, name: str) -> None:
        """Marks a test that is given a class of which all errors, or all things, are."""
        for one in value if type(value) in (tuple, list) else (value,):
            if any(one is wide for wide in (object, Exception, BaseException, AssertionError)):
                self.marks.mark("compares", f"{name} is {one.__name__}, so that all is one")

    def bring_copies(self, *, forget: bool = False) -> None:
        """Bring what a test changed in containers that the code holds too; ``forget`` them at the end of a test."""
        for number, value in self._brought():
            if not self.dead:
                self.ask("bring", number, value)
        if forget:
            self.shared.forget()

    def _brought(self) -> list[tuple[int, Any]]:
        """What a test changed. Marks it where it has another copy of that, or of a part of it."""
        found = self.shared.changed()
        if apart := [value for number, value in found if number in self.shared.inside | self.shared.twice]:
            self.marks.mark("shared", brief(apart[0]))
        return [(number, self.encode(value)) for number, value in found]

    def settle(self) -> None:
        """A test has ended: it is not proven if a container was changed and not brought, or has parts elsewhere."""
        if (found := self.shared.parted(self._parted)) is not None:
            self.marks.mark("shared", brief(found))

    def _parted(self) -> Any:
        calls = self.marks.calls
        try:
            return None if self.dead else self.ask("parted", None)
        finally:
            self.marks.calls = calls  # it is no call of the test's

    def call(self, target: list[Any], given: Sequence[Any], named: dict[str, Any], label: str = "") -> Any:
        """Call an object of the subject. A call and its outcome are noted for the list of what differs."""
        self.marks.turns += 1
        sent = [self.encode(one) for one in given]
        options = [[name, self.encode(one)] for name, one in named.items()]
        text = f"{label}({briefly(given, named)})" if label and len(self.marks.trace) < _TRACED else ""
        try:
            answer = self.ask("call", target, sent, options, given=[*given, *named.values()])
        except Exception as error:
            warned = " <by the filters of warnings>" if isinstance(error, Warning) else ""  # which are the test's
            self._note(text and text + warned, f"raises {type(error).__name__}")
            raise
        changed, self.mutated = self.mutated, []
        self.note_wide(answer, label)
        if label and is_object(answer):
            self._same_again(answer, text or f"{label}({briefly(given, named)})")
        self._note(text, "; ".join([brief(answer), *(f"changes an argument to {brief(one)}" for one in changed)]))
        return answer

    def _same_again(self, answer: Any, text: str) -> None:
        """Mark a test that is given one object by two different calls: it would compare it with itself."""
        if (first := self.marks.came.setdefault(id(answer), text)) != text:
            self.marks.mark("compares", f"{first} and {text} give the same object")

    def _asked(self, request: list[Any], given: Sequence[Any]) -> list[Any]:
        number, left = secrets.randbits(50), self.wire.seconds
        try:
            self._sent([number, "do", self.around.changed(), self.unmade, *request])
        except (TooLarge, TellsPlace) as error:
            self.marks.not_proven("large" if isinstance(error, TooLarge) else "named", str(error))
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
            number, lent = secrets.randbits(50), self._lend(frame, given)
            self._sent([number, *lent, self.unmade])

    def _sent(self, frame: list[Any]) -> None:
        """Send a frame, and with it what the subject has still to make."""
        self.wire.send(frame)
        self.unmade = []

    def _received(self, left: float | None) -> tuple[list[Any], float | None]:
        """A message, in the time that is left of one call for the code, and what is left of it then."""
        if left is None:
            return self.wire.receive(), None
        deadline = monotonic() + left
        return self.wire.receive(deadline), deadline - monotonic()

    def _answered(self, frame: list[Any], given: Sequence[Any]) -> Any:
        self.answered()
        kind = frame[1]
        if kind == "no":
            self.names.clear()  # what has changed is not told with it
            return self.marks.not_proven(*map(str, frame[2:4]))
        if len(frame) != 5 or type(frame[4]) is not list or kind not in ("ret", "exc"):
            raise Broken("an answer is not of the agreed form")
        self._heard(frame[3])
        value = self.decode(frame[2])
        self.heard.append(value)
        self.mutated, self.later = self.later, []
        for change in frame[4]:
            value = self._changed(change, given, value)
        if self.alarm is not None:
            kind, value, self.alarm = "exc", self.alarm, None
        if kind == "ret":
            return value
        if not isinstance(value, BaseException):
            raise Broken("an exception was promised")
        if isinstance(value, OSError) and any(f"{one}/" in str(value) for one in (self.root, self.around.started)):
            self.marks.doubt("missing", "a file of the tests, which the code does not have")
        stops = isinstance(value, KeyboardInterrupt | GeneratorExit)
        if stops or isinstance(value, PermissionError):  # it has not the rights of the test
            self.marks.doubt("special", f"a {type(value).__name__} of the code's")
        raise self.ends.raised(RuntimeError(type(value).__name__) if stops else value)

    def _changed(self, change: Any, given: Sequence[Any], value: Any) -> Any:
        """What is told with an answer of its arguments and of containers that both hold. Returns the answer."""
        if type(change) is not list or len(change) < 2 or change[0] not in _CHANGES:
            self._changed_argument(change, given)
        elif change[0] == "inside":
            self.marks.mark("changes", f"a container in {change[-1]} of the test's")
        elif change[0] == "name":
            self.names.pop((str(change[1]), str(change[-1])), None)
        elif change[0] == "now":
            self._changed_later(change)
        elif change[0] == "same":
            return argument(given, change[1])
        else:
            return self.shared.taken(change, given, value, self.mutated)
        return value

    def _changed_argument(self, change: Any, given: Sequence[Any]) -> None:
        if type(change) is not list or len(change) != 2:
            raise Broken("a change is not of the agreed form")
        values.bring(argument(given, change[0]), self.decode(change[1]))
        self.mutated.append(given[change[0]])

    def _changed_later(self, change: list[Any]) -> None:
        """The code has changed a container of an earlier call, which it holds."""
        content = self.decode(change[-1])
        if (known := self.shared.known(change[1], content)) is not None:
            if change[1] in self.shared.twice:
                self.marks.mark("shared", brief(known))
            values.bring(known, content)
            self.shared.note(change[1], known)
            (self.mutated if change[1] in self.shared.own else self.earlier.answers).append(known)

    def _heard(self, heard: Any) -> None:
        """What the code printed, warned of and logged comes out here too."""
        if heard is None:
            return
        if type(heard) is not list or len(heard) != 3 or not all(type(one) is str for one in heard[:2]):
            raise Broken("an output is not of the agreed form")
        self.heard += filter(None, heard[:2])
        for stream, text in zip((sys.stdout, sys.stderr), heard[:2], strict=True):
            stream.write(text)
        for kind, *noted in heard[2] if type(heard[2]) is list else ():
            if kind == "log" and [type(one) for one in noted] == [str, int, str, bool]:
                self.around.log(*noted)
            elif kind == "changed" and noted in (["folder"], ["environment"]):
                self.marks.changed.add(noted[0])
            elif kind == "warning" and len(noted) == 2:
                category = self.twins.came(self.proxies.of(["c", noted[0]]))
                if isinstance(category, type) and issubclass(category, Warning):
                    self._warn(str(noted[1]), category)

    def _warn(self, text: str, category: type[Warning]) -> None:
        """Warn here too. Where the test makes an error of it, that is raised when the code has answered."""
        try:
            warnings.warn(text, category, stacklevel=5)
        except Warning as error:
            self.alarm = self.alarm or error

    def _note(self, text: str, answer: str) -> None:
        if text and len(self.marks.trace) < _TRACED:
            where = " <in other surroundings>" if self.marks.moved else ""
            self.marks.trace.append((cut(text) + where, answer))

    def _die(self, said: str) -> Any:
        self.dead, self.marks.broken = said, self.marks.broken or said
        raise Gone(f"the process with the code does not answer: {said}")

    # What crosses.

    def encode(self, value: Any, depth: int = 0) -> Any:
        """A value for the subject. Marks the test, and ends it, if it cannot cross."""
        try:
            return values.encode(value, self._other, depth)
        except Broken as error:
            return self.marks.not_proven("large", str(error))

    def _other(self, value: Any, depth: int) -> Any:
        if (named := self.proxies.reference(value) or known(value)) is not None:
            return named
        if arrays.is_array(value):
            return arrays.encode_array(value) or self.marks.not_proven("array", str(value.dtype))
        if self.proxies.reference(getattr(value, "tzinfo", None)) is not None:
            return values.zoned(value, self._other, depth) or self._lent(value, depth)
        if type(value) is collections.defaultdict:
            return values.defaulting(value, self._other, depth)
        if isinstance(value, BaseException) and lending.builtin(type(value)) is type(value):
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
        name = str(getattr(value, "__name__", "function"))
        shown: Any = lending.parameters(value) if what == "function" else lending.comparing(value)
        if what in ("object", "file"):
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
        return self.twins.came(self.proxies.of(given))

    def _still_lent(self, number: Any) -> None:
        """Marks a test in which the code comes back to what another test has lent to it."""
        if self.lent_in.get(number, 0) not in (0, self.marks.test):
            self.marks.mark("kept", type(self.lent[number]).__name__)

    def _lend(self, frame: list[Any], running: Sequence[Any]) -> list[Any]:
        """The answer to what the code asks of an object that was lent to it."""
        _, _, number, what, asked = frame[:5]
        if type(number) is not int or number not in self.lent or type(asked) is not list or type(what) is not str:
            raise Broken("it asks for what was not lent")
        self._still_lent(number)
        self.names.clear()  # the code is in the middle of a call
        try:
            given = [self.decode(one) for one in (asked[0] if what == "call" else asked)]
            named = {str(key): self.decode(one) for key, one in asked[1]} if what == "call" else {}
            every, self.mutated = [*given, *named.values()], []
            for change in frame[6] if len(frame) > 6 else ():
                self._changed(change, (), every)
            self.later += self.mutated
            given, named = every[: len(given)], dict(zip(named, every[len(given) :], strict=True))
            self.heard += filter(None, (given, named))
            known, before = len(self.lent), contents(given, self.encode, running)
            self.touched.using(self.lent[number], what)
            used = lending.use(self.lent[number], what, given, named, self.marks, fresh=self.fresh.get(number))
            held = self.shared.lent(lending.given(used))
            answer = ["ret", lending.written(used, self.encode), held, self._brought()]
            if before != contents(given, self.encode, running):
                self.marks.mark("shared", "an argument of its function")
            self.fresh |= lending.made(self.lent, used, known) if what == "call" else {}
            return answer
        except (Broken, Gone):
            raise
        except BaseException as error:
            if isinstance(error, AssertionError) or not isinstance(error, (Exception, *lending.ENDING)):
                self.marks.asserted += 1
            number = len(self.lent) + 1
            self.lent[number] = error  # if the code raises it on, it is this one again
            named = {"name": str(error.name)} if isinstance(error, ImportError) and error.name else {}
            told = not isinstance(error, AssertionError)  # its text says what was expected
            given = [one for one in error.args if type(one) in (str, int) and told]
            return ["exc", ["x", lending.builtin(type(error)).__name__, given, number, named]]

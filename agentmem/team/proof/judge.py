"""The process that runs the tests and compares. It holds no code under test, and runs none.

Started as ``python -I -c ... main()`` with its orders on stdin, as JSON. It runs pytest by itself on each file of tests
in a process of its own, with one session of the subject. What each test did goes out as one line of JSON; the process
of a file tells its parent, which passes on what is about that file only.
"""

import ctypes
import errno
import gc
import importlib
import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import partial
from json import loads
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from agentmem.team.proof import changing
from agentmem.team.proof.asserted import Asserted
from agentmem.team.proof.chosen import names_unheld
from agentmem.team.proof.empties import had_none
from agentmem.team.proof.ends import is_checked
from agentmem.team.proof.late import Patience
from agentmem.team.proof.link import SubjectLink
from agentmem.team.proof.modules import FarFinder
from agentmem.team.proof.native import hold_memory
from agentmem.team.proof.own_files import OwnFiles
from agentmem.team.proof.patching import OutsidePatches
from agentmem.team.proof.plugins import Nameless, Rest, Reversed
from agentmem.team.proof.proxies import ProxyMaker
from agentmem.team.proof.reading import asks_code, compared_names, compares_built, plugin_of_code, puts_code, used_names
from agentmem.team.proof.reasons import Gone, Marks, NotProven
from agentmem.team.proof.runners import Runners
from agentmem.team.proof.special import shown_name
from agentmem.team.proof.surroundings import asked, doubted, of_fixtures, ran, uses
from agentmem.team.proof.things import Things, overwrites, walks
from agentmem.team.proof.tolerances import Tolerances
from agentmem.team.proof.watching import SHARED, JudgeWatch
from agentmem.team.proof.wire import Broken, Wire, dumps

_TOLD = 300  # characters of an error that are told
_LINE = 1 << 20  # bytes of one line that a file's process tells
_CLOSED = 5.0  # seconds in which a subject must take the end of a session
_TOO_LATE = ("no answer within", "it was left in the middle")  # ends of a link after which a new session goes on
_SELDOM = 20_000  # objects that are made between two looks for garbage: to read the tests makes many
_LAST = 2  # lives of which none is for the other tests of the same file
LATE, UNOPENED = 77, 78
"""The exit codes of a file's process whose subject must be replaced, after its tests and before any of them."""


class Watching:
    """A plugin of pytest that tells what each test did, and why it is not proven."""

    def __init__(self, link: SubjectLink, tell: Any, watch: JudgeWatch, patience: Patience, last: bool) -> None:
        self.link, self.marks, self.tell, self.watch, self.patience = link, link.marks, tell, watch, patience
        self.last, self.kept, self.fixtures = last, list[Any](), tuple[str, ...]()
        self.runners = Runners()
        self.things = Things(link)
        self.plugins: frozenset[int] | None = None
        self.told = False  # where the tests lie, for all tests of the file

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        self.fixtures = getattr(item, "fixturenames", ())
        with suppress(Gone, NotProven, Exception):
            self.link.bring_copies(forget=True)
        self.marks.reset()
        self.link.around.stdin = sys.stdin
        self.link.wire.told = self.told
        self.link.heard[:] = self.kept
        self.patience.begin()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> None:
        self.patience.begin()

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: "pytest.FixtureDef[Any]", request: pytest.FixtureRequest) -> Any:
        """What a fixture that serves many tests does counts for all of them."""
        before, heard, test = self.marks.calls, len(self.link.heard), self.marks.test
        self.marks.test = test if request.scope == "function" else 0
        try:
            made = yield
            if request.scope != "function":
                self._end("passed")
            return made
        finally:
            self.marks.test = test
            if request.scope != "function":
                self.marks.lasting |= self.marks.why
                self.marks.wide |= self.marks.calls > before
                self.told |= self.link.wire.told
                self.kept += self.link.heard[heard:]

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[Any]) -> Any:
        self.patience.end()
        report: pytest.TestReport = yield
        if report.when == "call" or report.outcome != "passed":
            self.watch.settle()
            self._end(report.outcome)
            if self.runners.are_changed() or (self.plugins and _plugins(item.config) - self.plugins):
                self.marks.mark("steered")
            self._ask_of_process(item)
            self._tell(item.nodeid, report.outcome, call.excinfo, hasattr(report, "wasxfail"))
            if self.link.dead.startswith(_TOO_LATE) and not self.last:
                item.session.shouldstop = "the others are run with another process of the code's"
        elif report.when == "teardown" and self._end(report.outcome):
            self._tell(item.nodeid, report.outcome, None, False)
        return report

    def _end(self, outcome: str) -> str:
        """What a test has not seen of an exception of the code's, if it passed: it is marked."""
        taken = self.link.ends.settle()
        if taken and outcome == "passed":
            self.marks.mark("ended", taken)
        return taken

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self._end("passed")
        self.plugins, self.told = _plugins(session.config), self.link.wire.told

    def pytest_make_parametrize_id(self, config: pytest.Config, val: object, argname: str) -> str | None:
        """Names of proxies in the ids of tests, as pytest writes them for what the proxies stand for."""
        return shown_name(val)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            said = str(report.longrepr)
            missing = "ModuleNotFoundError" in said or "ImportError" in said
            self.tell(
                {
                    "id": report.nodeid,
                    "outcome": "error",
                    "why": self.marks.why or ({"missing": said[-_TOLD:]} if missing else {}),
                    "broken": self.marks.broken,
                    "said": said.strip().splitlines()[-1][:_TOLD] if said.strip() else "",
                    "calls": self.marks.calls,
                    "trace": [],
                }
            )

    def _ask_of_process(self, item: pytest.Item) -> None:
        """Mark a test that asks of its own process what the code did, which ran in another."""
        name = str(getattr(item, "originalname", None) or item.name)
        for file, one in ((str(item.path), name), *of_fixtures(item, self.link.inside)):
            if self.marks.calls and (found := asked(file, one, frozenset(self.marks.changed))):
                self.marks.mark("process", found)
            if self.marks.calls and (found := ran(file, one)):
                self.marks.mark("runs", found)
            if found := doubted(file, one):
                self.marks.doubt("process", found)
        changing.settle(item, self.link.changes, self.marks)
        self._ask_of_text(str(item.path), name, vars(getattr(item, "module", None) or object))
        used = used_names(str(item.path), name)
        if uses(str(item.path), name, "numpy") and had_none(self.link.heard, used):
            self.marks.mark("array", "NumPy takes an empty list for one, which equals every number")
        self.link.twins.settle(item)
        if found := self.link.proxies.belonging:
            self.marks.doubt("compares", found)
        if found := self.watch.own.written(str(item.path)):
            self.marks.doubt("relative", found)

    def _ask_of_text(self, file: str, name: str, own: Mapping[str, Any]) -> None:
        """Mark a test of which the text says that the code decides, or may write over what it names."""
        if self.marks.calls or self.marks.wide:
            used, link = used_names(file, name), self.link
            if found := asks_code(file, name, link.tops):
                self.marks.mark("checked", found)
            if found := self.things.alike(compared_names(file, name)):
                self.marks.mark("compares", found)
            if found := puts_code(file, name, link.tops):
                self.marks.mark("put", found)
            if found := compares_built(file, name, link.tops, names_unheld(link, own)):
                self.marks.mark("compares", f"{found}() does not hold what it was given")
            if found := walks(self.watch.texts(str), used):
                self.marks.mark("runs", found)
            if found := overwrites(self.watch.texts(str), used, own):
                self.marks.mark("starred", found)

    def _tell(self, test: str, outcome: str, error: pytest.ExceptionInfo[BaseException] | None, expected: bool) -> None:
        said = "" if error is None else f"{error.typename}: {error.value}"
        if "capfd" in self.fixtures or "capfdbinary" in self.fixtures:
            self.marks.doubt("process", "what the code, or a program of its, writes to descriptors 1 and 2")
        if self.watch.own.here in said:
            self.marks.doubt("relative", "its current folder")
        if error is not None and isinstance(error.value, OSError) and error.value.errno == errno.ELOOP:
            self.marks.doubt("linked", Path(str(error.value.filename)).name)
        why = dict(self.marks.settled(outcome) or (self.marks.doubts if outcome == "failed" else {}))
        if error is not None and "fixture '" in str(error.value) and "not found" in str(error.value):
            why.setdefault("fixture", str(error.value).strip().splitlines()[0][:_TOLD])
        if outcome == "failed" and error is not None and is_checked(error.value, self.link.root):
            why.setdefault("checked", error.typename)
        if outcome == "skipped" or expected:
            why.setdefault("skipped", "")
        if outcome == "passed" and not self.marks.calls:
            why.setdefault("untouched", "")
        self.tell(
            {
                "id": test,
                "outcome": outcome,
                "why": {reason: self._shown(about) for reason, about in why.items()},
                "broken": self.marks.broken,
                "said": " ".join(self._shown(said).split())[:_TOLD],
                "calls": self.marks.calls,
                "trace": self.marks.trace,
            }
        )

    def _shown(self, text: str) -> str:
        """A text without the places of this run, which tell a reader nothing."""
        for folder in (self.watch.own.root, self.watch.own.here):
            text = text.replace(f"{folder}/", "").replace(folder, ".")
        return text


def _plugins(config: pytest.Config) -> frozenset[int]:
    return frozenset(map(id, config.pluginmanager.get_plugins()))


class FileRun:
    """One file of tests in this process, with a session of the subject's, up to its exit code."""

    def __init__(self, orders: dict[str, Any], file: str, wire: Wire, tell: Any, told: frozenset[str]) -> None:
        self.orders, self.file, self.tell, self.told = orders, file, tell, told
        self.link = SubjectLink(wire, Marks(), orders["root"])
        self.own = OwnFiles(orders["root"], orders["here"])
        self.link.proxies = ProxyMaker(self.link)
        self.tolerances = Tolerances(self.link)

    def begin(self) -> bool:
        """Open the session, and put proxies in the place of the project. False if no subject is there."""
        orders, link = self.orders, self.link
        gc.enable()
        gc.set_threshold(_SELDOM)
        try:
            link.open(orders["opened"])
        except Gone:
            return False
        link.tops = frozenset(orders["opened"]["tops"])
        own = frozenset(orders["own"])
        sys.meta_path.insert(0, FarFinder(link, frozenset(orders["tops"]), own, orders["roots"]))
        sys.meta_path.append(FarFinder(link, frozenset(orders["late"]), own, orders["roots"]))
        self.watch = JudgeWatch(link, self.own, frozenset(orders["programs"]))
        link.asking, link.answered = self.watch.asking, self.watch.answered
        self.watch.install()
        link.ends.install()
        self.tolerances.install()
        OutsidePatches(link, self.watch.texts).install()
        for package in orders["around"]:  # else pytest would take the empty file that marks one for the package itself
            with suppress(Gone, NotProven, Exception):
                importlib.import_module(package)
        sys.path[:0] = orders["paths"]
        return True

    def plugins(self) -> list[Any]:
        """What hears of the tests, for pytest."""
        patience = Patience(self.link.marks, self.orders["until"], self.orders["seconds"])
        every = [Asserted(self.link), Nameless(), self.tolerances, Rest(self.told | {*self.orders["without"]})]
        reverse = [Reversed()] if self.orders["reverse"] else []
        return [Watching(self.link, self.tell, self.watch, patience, self.orders["last"]), *every, *reverse]

    def end(self) -> int:
        """End the session. Returns the exit code for this process."""
        self.link.close()
        return LATE if self.link.dead and not self.link.gone else 0


class StartedOnce:
    """A plugin of pytest that starts it once for all files. Each goes on from there in a process of its own.

    ``runs`` is true once that is so. ``mine`` is the file's run in its process, and None where they are forked.
    """

    def __init__(self, turns: "Turns") -> None:
        self.turns, self.runs = turns, False
        self.mine: FileRun | None = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self, session: pytest.Session) -> bool | None:
        """Fork here: pytest has its settings and plugins, and no file of the tests has been read."""
        config = session.config
        capture = config.pluginmanager.getplugin("capturemanager")
        temporary: Any = getattr(config, "_tmp_path_factory", None)
        known = ("stop_global_capturing", "start_global_capturing", "suspend_global_capture")
        if not (all(hasattr(capture, one) for one in known) and hasattr(temporary, "_given_basetemp")):
            return True  # another pytest
        self.runs = True
        gc.collect()
        gc.freeze()
        if (mine := self.turns.forked()) is None:
            return True
        self.mine = mine
        for one in known:  # so that no two processes share the files for what is printed
            getattr(capture, one)()
        temporary._given_basetemp = Path(_temporary())
        config.args[:] = [f"{mine.orders['root']}/{mine.file}"]
        if not mine.begin():
            os._exit(UNOPENED)
        for plugin in mine.plugins():
            config.pluginmanager.register(plugin)
        return None


def _temporary() -> str:
    """The folder for the temporary folders of this process's tests."""
    return f"{SHARED}t{os.getpid()}"


def _options(orders: dict[str, Any]) -> list[str]:
    root = orders["root"]
    options = ["-q", "-c", "/dev/null", f"--rootdir={root}", f"--confcutdir={root}", "--import-mode=importlib"]
    return [*options, "-p", "no:cacheprovider", "--tb=line", f"--basetemp={_temporary()}", *orders["options"]]


_EARLY = re.compile(
    rb"pytest_plugins|pytest_addoption|pytest_sessionstart|pytest_load_initial|pytest_cmdline|pytest_collection\b"
    rb"|import\s*[*]"
)
"""What in a conftest must be known before pytest has started: then it is started for each file anew."""


def _is_late(root: str) -> bool:
    """True if no conftest of the tests has anything that pytest must know at its start."""
    return not any(_EARLY.search(one.read_bytes()) for one in Path(root).rglob("conftest.py") if one.is_file())


def main() -> None:
    """Run the files of the orders, one after the other."""
    orders = loads(sys.stdin.buffer.read())
    os.environ |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "HOME": "/nonexistent"}
    os.environ.pop("PYTEST_ADDOPTS", None)
    os.chdir(orders["here"])
    _let_look(False)
    turns = Turns({**orders, "until": monotonic() + orders["limit"]})
    empty, once = Path(f"{SHARED}warm"), StartedOnce(turns)
    empty.mkdir(exist_ok=True)
    try:
        if _is_late(orders["root"]):
            pytest.main([*_options(orders), str(empty)], [once])
    finally:
        if once.mine is not None:
            _leave(once.mine)
    if not once.runs and (mine := turns.forked()) is not None:
        try:
            if not mine.begin():
                os._exit(UNOPENED)
            pytest.main([*_options(orders), f"{orders['root']}/{mine.file}"], mine.plugins())
        finally:
            _leave(mine)
    _told(orders["out"], {"end": len(turns.files)})


def _leave(mine: FileRun) -> None:
    """End the process of a file, whatever its tests have raised."""
    code = 3
    try:
        code = mine.end()
        sys.stdout.flush()
    finally:
        os._exit(code)


class Turns:
    """The files that are still to be run, and the lives of subjects that are left for them."""

    def __init__(self, orders: dict[str, Any]) -> None:
        self.orders, self.files, self.lives = orders, list(orders["files"]), list(orders["lives"])
        self.told = frozenset[str]()

    def forked(self) -> FileRun | None:
        """Run each file in a process of its own: there this gives the run, and None here when all have ended."""
        out = self.orders["out"]
        while self.files and self.lives:
            file, (incoming, outgoing), last = self.files[0], self.lives[0], len(self.lives) <= _LAST
            tops, own = frozenset(self.orders["tops"]), frozenset(self.orders["own"])
            if plugin := plugin_of_code(self.orders["root"], file, tops, own):
                _told(out, {"id": file, "outcome": "error", "why": {"fixture": f"{plugin} is a plugin of the code's"}})
                self.files.pop(0)
                continue
            reading, writing = os.pipe()
            if (process := os.fork()) == 0:
                _let_look(True)
                hold_memory()
                os.close(out)
                os.close(reading)
                wire = Wire(incoming, outgoing, self.orders["seconds"], ahead=True)
                return FileRun({**self.orders, "last": last}, file, wire, partial(_told, writing), self.told)
            os.close(writing)
            told = frozenset(_pass_on(reading, out, file))
            os.close(reading)
            self._ended(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), frozenset() if last else told)
        for file in self.files:
            _told(out, {"id": file, "outcome": "error", "why": {"unjudged": "too many tests before it were too late"}})
        return None

    def _ended(self, code: int, told: frozenset[str]) -> None:
        if code in (LATE, UNOPENED):
            self.lives.pop(0)
            _told(self.orders["out"], {"life": len(self.orders["lives"]) - len(self.lives)})
        else:  # the process may have left its session open, as when a test ended it; else it does nothing
            with suppress(Broken):
                incoming, outgoing = self.lives[0]
                Wire(incoming, outgoing, _CLOSED).send([0, "close"])
        if code == LATE and told:  # its other tests are run with the next life
            self.told |= told
        elif code != UNOPENED:
            self.told = frozenset()
            self.files.pop(0)


def _let_look(may: bool) -> None:
    """Say whether processes of the same user may look into this one: see PR_SET_DUMPABLE in prctl(2)."""
    ctypes.CDLL(None).prctl(4, int(may), 0, 0, 0)


def _pass_on(reading: int, out: int, file: str) -> Iterator[str]:
    """Pass on what a file's process tells, line by line, as far as it is about that file. Yields its tests' ids."""
    left = b""
    while data := os.read(reading, 1 << 16):
        *lines, left = (left + data).split(b"\n")
        for line in lines:
            with suppress(ValueError, RecursionError):
                said = loads(line)
                if type(said) is dict and str(said.get("id", "")).partition("::")[0] == file:
                    _told(out, said)
                    yield str(said.get("id"))
        left = left if len(left) <= _LINE else b""


def _told(out: int, what: dict[str, Any]) -> None:
    data = dumps(what).encode("ascii") + b"\n"
    while data:
        data = data[os.write(out, data) :]

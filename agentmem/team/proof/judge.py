"""The process that runs the tests and compares. It holds no code under test, and runs none.

Started as ``python -I -c ... main()`` with its orders on stdin, as JSON. It runs pytest by itself on each file of tests
in a process of its own, with one session of the subject. What each test did goes out as one line of JSON; the process
of a file tells its parent, which passes on what is about that file only.
"""

import ctypes
import gc
import importlib
import os
import sys
from contextlib import suppress
from functools import partial
from json import dumps, loads
from pathlib import Path
from typing import Any

import pytest

from agentmem.team.proof.far import FarBase, FarMeta
from agentmem.team.proof.link import SubjectLink
from agentmem.team.proof.modules import FarFinder
from agentmem.team.proof.patching import OutsidePatches
from agentmem.team.proof.proxies import ProxyMaker
from agentmem.team.proof.reasons import Gone, Marks, NotProven
from agentmem.team.proof.surroundings import asked, doubted
from agentmem.team.proof.watching import JudgeWatch
from agentmem.team.proof.wire import Broken, Wire

_TOLD = 300  # characters of an error that are told
_LINE = 1 << 20  # bytes of one line that a file's process tells
_CLOSED = 5.0  # seconds in which a subject must take the end of a session
LATE, UNOPENED = 77, 78
"""The exit codes of a file's process whose subject must be replaced, after its tests and before any of them."""


class Watching:
    """A plugin of pytest that tells what each test did, and why it is not proven."""

    def __init__(self, link: SubjectLink, tell: Any, watch: JudgeWatch) -> None:
        self.link, self.marks, self.tell, self.watch = link, link.marks, tell, watch
        self.kept: list[Any] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        with suppress(Gone, NotProven, Exception):
            self.link.bring_copies(forget=True)
        self.marks.reset()
        self.link.stdin = sys.stdin
        self.link.heard[:] = self.kept

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: "pytest.FixtureDef[Any]", request: pytest.FixtureRequest) -> Any:
        """What a fixture that serves many tests does counts for all of them."""
        before, heard, test = self.marks.calls, len(self.link.heard), self.marks.test
        self.marks.test = test if request.scope == "function" else 0
        try:
            return (yield)
        finally:
            self.marks.test = test
            if request.scope != "function":
                self.marks.lasting |= self.marks.why
                self.marks.wide |= self.marks.calls > before
                self.kept += self.link.heard[heard:]

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[Any]) -> Any:
        report: pytest.TestReport = yield
        if report.when == "call" or report.outcome != "passed":
            self.watch.settle()
            self._ask_of_process(item)
            self._tell(item.nodeid, report.outcome, call.excinfo, hasattr(report, "wasxfail"))
        return report

    def pytest_make_parametrize_id(self, config: pytest.Config, val: object, argname: str) -> str | None:
        """Names of proxies in the ids of tests, as pytest writes them for what the proxies stand for."""
        if isinstance(val, FarMeta):
            return val.__name__
        if isinstance(val, FarBase) and "_far_member" in val.__dict__:
            return f"{type(val).__name__}.{val.name}"
        label = val.__dict__.get("_far_label") if isinstance(val, FarBase) else None
        return label.rpartition(".")[2] if isinstance(label, str) else None

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
        if self.marks.calls and (found := asked(str(item.path), name, frozenset(self.marks.changed))):
            self.marks.mark("process", found)
        if found := doubted(str(item.path), name):
            self.marks.doubt("process", found)

    def _tell(self, test: str, outcome: str, error: pytest.ExceptionInfo[BaseException] | None, expected: bool) -> None:
        why = dict(self.marks.why or (self.marks.doubts if outcome == "failed" else {}))
        if error is not None and "fixture '" in str(error.value) and "not found" in str(error.value):
            why.setdefault("fixture", str(error.value).strip().splitlines()[0][:_TOLD])
        if outcome == "skipped" or expected:
            why.setdefault("skipped", "")
        if outcome == "passed" and not self.marks.calls:
            why.setdefault("untouched", "")
        said = "" if error is None else f"{error.typename}: {error.value}"
        self.tell(
            {
                "id": test,
                "outcome": outcome,
                "why": why,
                "broken": self.marks.broken,
                "said": " ".join(said.split())[:_TOLD],
                "calls": self.marks.calls,
                "trace": self.marks.trace,
            }
        )


def run_file(orders: dict[str, Any], file: str, wire: Wire, tell: Any) -> int:
    """Run one file of tests with one session. Returns the exit code for this process."""
    marks = Marks()
    link = SubjectLink(wire, marks)
    link.proxies = ProxyMaker(link)
    try:
        link.open(orders["opened"])
    except Gone:
        return UNOPENED
    link.tops = frozenset(orders["opened"]["tops"])
    sys.meta_path.insert(0, FarFinder(link, frozenset(orders["tops"]), frozenset(orders["own"])))
    sys.meta_path.append(FarFinder(link, frozenset(orders["late"]), frozenset(orders["own"])))
    root = orders["root"]
    watch = JudgeWatch(link, root, frozenset(orders["programs"]))
    link.asking = watch.asking
    watch.install()
    OutsidePatches(link).install()
    for package in orders["around"]:  # else pytest would take the empty file that marks one for the package itself
        with suppress(Gone, NotProven, Exception):
            importlib.import_module(package)
    watching = Watching(link, tell, watch)
    sys.path[:0] = orders["paths"]
    arguments = ["-q", "-c", "/dev/null", f"--rootdir={root}", f"--confcutdir={root}", "--import-mode=importlib"]
    arguments += ["-p", "no:cacheprovider", f"--basetemp=/tmp/t{os.getpid()}", *orders["options"]]
    try:
        plugins = [watching, Nameless(), *([Reversed()] if orders["reverse"] else [])]
        pytest.main([*arguments, f"{root}/{file}"], plugins)
    except (NotProven, Gone):
        pass
    link.close()
    return LATE if link.dead and not link.gone else 0


class Nameless:
    """A plugin of pytest that gives folders no names of tests: these have parameters, such as what is expected."""

    @pytest.fixture
    def tmp_path(self, tmp_path_factory: pytest.TempPathFactory) -> Path:
        """A new folder for one test."""
        return tmp_path_factory.mktemp("test", numbered=True)


class Reversed:
    """A plugin of pytest that turns the order of tests round."""

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items.reverse()


def _warm() -> None:
    """Let pytest load what it loads at its first run, so that the processes of the files need not."""
    empty, kept = Path("/tmp/warm"), sys.stdout
    empty.mkdir(exist_ok=True)
    with Path(os.devnull).open("w", encoding="utf-8") as sys.stdout:
        pytest.main(["-q", "-c", "/dev/null", f"--rootdir={empty}", "-p", "no:cacheprovider", str(empty)])
    sys.stdout = kept
    gc.freeze()


def _end_session(wire: Wire) -> None:
    """End the session that a file's process has left open, as when a test ended the process; else it does nothing."""
    with suppress(Broken):
        wire.send([0, "close"])


def main() -> None:
    """Run the files of the orders, one after the other."""
    orders = loads(sys.stdin.buffer.read())
    out = orders["out"]
    os.environ |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "HOME": "/nonexistent"}
    os.environ.pop("PYTEST_ADDOPTS", None)
    os.chdir(orders["root"])
    _let_look(False)
    lives = list(orders["lives"])
    files = list(orders["files"])
    _warm()
    while files and lives:
        code = _in_child(orders, files[0], Wire(lives[0][0], lives[0][1], orders["seconds"]))
        if code in (LATE, UNOPENED):
            lives.pop(0)
            _told(out, {"life": len(orders["lives"]) - len(lives)})
        else:
            _end_session(Wire(lives[0][0], lives[0][1], _CLOSED))
        if code != UNOPENED:
            files.pop(0)
    _told(out, {"end": len(files)})


def _in_child(orders: dict[str, Any], file: str, wire: Wire) -> int:
    """Run one file of tests in a process of its own. It can tell of its own tests only. Returns its exit code."""
    out = orders["out"]
    reading, writing = os.pipe()
    if (process := os.fork()) == 0:
        code = 3
        try:
            _let_look(True)
            os.close(out)
            os.close(reading)
            code = run_file(orders, file, wire, partial(_told, writing))
        finally:
            sys.stdout.flush()
            os._exit(code)
    os.close(writing)
    _pass_on(reading, out, file)
    os.close(reading)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def _let_look(may: bool) -> None:
    """Say whether processes of the same user may look into this one: see PR_SET_DUMPABLE in prctl(2)."""
    ctypes.CDLL(None).prctl(4, int(may), 0, 0, 0)


def _pass_on(reading: int, out: int, file: str) -> None:
    """Pass on what the process of a file tells, line by line, as far as it is about that file."""
    left = b""
    while data := os.read(reading, 1 << 16):
        *lines, left = (left + data).split(b"\n")
        for line in lines:
            with suppress(ValueError, RecursionError):
                said = loads(line)
                if type(said) is dict and str(said.get("id", "")).partition("::")[0] == file:
                    _told(out, said)
        left = left if len(left) <= _LINE else b""


def _told(out: int, what: dict[str, Any]) -> None:
    data = dumps(what).encode("ascii") + b"\n"
    while data:
        data = data[os.write(out, data) :]

"""The process that runs the tests and compares. It holds no code under test, and runs none.

Started as ``python -I -c ... main()`` with its orders on stdin, as JSON. It runs pytest by itself on each file of tests
in a process of its own, with one session of the subject. What each test did goes out as one line of JSON.
"""

import gc
import json
import os
import re
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from agentmem.team.proof.far import FarBase, FarMeta
from agentmem.team.proof.link import SubjectLink
from agentmem.team.proof.proxies import FarFinder, ProxyMaker
from agentmem.team.proof.reasons import Gone, Marks, NotProven
from agentmem.team.proof.wire import Broken, Wire

_TOLD = 300  # characters of an error that are told
_CLOSED = 5.0  # seconds in which a subject must take the end of a session
_STARTS = {"subprocess.Popen": 0, "os.exec": 0, "os.posix_spawn": 0, "os.spawn": 1, "os.system": 0}
"""Python's audit events for the start of a program, and where in their arguments its name and words begin."""
LATE, UNOPENED = 77, 78
"""The exit codes of a file's process whose subject must be replaced, after its tests and before any of them."""


class Watching:
    """A plugin of pytest that tells what each test did, and why it is not proven."""

    def __init__(self, link: SubjectLink, marks: Marks, tell: Any, programs: frozenset[str] = frozenset()) -> None:
        self.link, self.marks, self.tell, self.programs = link, marks, tell, programs
        self.asked_at: dict[str, int] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        with suppress(Gone, NotProven, Exception):
            self.link.bring_copies(forget=True)
        self.marks.reset()
        self.asked_at.clear()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[Any]) -> Any:
        report: pytest.TestReport = yield
        if report.when == "call" or report.outcome != "passed":
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

    def _tell(self, test: str, outcome: str, error: pytest.ExceptionInfo[BaseException] | None, expected: bool) -> None:
        why = dict(self.marks.why)
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

    # Files that both processes can write: what a test wrote there, the code may have changed since.

    def opened(self, event: str, arguments: tuple[Any, ...]) -> None:
        """An audit hook: marks a test that reads a file again which it wrote before it called the code."""
        if event != "open" or type(arguments[0]) not in (str, bytes):
            return
        path, mode, flags = os.fsdecode(arguments[0]), arguments[1], arguments[2]
        if not os.path.abspath(path).startswith("/tmp/"):  # noqa: PTH100  # pathlib opens files itself
            return
        writes = bool(flags & (os.O_WRONLY | os.O_RDWR)) if isinstance(flags, int) else "r" not in str(mode or "r")
        if writes:
            self.asked_at[os.path.abspath(path)] = self.marks.calls  # noqa: PTH100
        elif self.asked_at.get(os.path.abspath(path), self.marks.calls) < self.marks.calls:  # noqa: PTH100
            self.marks.mark("rewritten", path)

    def started(self, event: str, arguments: tuple[Any, ...]) -> None:
        """An audit hook: marks a test that starts Python or a program of the project, which is not there."""
        if event in _STARTS and self.marks.testing:
            words = set(re.findall(r"[\w-]+", str(arguments[_STARTS[event] :])))
            if words & self.programs or any(word.startswith("python") for word in words):
                self.marks.mark("program", str(arguments[_STARTS[event]])[:_TOLD])


def run_file(orders: dict[str, Any], file: str, wire: Wire, tell: Any) -> int:
    """Run one file of tests with one session. Returns the exit code for this process."""
    marks = Marks()
    link = SubjectLink(wire, marks)
    link.proxies = ProxyMaker(link)
    try:
        link.open(orders["opened"])
    except Gone:
        return UNOPENED
    sys.meta_path.insert(0, FarFinder(link, frozenset(orders["tops"]), frozenset(orders["own"])))
    watching = Watching(link, marks, tell, frozenset(orders["programs"]))
    sys.addaudithook(watching.opened)
    sys.addaudithook(watching.started)
    root = orders["root"]
    sys.path[:0] = orders["paths"]
    arguments = ["-q", "-c", "/dev/null", f"--rootdir={root}", f"--confcutdir={root}", "--import-mode=importlib"]
    arguments += ["-p", "no:cacheprovider", f"--basetemp=/tmp/t{os.getpid()}", *orders["options"]]
    try:
        plugins = [watching, *([Reversed()] if orders["reverse"] else [])]
        code = int(pytest.main([*arguments, f"{root}/{file}"], plugins))
    except (NotProven, Gone):
        code = 3
    tell({"file": file, "code": code})
    link.close()
    return LATE if link.dead and not link.gone else 0


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
    orders = json.loads(sys.stdin.buffer.read())
    out = orders["out"]

    def tell(what: dict[str, Any]) -> None:
        data = json.dumps(what).encode("ascii") + b"\n"
        while data:
            data = data[os.write(out, data) :]

    os.environ |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "HOME": "/nonexistent"}
    os.environ.pop("PYTEST_ADDOPTS", None)
    os.chdir(orders["root"])
    lives = list(orders["lives"])
    files = list(orders["files"])
    _warm()
    while files and lives:
        if (process := os.fork()) == 0:
            code = 3
            try:
                code = run_file(orders, files[0], Wire(lives[0][0], lives[0][1], orders["seconds"]), tell)
            finally:
                sys.stdout.flush()
                os._exit(code)
        code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        if code in (LATE, UNOPENED):
            lives.pop(0)
            tell({"life": len(orders["lives"]) - len(lives)})
        else:
            _end_session(Wire(lives[0][0], lives[0][1], _CLOSED))
        if code != UNOPENED:
            files.pop(0)
    tell({"end": len(files)})

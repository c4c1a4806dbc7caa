"""Runs a command in a sandbox and reads the result: exit code, output, and under pytest the outcome of each test.

Outcomes come from pytest's own JUnit report. It is requested by PYTEST_ADDOPTS, so `make test` and `cd api && pytest`
work as well as `pytest`.
"""

import os
import re
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from agentmem.errors import SandboxError
from agentmem.sandbox import Sandbox
from agentmem.sandbox.ties import Ties
from agentmem.team.rights import LITTER

Outcome = Literal["passed", "failed", "error", "skipped"]
"""The result of a test. An expected failure counts as skipped, as in pytest's report."""

RESULTS = ".agentmem-results.xml"
"""The file for pytest's report: at the top of the fork, wherever pytest is started."""

_TOP = "AGENTMEM_TOP"
_ADDOPTS = f"--junitxml=${_TOP}/{RESULTS} -o junit_family=xunit1 -o junit_logging=no -p no:cacheprovider"
_WORST: tuple[tuple[str, Outcome], ...] = (("error", "error"), ("failure", "failed"), ("skipped", "skipped"))
_REPORT = 16 << 20  # bytes of a report that are read
_MESSAGE = 300  # characters that are kept of a failure's message
_VARYING = (
    (re.compile(r"\x1b\[[0-9;]*m"), ""),
    (re.compile(r"0x[0-9a-fA-F]+"), "0x0"),
    (re.compile(r"(?:/[\w.+@-]+)+/"), "/"),
    (re.compile(r"\b\d+(?:\.\d+)?(?:e-?\d+)? ?(?:ns|us|µs|ms|s|sec|seconds)\b"), "some time"),
    (re.compile(r"\d+:\d\d(?::\d\d)?(?:\.\d+)?"), "some time"),
    (re.compile(r"(?:={4,}|-{4,}|_{4,})"), "--"),
    (re.compile(r"\s+"), " "),
)
"""Text that differs between equal runs: colours, addresses, folders, times, the width of rules."""


@dataclass(frozen=True, slots=True)
class TestCaseOutcome:
    """One test of a run: its id as pytest writes it, its outcome, and the line that says why it did not pass."""

    id: str
    outcome: Outcome
    message: str = ""


@dataclass(frozen=True, slots=True)
class ObservedTests:
    """The end of a command, as in sandbox.Ran, and the tests it ran. ``cases`` is None without a pytest report.

    ``unreadable`` says why a report that is there cannot be read.
    """

    command: str
    exit_code: int
    output: str
    cases: tuple[TestCaseOutcome, ...] | None = None
    unreadable: str = ""
    timed_out: bool = False
    killed: str | None = None
    restored: tuple[str, ...] = ()

    @property
    def outcomes(self) -> Mapping[str, Outcome]:
        return {case.id: case.outcome for case in self.cases or ()}

    @property
    def failing(self) -> tuple[TestCaseOutcome, ...]:
        """The tests that failed or had an error."""
        return tuple(case for case in self.cases or () if case.outcome in ("failed", "error"))

    @property
    def succeeded(self) -> bool:
        return self.exit_code == 0 and not self.timed_out

    @property
    def ended(self) -> str:
        """How it ended, in words, as "it ...": with its exit code, or by a limit."""
        if self.timed_out or self.killed == "time":
            return "ran out of time"
        return f"was ended: it took too much {self.killed}" if self.killed else f"ends with {self.exit_code}"

    @property
    def faults(self) -> tuple[str, ...]:
        """The faults as ids with error lines; for a command without tests, its exit code and last lines."""
        if self.failing:
            return tuple(f"{case.id}: {case.message}" for case in self.failing)
        last = " / ".join(steady(line) for line in self.output.splitlines()[-3:] if line.strip())
        how = f"ended with {self.exit_code}" if not (self.timed_out or self.killed) else self.ended
        return () if self.succeeded else (f"`{self.command}` {how}: {last}",)


def environment(shell: Mapping[str, str]) -> dict[str, str]:
    """The part of the user's environment that a team's commands see: PATH and language. No keys, and no home.

    This Python's own programs come last in PATH, so that a `pytest` installed beside agentmem is found.
    """
    path = os.pathsep.join(filter(None, (shell.get("PATH", os.defpath), str(Path(sys.executable).parent))))
    return {name: shell[name] for name in ("LANG", "LC_ALL", "LC_CTYPE", "TZ") if name in shell} | {"PATH": path}


REPORTING = {"PYTEST_ADDOPTS": _ADDOPTS, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0", "COLUMNS": "200"}
"""Variables that make pytest report, leave no bytecode, and print in the same order and width every time."""


def observe(
    fork: Sandbox,
    command: str,
    env: Mapping[str, str],
    *,
    timeout: float | None = None,
    writable: Sequence[str] | None = None,
    ended: Callable[[], bool] = lambda: False,
) -> ObservedTests:
    """Run a command in a fork, and read and remove the report that pytest wrote there. ``ended`` ends it early."""
    allowed = None if writable is None else (*writable, *LITTER)
    _results(fork)
    placed = f'export {_TOP}="$PWD"\n{command}'  # pytest expands variables in the path of its report
    ran = fork.run(placed, timeout=timeout, env={**env, **REPORTING}, writable=allowed, ties=Ties(ended=ended))
    xml, unreadable = _results(fork)
    cases = parse(xml)
    if xml and cases is None and not unreadable:
        unreadable = "it is no report of pytest"
    return ObservedTests(command, ran.exit_code, ran.output, cases, unreadable, ran.timed_out, ran.killed, ran.restored)


def _results(fork: Sandbox) -> tuple[bytes, str]:
    """The report in a fork, empty if there is none, and why it cannot be read. It is removed from the fork."""
    if not fork.exists(RESULTS):
        return b"", ""
    try:
        found, unreadable = fork.read(RESULTS, most=_REPORT), ""
    except (SandboxError, OSError) as error:
        found, unreadable = b"", str(error)
    try:
        fork.delete(RESULTS)
    except SandboxError:
        fork.run(["rm", "-rf", RESULTS])
    return found, unreadable


def steady(line: str) -> str:
    """A line without the text that differs between equal runs."""
    for pattern, instead in _VARYING:
        line = pattern.sub(instead, line)
    return line.strip()


def parse(xml: bytes) -> tuple[TestCaseOutcome, ...] | None:
    """The tests in a JUnit report of pytest (family xunit1); None if it is not such a report."""
    try:
        root = ET.fromstring(xml)
    except (ET.ParseError, ValueError, LookupError):
        return None
    worst = dict[str, TestCaseOutcome]()
    for element in root.iter("testcase"):
        case = _case(element)
        if case.id not in worst or _RANK[case.outcome] > _RANK[worst[case.id].outcome]:
            worst[case.id] = case
    return tuple(worst.values()) or None


_RANK: Mapping[Outcome, int] = {"passed": 0, "skipped": 1, "failed": 2, "error": 3}


def _case(element: ET.Element) -> TestCaseOutcome:
    for tag, outcome in _WORST:
        found = element.find(tag)
        if found is not None:
            return TestCaseOutcome(_id(element), outcome, steady(_said(found))[:_MESSAGE])
    return TestCaseOutcome(_id(element), "passed")


def _said(found: ET.Element) -> str:
    """The first line of a failure's message; for a module that was not collected, the last line of its traceback."""
    message, text = found.get("message") or "", found.text or ""
    lines = (message if message != "collection failure" else text).strip().splitlines() or [""]
    return lines[0] if message != "collection failure" else lines[-1]


def _id(element: ET.Element) -> str:
    """The id that pytest prints: the file, the classes, the name."""
    file, classname, name = (element.get(key) or "" for key in ("file", "classname", "name"))
    if not classname:  # a module that was not collected
        return file or f"{name.replace('.', '/')}.py"
    classes = classname.removeprefix(file.removesuffix(".py").replace("/", ".")).strip(".")
    return "::".join(filter(None, (file, *classes.split("."), name)))

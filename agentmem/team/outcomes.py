"""Runs a command in a sandbox and says how it ended: its exit code and output, and for pytest the outcome of each test.

Outcomes come from pytest's own JUnit report, which is asked for through PYTEST_ADDOPTS, so that `make test` and
`cd api && pytest` are understood as well as `pytest`.
"""

import os
import re
import sys
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from agentmem.sandbox import Sandbox
from agentmem.team.rights import LITTER

Outcome = Literal["passed", "failed", "error", "skipped"]
"""How a test ended. An expected failure counts as skipped, as in pytest's report."""

RESULTS = ".agentmem-results.xml"
"""Where pytest writes its report: at the top of the fork, wherever it is started."""

_TOP = "AGENTMEM_TOP"
_ADDOPTS = f"--junitxml=${_TOP}/{RESULTS} -o junit_family=xunit1 -o junit_logging=no -p no:cacheprovider"
_WORST: tuple[tuple[str, Outcome], ...] = (("error", "error"), ("failure", "failed"), ("skipped", "skipped"))
_MESSAGE = 300  # characters kept of why a test did not pass
_VARYING = (
    (re.compile(r"\x1b\[[0-9;]*m"), ""),
    (re.compile(r"0x[0-9a-fA-F]+"), "0x0"),
    (re.compile(r"(?:/[\w.+@-]+)+/"), "/"),
    (re.compile(r"\b\d+(?:\.\d+)?(?:e-?\d+)? ?(?:ns|us|µs|ms|s|sec|seconds)\b"), "some time"),
    (re.compile(r"\d+:\d\d(?::\d\d)?(?:\.\d+)?"), "some time"),
    (re.compile(r"(?:={4,}|-{4,}|_{4,})"), "--"),
    (re.compile(r"\s+"), " "),
)
"""What differs from run to run though nothing else does: colours, addresses, folders, times, the width of rules."""


@dataclass(frozen=True, slots=True)
class TestCaseOutcome:
    """One test of a run: its id as pytest writes it, its outcome, and the line that says why it did not pass."""

    id: str
    outcome: Outcome
    message: str = ""


@dataclass(frozen=True, slots=True)
class ObservedTests:
    """How a command ended: as sandbox.Ran, and the tests it ran. ``cases`` is None where no pytest reported."""

    command: str
    exit_code: int
    output: str
    cases: tuple[TestCaseOutcome, ...] | None = None
    timed_out: bool = False
    killed: str | None = None
    restored: tuple[str, ...] = ()

    @property
    def outcomes(self) -> Mapping[str, Outcome]:
        return {case.id: case.outcome for case in self.cases or ()}

    @property
    def failing(self) -> tuple[TestCaseOutcome, ...]:
        """The tests that failed or broke."""
        return tuple(case for case in self.cases or () if case.outcome in ("failed", "error"))

    @property
    def succeeded(self) -> bool:
        return self.exit_code == 0 and not self.timed_out

    @property
    def faults(self) -> tuple[str, ...]:
        """What is wrong, as ids with error lines; of a command without tests, its exit code and last lines."""
        if self.failing:
            return tuple(f"{case.id}: {case.message}" for case in self.failing)
        last = " / ".join(steady(line) for line in self.output.splitlines()[-3:] if line.strip())
        return () if self.succeeded else (f"`{self.command}` ended with {self.exit_code}: {last}",)


def environment(shell: Mapping[str, str]) -> dict[str, str]:
    """What a command of a team sees of the user's shell: where programs are, and the language. No key, and no home.

    This Python's own programs come last, so that a `pytest` that is installed beside agentmem is found.
    """
    path = os.pathsep.join(filter(None, (shell.get("PATH", os.defpath), str(Path(sys.executable).parent))))
    return {name: shell[name] for name in ("LANG", "LC_ALL", "LC_CTYPE", "TZ") if name in shell} | {"PATH": path}


REPORTING = {"PYTEST_ADDOPTS": _ADDOPTS, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0", "COLUMNS": "200"}
"""Added to it: a pytest that reports, no bytecode left behind, the same order and width every time."""


def observe(
    fork: Sandbox,
    command: str,
    env: Mapping[str, str],
    *,
    timeout: float | None = None,
    writable: Sequence[str] | None = None,
) -> ObservedTests:
    """Runs a command in a fork, and takes the report that pytest wrote with it out of the fork."""
    allowed = None if writable is None else (*writable, *LITTER)
    _results(fork)
    placed = f'export {_TOP}="$PWD"\n{command}'  # pytest expands variables in the path of its report
    ran = fork.run(placed, timeout=timeout, env={**env, **REPORTING}, writable=allowed)
    cases = parse(_results(fork))
    return ObservedTests(command, ran.exit_code, ran.output, cases, ran.timed_out, ran.killed, ran.restored)


def _results(fork: Sandbox) -> bytes:
    """The report that lies in a fork, empty where there is none; it lies there no longer."""
    if not fork.exists(RESULTS):
        return b""
    found = fork.read(RESULTS)
    fork.delete(RESULTS)
    return found


def steady(line: str) -> str:
    """A line without what differs from run to run."""
    for pattern, instead in _VARYING:
        line = pattern.sub(instead, line)
    return line.strip()


def parse(xml: bytes) -> tuple[TestCaseOutcome, ...] | None:
    """The tests in a JUnit report of pytest's (family xunit1); None for what is none."""
    try:
        root = ET.fromstring(xml)
    except ET.ParseError:
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
    """The first line of a failure's message; of a module that could not be collected, the last of its traceback."""
    message, text = found.get("message") or "", found.text or ""
    lines = (message if message != "collection failure" else text).strip().splitlines() or [""]
    return lines[0] if message != "collection failure" else lines[-1]


def _id(element: ET.Element) -> str:
    """The id that pytest prints: the file, the classes, the name."""
    file, classname, name = (element.get(key) or "" for key in ("file", "classname", "name"))
    if not classname:  # a module that could not be collected
        return file or f"{name.replace('.', '/')}.py"
    classes = classname.removeprefix(file.removesuffix(".py").replace("/", ".")).strip(".")
    return "::".join(filter(None, (file, *classes.split("."), name)))

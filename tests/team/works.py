"""A small repository with a fault, and scripted coders and testers for it."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agentmem.models.scripted import ScriptedModel, place
from agentmem.team import Team
from agentmem.types import Request

PROGRAMS = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
"""What commands see: this Python's pytest, without plugins that the tests here have no use for."""

WRONG = 'def add(a, b):\n    """The sum."""\n    return a - b\n'
RIGHT = WRONG.replace("a - b", "a + b")
OTHER = WRONG.replace("a - b", "a * b")
CHECK = "python check.py"
OWN = "python tests/test_sums.py"
TEST = """import sys

sys.path.insert(0, ".")
from calc import add

assert add(2, 1) == 3, add(2, 1)
print("sums hold")
"""
TASK = "Make add give the sum."


def repository(folder: Path) -> Path:
    """A repository whose check is a plain program that misses the fault, so that runs are fast."""
    repo = folder / "repo"
    (repo / "tests").mkdir(parents=True)
    (repo / "calc.py").write_text(WRONG, encoding="utf-8")
    (repo / "check.py").write_text(
        "from calc import add\n\nassert add(0, 0) == 0\nprint('checked')\n", encoding="utf-8"
    )
    (repo / "tests" / "test_zero.py").write_text(
        "from calc import add\n\n\ndef test_zero():\n    assert add(0, 0) == 0\n", encoding="utf-8"
    )
    return repo


def call(name: str, **arguments: Any) -> dict[str, Any]:
    """A scripted turn with one call."""
    return {"calls": [{name: arguments}]}


def write(text: str, path: str = "calc.py") -> dict[str, Any]:
    return call("edit", path=path, new=text)


def evidence(command: str, code: int, output: str, **outcomes: str) -> dict[str, Any]:
    return {"command": command, "exit_code": code, "output": output, **({"outcomes": outcomes} if outcomes else {})}


PASSES: tuple[Any, ...] = (
    call("run", command=CHECK),
    call("run", command=OWN),
    call(
        "report",
        verdict="pass",
        summary="The sum is right.",
        evidence=[evidence(CHECK, 0, "checked"), evidence(OWN, 0, "sums hold")],
    ),
    "Filed.",
)
"""A tester that reports a pass; its test is written by then."""

FAILS: tuple[Any, ...] = (
    call("run", command=CHECK),
    call("run", command=OWN),
    call(
        "report",
        verdict="fail",
        summary="The sum is wrong.",
        evidence=[evidence(CHECK, 0, "checked"), evidence(OWN, 1, "assert add(2, 1) == 3, add(2, 1)")],
        failing=[{"test": OWN, "error": "AssertionError", "reproduce": "add(2, 1)"}],
    ),
    "Filed.",
)
"""A tester that reports a fail of the same test."""

WRITES = write(TEST, "tests/test_sums.py")


def steadfast(turns: Sequence[Any]) -> ScriptedModel:
    """A model that repeats a call when it is told that a kill interrupted it."""

    def script(request: Request) -> Any:
        said = [turn.frames for turn in request.turns if turn.role == "user"]
        cut_off = sum("This call was cut off" in str(frame.value) for frames in said for frame in frames)
        return turns[place(request) - cut_off]

    return ScriptedModel(script)


def team(repo: Path, coder: Sequence[Any], tester: Sequence[Any], **settings: Any) -> Team:
    """A team on ``repo`` whose roles follow these scripts. Its check is no pytest, so it trusts the code."""
    given = {"check": CHECK, "environment": PROGRAMS, "place": repo.parent / "place", "trust_code": True, **settings}
    return Team(steadfast(coder), steadfast(tester), repo, **given)


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

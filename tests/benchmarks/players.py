"""Scripted players of a team: what coders and testers say and do in benchmarks, from their requests alone."""

import ast
import builtins
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, get_args

from agentmem.models.scripted import Turn
from agentmem.sandbox.planning import Isolation
from agentmem.types import Json, Request

Player = Callable[[Request], Turn]
"""What a role says next, from its request."""

CHECK = "PYTEST_DISABLE_PLUGIN_AUTOLOAD=1 python -m pytest -q"
TESTS = "tests/test_solution.py"
ROUNDS = 3
WRITTEN, FILED = (
    "Written: ",
    "Filed. ",
)  # what the tools say when they have done it; a call that a kill cut off does not
SECONDS = 20  # for the tests of one task, so that code that never ends is a failure like any other

_CODE = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_ENDED = re.compile(r"\AExit code (-?\d+)\.")
_BAD = re.compile(r"^(FAILED|ERROR) (\S+)", re.MULTILINE)
_COUNTS = re.compile(r"^=*\s*((?:\d+ \w+(?:, )?)+) in .*$", re.MULTILINE)
_ERROR = re.compile(r"^E\s+(\S.*)$", re.MULTILINE)

_HEADER = '''"""The acceptance tests of the task."""

import signal

import solution
from solution import {entry}
{helpers}

def _late(*_):
    raise TimeoutError("the code does not end")


'''
_FOOTER = """

def test_solution():
    signal.signal(signal.SIGALRM, _late)
    signal.alarm({seconds})
    try:
        check({entry})
    finally:
        signal.alarm(0)
"""


def acceptance(given: str) -> str:
    """A test file for pytest of a function ``check(candidate)`` that is called at the end of ``given``."""
    tree = ast.parse(given)
    called = tree.body[-1]
    assert isinstance(called, ast.Expr) and isinstance(called.value, ast.Call)
    entry = ast.unparse(called.value.args[0])
    lines = given.splitlines()[: called.lineno - 1]
    others = sorted(_free(tree) - {entry})
    helpers = "".join(f"\n{name} = solution.{name}" for name in others)
    body = "\n".join(lines).strip("\n")
    return _HEADER.format(entry=entry, helpers=helpers) + body + "\n" + _FOOTER.format(seconds=SECONDS, entry=entry)


def _free(tree: ast.Module) -> set[str]:
    """The names that a module uses and does not bind."""
    used, bound = set[str](), set(dir(builtins))
    for node in ast.walk(tree):
        match node:
            case ast.Name(name, ast.Load()):
                used.add(name)
            case ast.Name(name):
                bound.add(name)
            case ast.arg(name) | ast.FunctionDef(name):
                bound.add(name)
            case ast.Import(names) | ast.ImportFrom(names=names):
                bound |= {(one.asname or one.name).partition(".")[0] for one in names}
    return used - bound


def tester(request: Request) -> Turn:
    """An honest tester: writes the acceptance tests that it was given, runs the check, and reports what came out."""
    return _tester(request, honest=True)


def always_pass(request: Request) -> Turn:
    """A tester that does the same work, and reports a pass whatever came out."""
    return _tester(request, honest=False)


def _tester(request: Request, *, honest: bool) -> Turn:
    texts, _ = conversation(request)
    given = next(found[1] for text in texts if (found := _CODE.search(text)))
    return tests_with(request, TESTS, acceptance(given), honest=honest)


def tests_with(request: Request, path: str, text: str, *, honest: bool) -> Turn:
    """What a tester does next that writes one file of tests, runs the check and reports on it."""
    _, since = conversation(request)
    done = "\n".join(text for text in since if text)
    if WRITTEN not in done:
        return {"calls": [{"edit": {"path": path, "new": text}}]}
    if not (ran := [text for text in since if text and _ENDED.search(text)]):
        return {"calls": [{"run": {"command": CHECK}}]}
    if FILED not in done:
        return {"calls": [{"report": report(ran[-1], honest=honest)}]}
    return "The report is filed."


def conversation(request: Request) -> tuple[list[str], list[str | None]]:
    """What the role was told, and since the last of it: None for each turn of its own, a text for each result."""
    texts: list[str] = []
    since: list[str | None] = []
    for turn in request.turns:
        if turn.role == "assistant":
            since.append(None)
            continue
        for frame in turn.frames:
            if frame.value["type"] == "tool_result":
                since.append(_text(frame.value))
            elif not frame.value["text"].startswith("[Note]"):
                texts.append(frame.value["text"])
                since = []
    return texts, since


def report(result: str | None, *, honest: bool) -> dict[str, Any]:
    """What the tester files about the check, from what running it printed."""
    printed = result or ""
    code = int(found[1]) if (found := _ENDED.search(printed)) else 1
    bad = {test: "failed" if kind == "FAILED" else "error" for kind, test in _BAD.findall(printed)}
    said = _COUNTS.search(printed)
    lines = [*(f"{kind} {test}" for kind, test in _BAD.findall(printed)), said[1] if said else ""]
    error = found[1] if (found := _ERROR.search(printed)) else "see the output"
    shown = {"command": CHECK, "exit_code": code, "output": "\n".join(filter(None, lines)), "outcomes": bad}
    if not honest:
        shown = {"command": CHECK, "exit_code": 0, "output": "1 passed", "outcomes": {}}
        return {"verdict": "pass", "summary": "Everything works.", "evidence": [shown]}
    return {
        "verdict": "fail" if code else "pass",
        "summary": "The acceptance tests fail." if code else "The acceptance tests pass.",
        "evidence": [shown],
        "failing": [{"test": test, "error": error, "reproduce": f"{CHECK} {test}"} for test in bad],
        "untested": ["inputs that the acceptance tests do not have"],
    }


def isolation(name: str) -> Isolation | Literal["auto"]:
    """An isolation that was named on a command line."""
    known: tuple[Isolation | Literal["auto"], ...] = ("auto", *get_args(Isolation))
    return next(one for one in known if one == name)


def coder(*attempts: str) -> Player:
    """A coder that hands in one text of solution.py after the other, and looks at what is in its fork each time."""
    look = {"run": {"command": "find . -type f -not -path './.git/*'"}}
    return _hands_in([{"calls": [{"edit": {"path": "solution.py", "new": attempt}}, look]} for attempt in attempts])


def editor(attempt: str) -> Player:
    """A coder that hands in one attempt and makes the tests fit it: with the editor first, then with the shell."""
    easy = "def test_solution():\n    assert True\n"
    write = f"cat > {TESTS} <<'END'\n{easy}END\n"
    calls = [
        {"edit": {"path": "solution.py", "new": attempt}},
        {"edit": {"path": TESTS, "new": easy}},
        {"run": {"command": write}},
    ]
    return _hands_in([{"calls": calls}] * ROUNDS)


def _hands_in(attempts: Sequence[Mapping[str, Any]]) -> Player:
    """One attempt each time that the coder is told something, made again where a kill cut it off."""

    def turn(request: Request) -> Turn:
        texts, since = conversation(request)
        results = [text for text in since if text]
        if WRITTEN in "\n".join(results) and any(map(_ENDED.search, results)):
            return "I wrote solution.py."
        return attempts[len(texts) - 1]

    return turn


def _text(value: Json) -> str:
    content = value["content"]
    return content if isinstance(content, str) else "\n".join(part.get("text", "") for part in content)

"""Runs compositions of cheats in batches: apart from the code, and with the split switched off."""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from agentmem.sandbox import Sandbox
from agentmem.team.forks import PACKAGE
from agentmem.team.outcomes import parse
from agentmem.team.proof.apart import ApartBounds, SeenTest, run_apart
from agentmem.team.proof.layout import ProjectLayout
from agentmem.team.proof.verdict import verdict_of
from agentmem.team.rights import TESTS
from tests.team.proof.cheats import Composition
from tests.team.proof.works import ENVIRONMENT, written

SECONDS = 300.0

_PLAIN = """
import json, os, signal, sys, time

sys.dont_write_bytecode = True
import pytest
from importlib.metadata import entry_points

others = [part for one in entry_points(group="pytest11") for part in ("-p", f"no:{one.name}")]  # they take long
codes = {}
for name in sorted(os.listdir(".")):
    process = os.fork()
    if process == 0:
        os.setsid()
        null = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(null, number)
        os.chdir(name)
        os.environ["AGENTMEM_TOP"] = os.getcwd()
        sys.path.insert(0, os.getcwd())
        reporting = ["--junitxml=results.xml", "-o", "junit_family=xunit1", "-p", "no:cacheprovider"]
        code = pytest.main(["-q", *reporting, *others, "tests"])
        os._exit(int(code))
    ends = time.monotonic() + 20
    while not (done := os.waitpid(process, os.WNOHANG))[0]:
        if time.monotonic() > ends:
            os.killpg(process, signal.SIGKILL)
        time.sleep(0.01)
    codes[name] = os.waitstatus_to_exitcode(done[1])
with open("codes.json", "w") as file:
    json.dump(codes, file)
"""
"""Runs pytest on each folder in a process of its own, in one process with the code, as a check does."""


def _names(count: int) -> list[str]:
    return [f"code{number}" for number in range(count)]


def apart(folder: Path, given: Sequence[Composition], *, old: bool = False) -> list[bool]:
    """For each composition, whether its tests are proven; ``old`` with the code before the change.

    One of which nothing is heard is not proven, and on the old code it is not heard to fail.
    """
    names, tests, files = _names(len(given)), dict[str, str](), dict[str, str]()
    for name, one in zip(names, given, strict=True):
        files[f"{name}.py"] = one.old() if old else one.code(name)
        files |= {} if old else one.files(name)
        tests[name] = one.tests(name)
    _, found = run_modules(folder, files, tests, ApartBounds(SECONDS, 3.0, len(given)))
    heard = [[one for one in found[name].values() if "unjudged" not in one.why] for name in names]
    return [all(verdict_of(one)[0] == "proven" for one in every) if every else old for every in heard]


def run_modules(
    folder: Path, files: Mapping[str, str], tests: Mapping[str, str], bounds: ApartBounds
) -> tuple[bool, dict[str, dict[str, SeenTest]]]:
    """Whether the run ended, and what was seen of each module's tests: ``tests`` are texts by a module's name."""
    given = {f"tests/test_{name}.py": text.encode("utf-8") for name, text in tests.items()}
    layout = ProjectLayout(Path(sys.executable), frozenset(tests), frozenset(), ("",), ("", "tests"), TESTS)
    with Sandbox.fork(written(folder, files), readable=(PACKAGE,)) as fork:
        run = run_apart(fork, layout, given, sorted(given), ENVIRONMENT, bounds=bounds)
    found: dict[str, dict[str, SeenTest]] = {name: {} for name in tests}
    for test, seen in run.tests.items():
        file, _, name = test.partition("::")
        module = file.removeprefix("tests/test_").removesuffix(".py")
        if module in found:
            found[module][name] = seen
    return run.ended, found


def in_process(folder: Path, given: Sequence[Composition], *, old: bool = False) -> list[bool]:
    """The same with the split switched off: whether pytest reports a pass, in one process with the code."""
    names, files = _names(len(given)), dict[str, str]()
    for name, one in zip(names, given, strict=True):
        files[f"{name}/{name}.py"] = one.old() if old else one.code(name)
        files |= {} if old else {f"{name}/{path}": text for path, text in one.files(name).items()}
        files[f"{name}/tests/test_{name}.py"] = one.tests(name)
    with Sandbox.fork(written(folder, files), readable=(PACKAGE,)) as fork:
        fork.run([sys.executable, "-c", _PLAIN], env=ENVIRONMENT, timeout=SECONDS)
        codes = json.loads(fork.read("codes.json")) if fork.exists("codes.json") else {}
        return [codes.get(name) == 0 and _passes(fork, f"{name}/results.xml") for name in names]


def _passes(fork: Sandbox, report: str) -> bool:
    cases = parse(fork.read(report)) if fork.exists(report) else None
    return bool(cases) and all(case.outcome == "passed" for case in cases or ())


def wrong_passes(folder: Path, given: Sequence[Composition]) -> Mapping[str, list[Composition]]:
    """The compositions that get a pass: "apart" are proven ones, "in process" those with the split switched off.

    A pass needs that the tests pass with the change, and do not pass without it, apart or in one process: a test that
    only one of the two holds up does not tell the old code from the new. The old code is run twice apart, as `prove`
    does: where a test fails by chance, as when a busy machine lets its call come too late, it tells nothing either.
    """
    found = {}
    for name, judge in (("apart", apart), ("in process", in_process)):
        new = judge(folder / f"{name}-new", given)
        passed = [one for one, passes in zip(given, new, strict=True) if passes]
        before = judge(folder / f"{name}-old", passed, old=True) if passed else []
        if name == "apart" and not all(before):
            again = judge(folder / f"{name}-old-again", passed, old=True)
            before = [one or other for one, other in zip(before, again, strict=True)]
        if name == "apart" and passed and not all(before):
            plain = in_process(folder / "apart-old-plain", passed, old=True)
            before = [one or other for one, other in zip(before, plain, strict=True)]
        found[name] = [one for one, passes in zip(passed, before, strict=True) if not passes]
    return found

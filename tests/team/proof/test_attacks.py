"""Attacks on single tests, of kinds that the generator of cheats does not compose, and honest forms beside them.

Each file in attacks/ holds wrong code with a test that it must not pass, one after the other; CODE stands for the name
of the module. No code there contains what its test asks for. In forms.txt code and tests are right; behind "--- is"
stands what is not proven.
"""

import sys
from pathlib import Path

import pytest

from agentmem.sandbox import Sandbox
from agentmem.team.forks import PACKAGE
from agentmem.team.proof.apart import ApartBounds, run_apart
from agentmem.team.proof.layout import ProjectLayout
from agentmem.team.proof.verdict import verdict_of
from agentmem.team.rights import TESTS
from tests.team.proof.works import ENVIRONMENT, written

ATTACKS = sorted((Path(__file__).parent / "attacks").glob("*.txt"))
FORMS = Path(__file__).parent / "forms.txt"
TAKEN = "test_a"
"""The name of tests in the attacks that are honest, and only hand something over."""


def read(file: Path) -> dict[str, tuple[str, str]]:
    """The code and the test of each attack in a file, by its name."""
    found = {}
    for part in file.read_text(encoding="utf-8").split("=== ")[1:]:
        name, _, rest = part.partition("\n")
        code, _, test = rest.partition("--- test\n")
        found[name] = code, test
    return found


def judged(folder: Path, table: dict[str, tuple[str, str]], calls: float = 5.0) -> dict[str, dict[str, str]]:
    """What each test is, apart from its code, by the name of its entry: each entry is a module of one project."""
    names = [f"code{number}" for number in range(len(table))]
    pairs = list(zip(names, table.values(), strict=True))
    files = {f"{name}.py": code.replace("CODE", name) for name, (code, _) in pairs}
    tests = {f"tests/test_{name}.py": test.replace("CODE", name).encode() for name, (_, test) in pairs}
    layout = ProjectLayout(Path(sys.executable), frozenset(names), frozenset(), ("",), ("", "tests"), TESTS)
    with Sandbox.fork(written(folder, files), readable=(PACKAGE,)) as fork:
        run = run_apart(fork, layout, tests, sorted(tests), ENVIRONMENT, bounds=ApartBounds(120.0, calls, len(table)))
    assert run.ended
    found: dict[str, dict[str, str]] = {entry: {} for entry in table}
    for test, seen in run.tests.items():
        file, _, name = test.partition("::")
        verdict, reason, _ = verdict_of(seen)
        entry = list(table)[names.index(file.removeprefix("tests/test_").removesuffix(".py"))]
        found[entry][name] = f"{verdict} {reason}".strip()
    return found


@pytest.mark.parametrize("file", ATTACKS, ids=[one.stem for one in ATTACKS])
def test_no_attack_is_proven(tmp_path: Path, file: Path) -> None:
    """Each is run, and none of its tests is proven but the honest one that hands something over."""
    found = judged(tmp_path, read(file))
    assert all(found.values())
    proven = [name for name, tests in found.items() if "proven" in {tests[one] for one in tests if one != TAKEN}]
    assert proven == []


def test_honest_forms_are_proven_or_say_why(tmp_path: Path) -> None:
    """No form of test that is right fails apart from right code: each is proven, or unproven for the reason given."""
    table: dict[str, tuple[str, str]] = {}
    wanted: dict[tuple[str, str], str] = {}
    for name, (code, rest) in read(FORMS).items():
        test, _, said = rest.partition("--- is\n")
        table[name] = code, test
        wanted |= {(name, one.partition(": ")[0]): one.partition(": ")[2] for one in said.split("\n") if one}
    found = {(name, test): one for name, tests in judged(tmp_path, table).items() for test, one in tests.items()}
    assert {key: one for key, one in found.items() if one != "proven"} == wanted
    assert len(found) == FORMS.read_text(encoding="utf-8").count("\ndef test_")

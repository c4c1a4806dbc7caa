"""Attacks on single tests, of kinds that the generator of cheats does not compose, and honest forms beside them.

Each file in attacks/ holds wrong code with a test that it must not pass, one after the other; CODE stands for the name
of the module. No code there contains what its test asks for. In forms.txt code and tests are right; behind "--- is"
stands what is not proven.
"""

import re
from pathlib import Path

from agentmem.team.proof.apart import ApartBounds
from agentmem.team.proof.verdict import verdict_of
from tests.team.proof.batches import run_modules

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


def judged(folder: Path, table: dict[str, tuple[str, str]]) -> dict[str, dict[str, str]]:
    """What each test is, apart from its code, by the name of its entry: each entry is a module of one project."""
    pairs = {f"code{number}": pair for number, pair in enumerate(table.values())}
    files = {f"{name}.py": code.replace("CODE", name) for name, (code, _) in pairs.items()}
    tests = {name: test.replace("CODE", name) for name, (_, test) in pairs.items()}
    ended, found = run_modules(folder, files, tests, ApartBounds(120.0, 5.0, len(table)))
    assert ended
    verdicts = ({test: " ".join(verdict_of(seen)[:2]).strip() for test, seen in own.items()} for own in found.values())
    return dict(zip(table, verdicts, strict=True))


def test_no_attack_is_proven(tmp_path: Path) -> None:
    """Each is run, all by the same two pairs of processes, and none of its tests is proven but the honest ones."""
    found = judged(tmp_path, {f"{file.stem}: {name}": one for file in ATTACKS for name, one in read(file).items()})
    assert [name for name, tests in found.items() if not tests] == []
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
    assert len(found) == len(re.findall(r"\n *(?:async )?def test_", FORMS.read_text(encoding="utf-8")))

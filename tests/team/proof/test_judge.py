"""agentmem.team.proof.judge: what the process with the tests notices of them."""

import os
import subprocess
import sys
from pathlib import Path

from tests.team.proof.works import apart, verdicts

CODE = "def fee(minutes):\n    return 0\n\n\nif __name__ == '__main__':\n    print(fee(1))\n"
TESTS = """
import os
import shutil
import subprocess
import sys

from parking import fee


def test_module():
    ran = subprocess.run([sys.executable, "-m", "parking"], capture_output=True, text=True)
    assert (ran.stdout, fee(1)) == ("0\\n", 0)


def test_by_the_shell():
    assert fee(1) == 0
    assert os.system("python3 -c 'import parking'") == 0


def test_by_its_name():
    assert fee(1) == 0
    assert subprocess.run(["parking", "--help"]).returncode == 0


def test_another_program():
    ran = subprocess.run([shutil.which("echo"), str(fee(1))], capture_output=True, text=True)
    assert ran.stdout == "0\\n"


def test_another_program_that_shows_it_wrong():
    ran = subprocess.run([shutil.which("echo"), str(fee(1))], capture_output=True, text=True)
    assert ran.stdout == "1\\n"
"""


def test_a_test_that_starts_the_project_as_a_program_is_unproven(tmp_path: Path) -> None:
    """The project is not there to be started: such a test says so, and other programs can be used."""
    run = apart(tmp_path, {"parking.py": CODE}, {"tests/test_a.py": TESTS})
    programs = dict.fromkeys(("test_module", "test_by_the_shell", "test_by_its_name"), "unproven program")
    assert verdicts(run) == {
        **programs,
        "test_another_program": "proven",
        "test_another_program_that_shows_it_wrong": "failed",
    }


FORGES = """
import json
import os

from parking import fee

LINE = {"id": "tests/test_b.py::test_wrong", "outcome": "passed", "why": {}, "broken": "", "calls": 1, "trace": []}


def test_forges():
    assert fee(1) == 0
    for number in range(3, 64):
        for path in (f"/proc/{os.getppid()}/fd/{number}", f"/proc/self/fd/{number}"):
            try:
                with open(path, "wb", buffering=0) as file:
                    os.set_blocking(file.fileno(), False)
                    file.write(json.dumps(LINE).encode() + b"\\n")
            except OSError:
                pass
    os.kill(os.getppid(), 9)
"""
WRONG = "from parking import fee\n\n\ndef test_wrong():\n    assert fee(1) == 1\n"


def test_a_file_of_tests_can_tell_of_its_own_tests_only(tmp_path: Path) -> None:
    """A line about another file's test is not passed on, and a run whose judge was ended has not come to its end."""
    run = apart(tmp_path, {"parking.py": CODE}, {"tests/test_a.py": FORGES, "tests/test_b.py": WRONG})
    assert verdicts(run).get("test_wrong", "unjudged") != "proven"
    assert not run.ended or verdicts(run)["test_wrong"] == "failed"


EARLY = """
import pytest

pytest_plugins = ["tests.more"]


def pytest_addoption(parser):
    parser.addini("fees", "what a fee is", default="0")


def pytest_sessionstart(session):
    session.config.started = True
"""
MORE = """
import pytest


@pytest.fixture
def minutes():
    return 1
"""
NEEDS = """
from parking import fee


def test_early(pytestconfig, minutes):
    assert pytestconfig.started
    assert str(fee(minutes)) == pytestconfig.getini("fees")
"""


def test_what_a_conftest_says_before_pytest_starts_is_heard(tmp_path: Path) -> None:
    """Options, plugins and the start of a session: then pytest is started for each file of tests anew."""
    tests = {"tests/conftest.py": EARLY, "tests/more.py": MORE, "tests/test_a.py": NEEDS, "tests/__init__.py": ""}
    run = apart(tmp_path, {"parking.py": CODE}, {**tests, "tests/test_b.py": NEEDS})
    assert set(verdicts(run).values()) == {"proven"}
    assert len(run.tests) == 2


FOLDERS = """
import os
import sys

from parking import fee


def test_folder(tmp_path, capfd):
    assert fee(1) == 0
    os.write(1, b"printed")
    assert capfd.readouterr().out == "printed"
    assert {one.name for one in tmp_path.parent.iterdir()} <= {"test0", "testcurrent"}
"""


def test_files_of_tests_share_neither_folders_nor_output(tmp_path: Path) -> None:
    """pytest starts once for all files, and each has its own temporary folders, and what it prints for itself."""
    run = apart(tmp_path, {"parking.py": CODE}, {"tests/test_a.py": FOLDERS, "tests/test_b.py": FOLDERS})
    assert [test.outcome for test in run.tests.values()] == ["passed", "passed"]
    assert "printed" not in run.said


def test_a_plugin_of_the_code_is_told_of_at_once(tmp_path: Path) -> None:
    """Tests whose conftest names a plugin of the code's are unproven for that, and not run; those elsewhere are."""
    named = 'pytest_plugins = ["parking"]\n'
    plain = "from parking import fee\n\n\ndef test_fee():\n    assert fee(1) == 0\n"
    tests = {"tests/a/conftest.py": named, "tests/a/test_a.py": plain, "tests/test_b.py": plain}
    run = apart(tmp_path, {"parking.py": CODE}, tests)
    assert verdicts(run) == {"tests/a/test_a.py": "unproven fixture", "test_fee": "proven"}


NAMED = """
import functools


class Marker:
    def same(self):
        return self


SENT = Marker()
SAME = SENT.same


def plain(number):
    return number


other = plain
inner = functools.partial(plain, 3)
short = lambda number: number


def sent():
    return SENT
"""
NAMES = """
import pytest
import shop


@pytest.mark.parametrize("number, want", [(3, shop.SENT)])
def test_object(number, want):
    assert shop.sent() is want


@pytest.mark.parametrize("made", [shop.plain, shop.other, shop.short])
def test_function(made):
    assert made(3) == 3


@pytest.mark.parametrize("made", [shop.inner, shop.SAME, shop.Marker])
def test_maker(made):
    assert made() is not None
"""


def test_parametrized_tests_have_the_names_that_pytest_gives_them(tmp_path: Path) -> None:
    """An object of the code's is counted, a function has its own name and not the one that it was asked for by."""
    run = apart(tmp_path, {"shop.py": NAMED}, {"tests/test_a.py": NAMES})
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain" / "shop.py").write_text(NAMED, encoding="utf-8")
    (tmp_path / "plain" / "test_a.py").write_text(NAMES, encoding="utf-8")
    told = [sys.executable, "-m", "pytest", "-q", "--collect-only", "-p", "no:cacheprovider", "-c", os.devnull, "."]
    listed = subprocess.run(told, cwd=tmp_path / "plain", capture_output=True, text=True, check=True).stdout
    wanted = {line.rpartition("::")[2] for line in listed.splitlines() if "::" in line}
    assert set(verdicts(run)) == wanted and len(wanted) == 7
    assert set(verdicts(run).values()) == {"proven"}

"""Tests that run apart from the code: what is proven, what is not and why, and what no cheat can change."""

from pathlib import Path

import pytest

from agentmem.team.proof.apart import ApartBounds, run_apart
from tests.team.proof.works import ENVIRONMENT, apart, project, verdicts

CODE = '''
import dataclasses
import datetime
import decimal
import enum
import os
import sys
import warnings
from typing import NamedTuple


def fee(minutes):
    """The fee."""
    if minutes <= 30:
        return 0
    return 2 * ((minutes + 59) // 60)


class Colour(enum.Enum):
    RED = 1
    BLUE = 2

    @property
    def short(self):
        return self.name[0]


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 9


@dataclasses.dataclass(frozen=True)
class Point:
    x: int
    y: int = 0

    def norm(self):
        return abs(self.x) + abs(self.y)


class Pair(NamedTuple):
    a: int
    b: int


class TooLong(ValueError):
    pass


class Stack:
    def __init__(self):
        self.items = []

    def push(self, one):
        self.items.append(one)
        return self

    def __len__(self):
        return len(self.items)

    def __contains__(self, one):
        return one in self.items

    def __iter__(self):
        return iter(self.items)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.items.clear()

    def __eq__(self, other):
        return True


class Names(dict):
    pass


def colour(number):
    return Colour(number)


def level(high):
    return Level.HIGH if high else Level.LOW


def mirrored(point):
    return Point(-point.x, point.y)


def swapped(pair):
    return Pair(pair.b, pair.a)


def stay(minutes):
    if minutes > 1000:
        raise TooLong(f"{minutes} minutes")
    return minutes


def each(function, values):
    return [function(one) for one in values]


def counted(most):
    for one in range(most):
        yield one


def total(values):
    return sum(values)


def fill(values):
    values.append(1)
    return values


def names():
    return Names(a=1)


def adder(first):
    return lambda second: first + second


def says():
    print("said")
    warnings.warn("old", DeprecationWarning)
    return os.environ.get("PLACE"), os.getcwd()


def now():
    return datetime.date(2024, 2, 29), decimal.Decimal("1.10")


def save(path, text):
    with open(path, "w") as file:
        file.write(text)


def stack():
    return Stack()


def limit():
    return LIMIT


def takes(kind):
    return kind()


async def later(one):
    return one + 1


LIMIT = 5
'''

HONEST = """
import asyncio
import datetime
import decimal
import operator

import pytest

import parking
from parking import Colour, Level, Pair, Point, Stack, TooLong, fee


def test_values():
    assert fee(30) == 0
    assert fee(31) == 2
    assert fee.__doc__ == "The fee."


@pytest.mark.parametrize(("minutes", "wanted"), [(0, 0), (61, 4)])
def test_parameters(minutes, wanted):
    assert fee(minutes) == wanted


@pytest.fixture
def stack():
    with Stack() as made:
        yield made.push(1)


def test_fixtures_and_objects(stack):
    stack.push(2)
    assert len(stack) == 2
    assert 2 in stack
    assert list(stack) == [1, 2]
    assert stack.items == [1, 2]


def test_enums():
    assert parking.colour(1) is Colour.RED
    assert parking.colour(2) == Colour.BLUE != Colour.RED
    assert Colour.RED.short == "R"
    assert parking.level(True) == 9 and parking.level(False) is Level.LOW
    assert [one.value for one in Colour] == [1, 2]


def test_dataclasses():
    assert parking.mirrored(Point(2, y=1)) == Point(-2, 1)
    assert parking.mirrored(Point(2)) != Point(2)
    assert Point(3, -4).norm() == 7


def test_named_tuples():
    assert parking.swapped(Pair(1, 2)) == Pair(2, 1) == (2, 1)
    assert parking.swapped(Pair(1, 2)).a == 2


def test_exceptions():
    with pytest.raises(TooLong, match="1001 minutes"):
        parking.stay(1001)
    with pytest.raises(ValueError):
        parking.stay(2000)


def test_callbacks_and_iterators():
    seen = []
    assert parking.each(lambda one: one + 1, [1, 2]) == [2, 3]
    assert parking.each(operator.neg, (1,)) == [-1]
    assert parking.each(seen.append, [5]) == [None] and seen == [5]
    assert list(parking.counted(3)) == [0, 1, 2]
    assert parking.total(one * one for one in range(4)) == 14
    assert parking.adder(2)(3) == 5


def test_errors_of_callbacks():
    def fails(one):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        parking.each(fails, [1])


def test_arguments_are_changed_in_place():
    given = [0]
    assert parking.fill(given) is given
    assert given == [0, 1]


def test_containers():
    assert parking.names() == {"a": 1}
    assert parking.names()["a"] == 1


def test_plain_types():
    assert parking.now() == (datetime.date(2024, 2, 29), decimal.Decimal("1.10"))


def test_surroundings(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("PLACE", "here")
    monkeypatch.chdir(tmp_path)
    with pytest.warns(DeprecationWarning, match="old"):
        assert parking.says() == ("here", str(tmp_path))
    assert capsys.readouterr().out == "said\\n"


def test_files(tmp_path):
    parking.save(tmp_path / "made.txt", "yes")
    assert (tmp_path / "made.txt").read_text() == "yes"


def test_inputs_are_replaced(monkeypatch):
    monkeypatch.setattr(parking, "LIMIT", 7)
    assert parking.limit() == 7
    monkeypatch.setattr(parking.os, "getcwd", lambda: "/nowhere")
    with pytest.warns(DeprecationWarning):
        assert parking.says()[1] == "/nowhere"


def test_what_was_replaced_is_back():
    assert parking.limit() == 5


def test_coroutines():
    assert asyncio.run(parking.later(1)) == 2
"""

OTHERS = """
import inspect
import unittest.mock

import pytest

import parking
from parking import Point, Stack, fee


def test_touches_nothing():
    assert 1 + 1 == 2


def test_lets_the_code_compare():
    assert parking.stack() == 3


def test_lets_the_code_search():
    assert 3 in parking.stack()


def test_compares_two_of_the_code():
    assert parking.mirrored(Point(1)) == parking.mirrored(Point(1))


def test_hands_a_class_over():
    class Mine:
        pass

    assert parking.takes(Mine)


def test_reads_the_source():
    assert "return 0" in open(parking.__file__).read()


def test_uses_another_module():
    assert parking.os.popen("echo 1").read() == "1\\n"


def test_calls_its_own(monkeypatch):
    monkeypatch.setattr(parking, "fee", lambda minutes: 0)
    assert parking.fee(99) == 0


def test_hands_itself_over(request):
    assert parking.each(len, [request]) == [1]


def test_is_skipped():
    pytest.skip("later")


def test_reads_its_file_again(tmp_path):
    (tmp_path / "wanted").write_text("x")
    parking.save(tmp_path / "made", "x")
    assert (tmp_path / "made").read_text() == (tmp_path / "wanted").read_text()


def test_asserts_in_a_callback():
    def check(one):
        assert one == 2

    try:
        parking.each(check, [1])
    except AssertionError:
        pass
"""

UNPROVEN = {
    "test_touches_nothing": "unproven untouched",
    "test_lets_the_code_compare": "unproven compares",
    "test_lets_the_code_search": "unproven compares",
    "test_compares_two_of_the_code": "unproven compares",
    "test_hands_a_class_over": "unproven class",
    "test_reads_the_source": "unproven source",
    "test_uses_another_module": "unproven foreign",
    "test_calls_its_own": "unproven replaced",
    "test_hands_itself_over": "unproven object",
    "test_is_skipped": "unproven skipped",
    "test_reads_its_file_again": "unproven rewritten",
    "test_asserts_in_a_callback": "unproven idle",
}
"""What each of the other tests is, and why."""


def test_honest_tests_are_proven(tmp_path: Path) -> None:
    """Values, objects, enums, dataclasses, exceptions, callbacks, iterators, files and replaced inputs are proven."""
    run = apart(tmp_path, {"parking.py": CODE}, {"tests/test_parking.py": HONEST})
    assert run.ended
    found = verdicts(run)
    assert {name: one for name, one in found.items() if one != "proven"} == {}
    assert len(found) == HONEST.count("def test_") + 1  # one has two parameters


def test_what_cannot_be_proven_says_why(tmp_path: Path) -> None:
    """Where the code decides, takes a class, or is read, a test is unproven for that reason."""
    run = apart(tmp_path, {"parking.py": CODE}, {"tests/test_parking.py": OTHERS})
    assert verdicts(run) == UNPROVEN


def test_a_wrong_value_fails(tmp_path: Path) -> None:
    """A test whose value is not returned fails, with the error that pytest writes."""
    run = apart(
        tmp_path,
        {"parking.py": CODE},
        {"tests/test_a.py": "from parking import fee\n\ndef test_a():\n    assert fee(30) == 1\n"},
    )
    assert verdicts(run) == {"test_a": "failed"}
    assert "assert 0 == 1" in run.tests["tests/test_a.py::test_a"].said


@pytest.mark.parametrize(
    ("does", "code"),
    [
        ("ends its process", "import os\n\ndef fee(m):\n    os._exit(0)\n"),
        ("exits", "def fee(m):\n    raise SystemExit(0)\n"),
        ("interrupts", "def fee(m):\n    raise KeyboardInterrupt\n"),
        ("kills what serves it", "import os, signal\n\ndef fee(m):\n    os.kill(os.getppid(), signal.SIGKILL)\n"),
        ("never ends", "def fee(m):\n    while True:\n        pass\n"),
        ("never loads", "while True:\n    pass\n"),
    ],
)
def test_code_that_ends_or_hangs_fails_and_the_run_goes_on(tmp_path: Path, does: str, code: str) -> None:
    """A process that ends or does not answer costs its own file of tests, and no other."""
    test = "from parking import fee\n\n\ndef test_free():\n    assert fee(30) == 0\n"
    other = "from other import one\n\n\ndef test_other():\n    assert one() == 1\n"
    files = {"parking.py": code, "other.py": "def one():\n    return 1\n"}
    run = apart(tmp_path, files, {"tests/test_a.py": test, "tests/test_b.py": other}, calls=2.0)
    assert run.ended
    assert verdicts(run)["test_other"] == "proven"
    assert "proven" not in {one for name, one in verdicts(run).items() if name != "test_other"}


def test_half_letters_in_an_error_can_be_written_down(tmp_path: Path) -> None:
    """What an error of the code says stands on the result's page, whatever it holds."""
    code = "def fee(m):\n    raise ValueError('\\ud800')\n"
    run = apart(tmp_path, {"a.py": code}, {"tests/test_a.py": "from a import fee\n\ndef test_a():\n    fee(1)\n"})
    assert run.tests["tests/test_a.py::test_a"].said == "ValueError: \\ud800"


def test_a_test_that_ends_its_process_costs_its_own_file_only(tmp_path: Path) -> None:
    """The files after it are judged with the same subject: no other is needed, and nobody waits for one."""
    ends = "import os\n\nfrom parking import fee\n\n\ndef test_ends():\n    fee(1)\n    os._exit(0)\n"
    other = "from parking import fee\n\n\ndef test_other():\n    assert fee(30) == 0\n"
    with project(tmp_path, {"parking.py": "def fee(m):\n    return 0\n"}) as (fork, layout):
        tests = {"tests/test_a.py": ends.encode(), "tests/test_b.py": other.encode()}
        run = run_apart(fork, layout, tests, sorted(tests), ENVIRONMENT, bounds=ApartBounds(30.0, 10.0, lives=1))
    assert run.ended
    assert verdicts(run) == {"test_other": "proven"}


MOVES = """
import os


def write(path):
    for above, folders, _ in os.walk("/tmp"):
        for name in [one for one in folders if "apart-" in one]:
            os.rename(f"{above}/{name}", f"{above}/{name}.old")
            os.makedirs(f"{above}/{name}/tests/tests/golden")
            with open(f"{above}/{name}/tests/tests/golden/g.txt", "w") as file:
                file.write("2")
    path.write_text("2")
"""
GOLDEN = """
from pathlib import Path

from writing import write


def test_golden(tmp_path):
    write(tmp_path / "out.txt")
    assert (tmp_path / "out.txt").read_text() == (Path(__file__).parent / "golden" / "g.txt").read_text()
"""


def test_the_code_cannot_move_the_tests_away(tmp_path: Path) -> None:
    """Where the repository and all forks lie in /tmp as well, the tests' files have no place in what is shared."""
    tests = {"tests/test_a.py": GOLDEN, "tests/golden/g.txt": "42"}
    run = apart(tmp_path, {"writing.py": MOVES}, tests)
    assert verdicts(run) == {"test_golden": "failed"}


def test_tests_in_one_package_use_helpers_of_tests_in_another(tmp_path: Path) -> None:
    """Modules of tests inside the code's packages are found by their names, wherever they are used."""
    code = {"src/shop/__init__.py": "", "src/shop/fees.py": "def fee():\n    return 0\n", "src/shop/a/__init__.py": ""}
    test = "from shop.fees import fee\nfrom shop.tests.helpers import FREE\n\ndef test_a():\n    assert fee() == FREE\n"
    tests = {
        "src/shop/tests/__init__.py": "",
        "src/shop/tests/helpers.py": "FREE = 0\n",
        "src/shop/a/tests/__init__.py": "",
        "src/shop/a/tests/test_a.py": test,
    }
    assert verdicts(apart(tmp_path, code, tests)) == {"test_a": "proven"}


PLACES = """
import os
from pathlib import Path

import reading

ROOT = Path(__file__).parent.parent


def test_of_the_code():
    assert reading.read(ROOT / "data" / "words.txt") == "one"


def test_where(monkeypatch, tmp_path):
    assert reading.place() == ROOT / "data"
    monkeypatch.chdir(tmp_path)
    monkeypatch.chdir(ROOT)
    assert reading.read("data/words.txt") == "one"


def test_of_the_tests():
    assert reading.read(Path(__file__).parent / "own.txt") == "own"
"""


def test_files_of_the_project_have_one_name_for_both(tmp_path: Path) -> None:
    """A test gives the code a file of the project's by its own path. The code has none of the tests' files."""
    reading = "from pathlib import Path\n\ndef read(path):\n    return Path(path).read_text()\n\n"
    reading += "def place():\n    return Path(__file__).parent / 'data'\n"
    code = {"reading.py": reading, "data/words.txt": "one"}
    run = apart(tmp_path, code, {"tests/test_a.py": PLACES, "tests/own.txt": "own"})
    assert verdicts(run) == {
        "test_of_the_code": "proven",
        "test_where": "proven",
        "test_of_the_tests": "unproven missing",
    }


def test_the_code_cannot_move_away_what_both_have_in_the_shared_folder(tmp_path: Path) -> None:
    """Where a repository, or Python, lies in /tmp, the folder there above it stays where it is for both processes."""
    code = "import os\n\n\ndef move():\n    top = '/'.join(__file__.split('/')[:3])\n    try:\n"
    code += "        os.rename(top, top + '-away')\n    except OSError as error:\n        return error.errno\n"
    test = "import errno\nfrom moving import move\n\n\ndef test_a():\n"
    test += "    assert move() in (errno.EBUSY, errno.EPERM)\n"
    held = verdicts(apart(tmp_path, {"moving.py": code}, {"tests/test_a.py": test}))
    assert held == {"test_a": "proven"} or not tmp_path.resolve().is_relative_to("/tmp")

"""agentmem.team.proof.layout: what is a test, how the code is imported and started, and what of it is hidden."""

from pathlib import Path

from agentmem.team.proof.apart import ApartBounds, run_apart
from agentmem.team.proof.layout import with_change, with_tests
from agentmem.team.proof.verdict import verdict_of
from tests.team.proof.works import ENVIRONMENT, apart, project, verdicts


def test_a_projects_names_and_paths_are_read_from_its_files(tmp_path: Path) -> None:
    """Top names by which code is imported, folders of tests, commands that it installs, and git's own folders."""
    files = {
        "src/shop/__init__.py": "",
        "tests/test_shop.py": "",
        "pyproject.toml": '[project]\nname = "shop"\n[project.scripts]\nsell = "shop:main"\n',
        "vendored/.git/HEAD": "ref: refs/heads/main\n",
        ".git/HEAD": "ref: refs/heads/main\n",
    }
    with project(tmp_path, files) as (_, layout):
        assert layout.tops == {"shop"}
        assert layout.code_paths == ("", "src")
        assert layout.programs == {"shop", "sell"}
        assert sorted(layout.hidden) == [".git", "vendored/.git"]
        assert layout.is_test("tests/test_shop.py") and not layout.is_test("src/shop/__init__.py")


def test_a_pyproject_that_cannot_be_read_gives_no_programs(tmp_path: Path) -> None:
    """Any content of the settings is taken without an error."""
    for number, text in enumerate(("[project", "[tool]\npoetry = 1\n", "project = 3\n", "[project]\nscripts = 1\n")):
        with project(tmp_path / str(number), {"shop.py": "", "pyproject.toml": text}) as (_, layout):
            assert layout.programs == {"shop"}


def test_code_does_not_see_the_history_of_any_repository(tmp_path: Path) -> None:
    """A repository's folder is empty for the code, also that of a repository in the repository."""
    code = (
        "import os\n\n\ndef seen(path):\n    top = os.path.dirname(os.path.abspath(__file__))\n"
        "    return sorted(os.listdir(os.path.join(top, path)))\n"
    )
    files = {"parking.py": code, ".git/HEAD": "x", "inner/kept.txt": "x", "inner/.git/test_old.py": "x"}
    test = (
        "from parking import seen\n\n\ndef test_seen():\n    assert seen('.git') == []\n"
        "    assert seen('inner') == ['.git', 'kept.txt']\n    assert seen('inner/.git') == []\n"
    )
    run = apart(tmp_path, files, {"tests/test_seen.py": test})
    assert verdicts(run) == {"test_seen": "proven"}, run.tests


def test_a_module_that_the_change_adds_stands_for_the_code_where_nothing_else_has_its_name(tmp_path: Path) -> None:
    """A new module can be tested apart; one named as a library that the tests' Python has is not taken for it."""
    new = {
        "shop.py": "",
        "till.py": "def total():\n    return 7\n",
        "hypothesis.py": "def given(*_):\n    return print\n",
    }
    test = (
        "import hypothesis\nfrom till import total\n\n\ndef test_it():\n"
        "    assert total() == 7\n    assert hypothesis.given is not print\n    assert hypothesis.strategies\n"
    )
    with project(tmp_path, {"shop.py": ""}) as (base, layout), base.fork_again() as fix:
        for path, text in new.items():
            fix.write(path, text.encode())
        changed = with_change(layout, fix)
        assert changed.tops == frozenset({"shop"})
        assert changed.late == frozenset({"till", "hypothesis"})
        tests = {"tests/test_it.py": test.encode()}
        assert verdicts(run_apart(fix, changed, tests, list(tests), ENVIRONMENT)) == {"test_it": "proven"}


def test_a_project_behind_a_link(tmp_path: Path) -> None:
    """The way to a project's folder may go through a link."""
    (tmp_path / "real").mkdir()
    (tmp_path / "linked").symlink_to(tmp_path / "real", target_is_directory=True)
    test = "from shop import price\n\n\ndef test_it():\n    assert price() == 7\n"
    run = apart(tmp_path / "linked", {"shop.py": "def price():\n    return 7\n"}, {"tests/test_it.py": test})
    assert verdicts(run) == {"test_it": "proven"}


def test_tests_inside_a_package_import_what_lies_beside_them(tmp_path: Path) -> None:
    """Relative imports of tests that lie in the package itself lead to the code, and to the tests' own helpers."""
    code = {"shop/__init__.py": "", "shop/_prices.py": "def price():\n    return 7\n"}
    test = (
        "from .._prices import price\nfrom .helpers import WANTED\n\n\ndef test_it():\n    assert price() == WANTED\n"
    )
    inside = {"shop/tests/__init__.py": "", "shop/tests/helpers.py": "WANTED = 7\n", "shop/tests/test_it.py": test}
    assert verdicts(apart(tmp_path, code, inside)) == {"test_it": "proven"}


def test_the_first_tests_of_a_project_import_what_lies_beside_them(tmp_path: Path) -> None:
    """Folders that only the tester's files make are searched for helpers, as pytest does; a package's own also."""
    code = {"shop/__init__.py": "", "shop/_prices.py": "def price():\n    return 7\n"}
    test = (
        "from helpers import WANTED\nfrom shop._prices import price\n\n\ndef test_it():\n    assert price() == WANTED\n"
    )
    inner = (
        "from .wanted import WANTED\nfrom .._prices import price\n\n\ndef test_it():\n    assert price() == WANTED\n"
    )
    tests = {
        "tests/unit/helpers.py": "WANTED = 7\n",
        "tests/unit/test_it.py": test,
        "shop/tests/__init__.py": "",
        "shop/tests/wanted.py": "WANTED = 7\n",
        "shop/tests/test_inner.py": inner,
    }
    with project(tmp_path, code) as (fork, bare):
        layout = with_tests(bare, tests, fork)
        data = {path: text.encode() for path, text in tests.items()}
        files = [path for path in tests if "/test_" in path]
        run = run_apart(fork, layout, data, files, ENVIRONMENT, bounds=ApartBounds(60.0, 30.0))
    assert {name: verdict_of(test)[0] for name, test in run.tests.items()} == {
        "tests/unit/test_it.py::test_it": "proven",
        "shop/tests/test_inner.py::test_it": "proven",
    }


_MADE_UP = """
import sys, types


def _made(name, **held):
    module = types.ModuleType(name)
    module.__path__ = []
    module.__dict__.update(held)
    above, _, last = name.rpartition(".")
    setattr(sys.modules[above], last, module)
    return sys.modules.setdefault(name, module)


if "pytest" not in sys.modules:
    _made(__name__ + ".tests")
    for one in ("tests.test_want", "tests.helpers", "tests.wanted", "test_beside"):
        _made(f"{__name__}.{one}", WANT=2)


def fee(n):
    return 2
"""
_OWN = """
from TOP import fee
from TOP.tests.test_want import WANT
from TOP.tests import helpers
from .wanted import WANT as NEAR
from ..test_beside import WANT as BESIDE


def test_a(): assert fee(3) == WANT
def test_b(): assert fee(3) == helpers.WANT
def test_c(): assert fee(3) == NEAR
def test_d(): assert fee(3) == BESIDE
"""


def test_no_module_of_the_tests_is_asked_of_the_code(tmp_path: Path) -> None:
    """Wherever new tests lie in a package, old or new, what they import of themselves is theirs: with tests there
    before or none, in a folder above or not, in a package that the change adds."""
    packages = {"shop": "shop", "till": "src/till", "late": "late"}
    code = {
        "shop/__init__.py": "",
        "shop/tests/__init__.py": "",
        "shop/tests/test_old.py": "",
        "src/till/__init__.py": "",
    }
    tests: dict[str, str] = {}
    for top, at in packages.items():
        tests |= dict.fromkeys((f"{at}/tests/{one}.py" for one in ("test_want", "helpers", "wanted")), "WANT = 7\n")
        tests |= {f"{at}/test_beside.py": "WANT = 7\n", f"{at}/tests/__init__.py": ""}
        tests[f"{at}/tests/test_it.py"] = _OWN.replace("TOP", top)
    verdict = {}
    for number, fee in enumerate((2, 7)):
        with project(tmp_path / str(number), code) as (base, bare), base.fork_again() as fix:
            for at in packages.values():
                fix.write(f"{at}/__init__.py", _MADE_UP.replace("return 2", f"return {fee}").encode())
            layout = with_tests(with_change(bare, fix), [*tests, "shop/tests/test_old.py"], fix)
            data = {path: text.encode() for path, text in tests.items()}
            run = run_apart(fix, layout, data, [one for one in tests if one.endswith("test_it.py")], ENVIRONMENT)
            verdict[fee] = {name: verdict_of(test)[0] for name, test in run.tests.items()}
    assert [name for name, one in verdict[2].items() if one == "proven"] == []
    assert [name for name, one in verdict[7].items() if one != "proven"] == []
    assert len(verdict[7]) == 12

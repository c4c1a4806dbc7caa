"""What tests ask of their process, by the text of their file."""

from pathlib import Path

import pytest

from agentmem.team.proof.surroundings import asked, doubted

NONE: frozenset[str] = frozenset()
HEAD = "import gc\nimport os\nimport random\nimport sys\nimport threading as t\nfrom sys import getsizeof as size\n\n"


def _file(folder: Path, body: str) -> str:
    file = folder / "test_a.py"
    file.write_text(f"{HEAD}{body}", encoding="utf-8")
    return str(file)


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ("def test_a():\n    assert 'x' not in sys.modules\n", "sys.modules"),
        ("def test_a():\n    assert t.active_count() == 1\n", "threading.active_count"),
        ("def test_a():\n    assert size(1) == 2\n", "sys.getsizeof"),
        ("def test_a():\n    gc.collect()\n", "gc.collect"),
        ("def test_a():\n    os.listdir('/proc/self/fd')\n", "/proc/self/fd"),
        (
            "def count():\n    return t.active_count()\n\ndef test_a():\n    assert count() == 1\n",
            "threading.active_count",
        ),
        ("def state():\n    return random.getstate()\n\ndef test_a(state):\n    pass\n", "random.getstate"),
        (
            "class TestIt:\n    def setUp(self):\n        gc.collect()\n    def test_a(self):\n        pass\n",
            "gc.collect",
        ),
        ("def other():\n    gc.collect()\n\ndef test_a():\n    for one in enumerate('a'):\n        print(one)\n", ""),
        ("def test_a():\n    print(os.environ, sys.version)\n", ""),
        (
            "def test_a():\n    def main(): 1\n\ndef test_b():\n    def main(): gc.collect()\n    main()\n",
            "",
        ),
        ("def test_a():\n    def main(): gc.collect()\n    main()\n", "gc.collect"),
    ],
)
def test_what_is_asked_is_found(tmp_path: Path, body: str, wanted: str) -> None:
    """By whatever name it was imported, in the test, its helpers and fixtures of the file, and in what sets it up."""
    assert asked(_file(tmp_path, body), "test_a", NONE) == wanted


def test_surroundings_that_the_code_has_changed_count(tmp_path: Path) -> None:
    """The environment counts where a test reads it; the current folder always."""
    file = _file(tmp_path, "def test_a():\n    print(os.environ)\n\ndef test_b():\n    pass\n")
    assert asked(file, "test_a", frozenset({"environment"})) == "os.environ"
    assert asked(file, "test_b", frozenset({"environment"})) == ""
    assert asked(file, "test_b", frozenset({"folder"})) != ""


def test_what_may_be_otherwise_is_doubted(tmp_path: Path) -> None:
    """Random numbers of a test are its own: a test that uses some is no failure of the code's by itself."""
    file = _file(
        tmp_path, "def test_a():\n    random.seed(1)\n\ndef test_b():\n    pass\n\ndef test_c():\n    t.x.__module__\n"
    )
    assert doubted(file, "test_a") == "random.seed"
    assert doubted(file, "test_c") == ".__module__"
    assert doubted(file, "test_b") == ""


def test_a_file_that_is_no_python_asks_nothing(tmp_path: Path) -> None:
    """A file that cannot be read, or is no Python, says nothing."""
    assert asked(_file(tmp_path, "def test_a(:\n"), "test_a", NONE) == ""
    assert asked(str(tmp_path / "none.py"), "test_a", NONE) == ""

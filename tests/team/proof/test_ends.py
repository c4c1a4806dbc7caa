"""agentmem.team.proof.ends: where an exception of the code's ends."""

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agentmem.team.proof.ends import EndsOfErrors, is_checked

TAKEN = {
    "by an except": "    try:\n        fee()\n    except ValueError:\n        pass\n",
    "by an except that raises it on": (
        "    try:\n        try:\n            fee()\n        finally:\n            pass\n"
        "    except (KeyError, ValueError):\n        pass\n"
    ),
    "by an except of its caller": "    try:\n        max([1], key=lambda _: fee())\n    except Exception: pass\n",
}
LEFT = {
    "by hasattr": "    assert not hasattr(Case(), 'wrong')\n",
    "by hasattr, behind a finally": "    assert not hasattr(Case(), 'ended')\n",
    "by hasattr, behind another except": "    assert not hasattr(Case(), 'tried')\n",
    "by hasattr, behind an except that raises it on": "    assert not hasattr(Case(), 'again')\n",
    "by a with of its own": "    with Quiet():\n        fee()\n",
}
HEAD = """
class Case:
    @property
    def wrong(self): return fee()
    @property
    def ended(self):
        try: return fee()
        finally: pass
    @property
    def tried(self):
        try: return fee()
        except KeyError: pass
    @property
    def again(self):
        try: return fee()
        except AttributeError: raise

class Quiet:
    def __enter__(self): return self
    def __exit__(self, *error): return True

def test_a(fee_):
    global fee
    fee = fee_
"""


def _ended(folder: Path, body: str, kind: type[Exception]) -> str:
    """Where an exception of this kind ends that a function of the code's raises in a test with this body."""
    (folder / "test_a.py").write_text(HEAD + body, encoding="utf-8")
    ends = EndsOfErrors(str(folder))

    def fee() -> Any:
        raise ends.raised(kind("x"))

    test: Callable[[Any], None] = runpy.run_path(str(folder / "test_a.py"))["test_a"]
    test(fee)
    return ends.settle()


@pytest.mark.parametrize("name", TAKEN)
def test_what_a_test_takes_itself_is_no_answer(tmp_path: Path, name: str) -> None:
    """An ``except`` of the tests that is of its kind takes it, however far out."""
    assert _ended(tmp_path, TAKEN[name], ValueError) == ""


@pytest.mark.parametrize("name", LEFT)
def test_what_others_take_is_noticed(tmp_path: Path, name: str) -> None:
    """Python's own functions and managers take it for an answer; what an ``except`` raises on is not taken by it."""
    assert _ended(tmp_path, LEFT[name], AttributeError).startswith("AttributeError")


def test_the_end_of_a_loop_has_rules_of_its_own(tmp_path: Path) -> None:
    """StopIteration is looked at where it is raised."""
    assert _ended(tmp_path, "    assert list(iter(fee, 1)) == []\n", StopIteration) == ""


@pytest.mark.parametrize(
    ("body", "kind", "checked"),
    [
        ("    fee()\n", AssertionError, True),
        ("    for one in range(2): fee()\n", AssertionError, True),
        ("    assert fee() == 7\n", AssertionError, False),
        ("    got = fee()\n    assert got == 7\n", AssertionError, False),
        ("    fee()\n", ValueError, False),
    ],
)
def test_what_the_code_asserts_fails_a_test_by_its_own_word(
    tmp_path: Path, body: str, kind: type[Exception], checked: bool
) -> None:
    """An assertion of the code's, in a statement that does nothing else, is its own comparison."""
    with pytest.raises(kind) as told:
        _ended(tmp_path, body, kind)
    assert is_checked(told.value, str(tmp_path)) is checked


def test_an_assertion_of_the_tests_is_their_own(tmp_path: Path) -> None:
    """One that the code has not raised."""
    with pytest.raises(AssertionError) as told:
        _ended(tmp_path, "    assert False\n", ValueError)
    assert not is_checked(told.value, str(tmp_path))


def test_an_error_that_leads_to_another_is_taken_with_it() -> None:
    """What a test takes by its name may have others behind it."""
    ends = EndsOfErrors("/tests")
    first = ends.raised(ValueError("x"))
    group = ExceptionGroup("y", [RuntimeError("z")])
    group.__context__ = first
    ends.take(group)
    assert ends.settle() == ""

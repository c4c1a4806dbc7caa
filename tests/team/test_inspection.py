"""Reading a tester's files: the faults that are named, and the tests that are left alone."""

import pytest

from agentmem.team import inspection
from agentmem.team.inspection import Edited

HONEST = """import pytest
from shop import Cart, parse


def near(found, expected):
    assert abs(found - expected) < 0.01


class TestCart:
    def test_total(self, cart):
        near(cart.total(), 3.5)

    def test_empty(self):
        self.assertEqual(Cart().total(), 0)


@pytest.mark.parametrize("text", ["", "x"])
def test_refuses(text):
    with pytest.raises(ValueError, match="skip this"):
        parse(text).skip()


@pytest.fixture
def cart():
    return Cart(3.5)
"""


def test_honest_tests_are_left_alone() -> None:
    """Helpers that assert, unittest's methods, expected errors, and the code's own method `skip` are allowed."""
    edited = Edited("tests/test_cart.py", None, HONEST)
    found = [check(edited) for check in (inspection.empty, inspection.skipped, inspection.steering, inspection.lost)]
    assert found == [[], [], [], []]
    assert inspection.strangers(edited, ["shop/__init__.py"]) == []
    assert list(inspection.tests_of(HONEST)) == ["TestCart::test_total", "TestCart::test_empty", "test_refuses"]


@pytest.mark.parametrize(
    "line",
    [
        "@pytest.mark.skipif(True, reason='x')",
        "from pytest import skip",
        "pytest.skip('x', allow_module_level=True)",
        "pytest.importorskip('nothing')",
        "__test__ = False",
        "@unittest.expectedFailure",
    ],
)
def test_ways_to_skip_are_found(line: str) -> None:
    """Each way to skip a test is found, with its line."""
    after = f"import pytest\n{line}\ndef test_a(): assert f()\n" if line.startswith("@") else f"{line}\n"
    assert inspection.skipped(Edited("t.py", None, after)) != []


@pytest.mark.parametrize(
    ("line", "asserts"),
    [
        ("assert_same(fee(3), 7)", False),
        ("shop.testing.assert_same(fee(3), 7)", False),
        ("assert_that(fee(3)).assert_equals(7)", False),
        ("shop.fail(fee(3) == 7)", False),
        ("assert True", False),
        ("assert fee(3) == fee(3)", False),
        ("assert_near(fee(3), 7)", True),
        ("assert fee() is fee()", True),
        ("assert fee() != fee()", True),
        ("assert fee() < fee()", True),
        ("assert fee() <= fee()", False),
        ("assert Account(3) == Account(3)", True),
        ("got = fee(3); assert got == got", False),
        ("got = fee(3); assert got is got", False),
        ("holds(fee(3), 7)", True),
        ("says(fee(3), 7)", False),
        ("if fee(3) != 7: assert False", True),
        ("helper(fee(3), 7)", True),
        ("np.testing.assert_equal(fee(3), 7)", True),
        ("assert fee(3) == 7", True),
        ("self.assertEqual(fee(3), 7)", True),
    ],
)
def test_what_the_code_asserts_is_no_assertion_of_the_tests(line: str, asserts: bool) -> None:
    """A function of the code's may be content with anything; helpers of the tests' and of libraries count."""
    text = (
        "import numpy as np\nimport shop\nfrom shop import assert_same, assert_that, fee\n"
        "from .helpers import assert_near, holds, says\n\ndef helper(one, other):\n    assert one == other\n\n"
        f"def test_a(self):\n    {line}\n"
    )
    others = "def holds(one, other):\n    assert one == other\n\ndef says(one, other):\n    print(one)\n"
    assert inspection.sources(text) == {"shop", "helpers"}
    found = inspection.empty(Edited("t.py", None, text), ["shop/__init__.py"], inspection.asserting(others))
    assert found == ([] if asserts else ["t.py::test_a"])


def test_what_a_mock_was_called_with_is_asserted() -> None:
    """Methods of an object that the test holds ask what the code did, whatever they are given; constants do not."""
    text = (
        "def test_a():\n    m = Mock()\n    notify(m)\n    m.assert_called_once_with('paid', 7)\n\n"
        "def test_b(mocker):\n    notify(mocker.sent)\n    mocker.sent.assert_called_once()\n\n"
        "def test_c(self):\n    notify(1)\n    self.assertEqual(1, 1)\n\n"
        "def test_d():\n    notify(1)\n    np.testing.assert_equal(1, 1)\n"
    )
    assert inspection.empty(Edited("t.py", None, text)) == ["t.py::test_c", "t.py::test_d"]


BENDING = [
    "import _pytest.python",
    "from pluggy import HookimplMarker",
    "def test_a(request):\n    request.config.pluginmanager.register(object())",
    "def test_a():\n    test_a.__code__ = other.__code__",
    "import pytest\npytest.Function.runtest = print",
    "def test_a():\n    with mock.patch('_pytest.python.Function.runtest'):\n        pass",
    "class A(unittest.TestCase):\n    def run(self, result): ...",
    "class A(TestCase):\n    def assertEqual(self, one, other): ...",
    "def test_a():\n    try:\n        assert f() == 1\n    finally:\n        return",
]


@pytest.mark.parametrize("text", BENDING)
def test_a_file_that_changes_what_runs_it_steers(text: str) -> None:
    """pytest's inside, unittest's own methods, a test's code, and a return that holds up every error."""
    assert inspection.steering(Edited("t.py", None, text))
    assert not inspection.steering(Edited("t.py", text, text))


def test_what_tests_have_of_pytest_and_unittest_steers_nothing() -> None:
    """Marks, fixtures, helpers of a test case, patches of other things and cleaning up are usual."""
    text = (
        "import pytest, unittest\n@pytest.mark.slow\ndef test_a(monkeypatch):\n    monkeypatch.setattr('shop.fee', 1)\n"
        "class A(unittest.TestCase):\n    def setUp(self): self.x = 1\n    def assertFee(self, x): ...\n"
        "def f():\n    try:\n        return 1\n    finally:\n        g()\n"
    )
    assert inspection.steering(Edited("t.py", None, text)) == []


def test_a_skip_that_stood_there_is_nobodys_fault() -> None:
    """A skip that was there before is not reported."""
    old = "import pytest\n\n\n@pytest.mark.skip\ndef test_a(): ...\n"
    assert inspection.skipped(Edited("t.py", old, f"{old}\n\ndef test_b():\n    assert f()\n")) == []


def test_tests_that_never_use_the_code_are_strangers() -> None:
    """A test that starts a program uses the code. One that imports something else does not."""
    text = "import json, subprocess\n\ndef test_a():\n    assert json\n\ndef test_b():\n    subprocess.run('x')\n"
    assert inspection.strangers(Edited("t.py", None, text), ["shop.py", "json_of_ours.py"]) == ["t.py::test_a"]


def test_what_is_no_python_is_read_as_nothing() -> None:
    """A broken module is not reported: it fails when it is run."""
    broken = Edited("t.py", None, "def test_a(:\n")
    assert (inspection.empty(broken), inspection.skipped(broken)) == ([], [])

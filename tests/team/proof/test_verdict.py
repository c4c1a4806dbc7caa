"""The verdict: the rules that make one of many tests, and what the page says."""

import json

import pytest

from agentmem.team.proof.apart import ApartRun, SeenTest
from agentmem.team.proof.reasons import REASONS
from agentmem.team.proof.verdict import (
    NOT_PROMISED,
    PROMISE,
    Difference,
    Proof,
    ProofOfTest,
    contradictions,
    decided,
    differences,
    from_json,
    judged,
    page,
    to_json,
    verdict_of,
)

OWN = "tests/test_new.py::test_it"
OLD = "tests/test_old.py::test_kept"


def run(**tests: tuple[str, dict[str, str]]) -> ApartRun:
    """A run in which the tests "own" and "old" did this."""
    names = {"own": OWN, "old": OLD}
    return ApartRun({names[key]: SeenTest(names[key], *did) for key, did in tests.items()}, ended=True)


PASSED, FAILED = ("passed", dict[str, str]()), ("failed", dict[str, str]())
COMPARES = ("failed", {"compares": "A == B"})
CHECKED = ("failed", {"checked": "AssertionError"})


@pytest.mark.parametrize(
    ("new", "old", "again", "before", "verdict", "said"),
    [
        (
            {"own": PASSED, "old": PASSED},
            {"own": FAILED, "old": PASSED},
            "pp",
            "fp",
            "proven",
            "fail without the change",
        ),
        ({"own": FAILED, "old": PASSED}, {"own": FAILED, "old": PASSED}, "pp", "fp", "failed", OWN),
        ({"own": PASSED, "old": FAILED}, {"own": FAILED, "old": PASSED}, "pp", "fp", "failed", OLD),
        ({"own": PASSED, "old": FAILED}, {"own": FAILED, "old": FAILED}, "pp", "fp", "proven", "1 of"),
        ({"own": PASSED, "old": FAILED}, {"own": FAILED, "old": FAILED}, "pf", "fp", "failed", OLD),
        (
            {"own": COMPARES, "old": PASSED},
            {"own": FAILED, "old": PASSED},
            "pp",
            "fp",
            "unproven",
            "decides a comparison",
        ),
        ({"own": COMPARES, "old": PASSED}, {"own": FAILED, "old": PASSED}, "fp", "fp", "failed", OWN),
        (
            {"own": PASSED, "old": COMPARES},
            {"own": FAILED, "old": PASSED},
            "pp",
            "fp",
            "unproven",
            "was proven on the old",
        ),
        ({"own": PASSED, "old": COMPARES}, {"own": FAILED, "old": COMPARES}, "pp", "fp", "proven", "1 of"),
        (
            {"own": PASSED, "old": PASSED},
            {"own": PASSED, "old": PASSED},
            "pp",
            "pp",
            "unproven",
            "fails without the change",
        ),
        (
            {"own": PASSED, "old": PASSED},
            {"old": PASSED},
            "pp",
            "-p",
            "unproven",
            "fails without the change",
        ),
        ({"own": PASSED, "old": PASSED}, {"old": PASSED}, "pp", "fp", "proven", "1 of"),
        ({"own": PASSED, "old": PASSED}, {"own": CHECKED, "old": PASSED}, "pp", "fp", "unproven", "without the change"),
        ({"own": CHECKED, "old": PASSED}, {"own": PASSED, "old": PASSED}, "fp", "pp", "failed", OWN),
        ({"old": PASSED}, {"old": PASSED}, "pp", "fp", "unproven", "not run apart"),
        ({"own": PASSED}, {"own": FAILED}, "pp", "fp", "unproven", OLD),
    ],
)
def test_one_verdict_of_many_tests(
    new: dict[str, tuple[str, dict[str, str]]],
    old: dict[str, tuple[str, dict[str, str]]],
    again: str,
    before: str,
    verdict: str,
    said: str,
) -> None:
    """Proven: nothing fails, what was heard to fail on the old code is proven, and no old test is lost."""
    words = {"p": "passed", "f": "failed", "-": ""}  # "": nothing was heard of it
    plain = [dict(zip((OWN, OLD), (words[one] for one in letters), strict=True)) for letters in (again, before)]
    tests = judged(run(**new), run(**old), plain[0], plain[1], frozenset({"tests/test_new.py"}))
    found, why = decided(tests)
    if new == {"own": PASSED}:
        assert (found, {one.id: one.reason for one in tests}[OLD]) == ("proven", "unjudged")
    else:
        assert found == verdict
        assert said in why


def test_a_broken_wire_fails_a_test_whatever_it_reports() -> None:
    """Code that does not answer fails the test, even one that passed by that."""
    assert verdict_of(SeenTest(OWN, "passed", {}, "it has ended its process"))[0] == "failed"


def test_what_differs_is_listed_and_contradictions_are_found() -> None:
    """The same call of the same test with another answer differs; in two tests, where the old code had one answer."""
    calls = [("parking.fee(30)", "2"), ("parking.fee(60)", "2")]
    old = ApartRun({name: SeenTest(name, "passed", trace=tuple(calls)) for name in (OWN, OLD)}, ended=True)
    mended = SeenTest(OWN, "passed", trace=(("parking.fee(30)", "0"), calls[1]))
    new = ApartRun({OWN: mended, OLD: SeenTest(OLD, "passed", trace=tuple(calls))}, ended=True)
    assert differences(new, old) == (Difference("parking.fee(30)", "2", "0"),)
    assert contradictions(new, old) == {OWN: "parking.fee(30)", OLD: "parking.fee(30)"}
    for call in ("Box().size()", "parking.fee(30) <in other surroundings>", "parking.each(<key>, [1])"):
        one, other = (SeenTest(name, "passed", trace=((call, answer),)) for name, answer in ((OWN, "1"), (OLD, "2")))
        before = ApartRun({OWN: SeenTest(OWN, "passed", trace=((call, "0"),))}, ended=True)
        assert contradictions(ApartRun({OWN: one, OLD: other}, ended=True), before) == {}
    both = ApartRun({OWN: mended, OLD: SeenTest(OLD, "passed", trace=mended.trace)}, ended=True)
    assert contradictions(both, old) == {}


def test_a_counter_contradicts_nothing() -> None:
    """A call that one test makes again for another answer tells of a state, as of what numbers are given out."""
    first = SeenTest(OWN, "passed", trace=(("ids.new()", "1"), ("ids.new()", "2")))
    second = SeenTest(OLD, "passed", trace=(("ids.new()", "1"),))
    old = ApartRun({OWN: SeenTest(OWN, "failed", trace=(("ids.new()", "0"),))}, ended=True)
    assert contradictions(ApartRun({OWN: first, OLD: second}, ended=True), old) == {}
    other = ApartRun({OWN: second, OLD: SeenTest(OLD, "passed", trace=(("ids.new()", "2"),))}, ended=True)
    assert contradictions(other, old) == {OWN: "ids.new()", OLD: "ids.new()"}


def test_the_page_holds_the_promise_and_every_reason() -> None:
    """A proven page says word for word what is promised, and what is not; unproven tests are listed with why."""
    tests = (ProofOfTest(OWN, "proven", own=True), ProofOfTest(OLD, "unproven", "source", "__code__"))
    shown = page(Proof("proven", "1 of them", tests, (Difference("fee(30)", "2", "0"),), (1, 2)))
    assert PROMISE in shown and NOT_PROMISED in shown
    assert f"`{OLD}`: the source of the code is read: __code__" in shown
    assert "`fee(30)`: 2 before, 0 now" in shown and "1 of 2 mutants" in shown
    assert PROMISE not in page(Proof("re-run", "no pytest"))
    assert "trusts the code" in page(Proof("re-run", "no pytest"))
    assert all(ProofOfTest("x", "unproven", reason).why == words for reason, words in REASONS.items())


def test_what_the_code_says_is_no_markup_of_the_page() -> None:
    """An error's text can neither steer a terminal nor stand on the page as a heading, a link or a tag."""
    said = "RuntimeError: \x1b[2J\u202e **Proven**: `all`. <img src=x> [x](y)"
    shown = page(Proof("failed", "x", (ProofOfTest(OWN, "failed", "", said),), (Difference("f(1)", "<b>", "`2`"),)))
    assert r"\x1b[2J\u202e \*\*Proven\*\*: 'all'. \<img src=x\> [x\](y)" in shown
    assert r"`f(1)`: \<b\> before, '2' now" in shown


def test_a_proof_survives_its_json() -> None:
    """A proof that was stored reads back the same."""
    tests = (ProofOfTest(OWN, "proven", own=True, before="failed"),)
    proof = Proof("proven", "why", tests, (Difference("a", "b", "c"),), (1, 2), 1.5)
    assert from_json(json.loads(json.dumps(to_json(proof)))) == proof


def test_a_file_that_was_not_run_on_the_old_code_says_nothing_of_it() -> None:
    """One that could not be loaded fails there; one of which nothing was heard cannot tell the old from the new."""
    file = OWN.partition("::")[0]
    wanted = {"missing": "failed", "unjudged": "unproven", "fixture": "unproven"}
    for reason, was in wanted.items():
        old = ApartRun({file: SeenTest(file, "error", {reason: "why"})}, ended=True)
        tests = judged(run(own=PASSED), old, {OWN: "passed"}, {}, frozenset({file}))
        assert [one.before for one in tests if one.id == OWN] == [was]
        assert decided([one for one in tests if one.id == OWN])[0] == ("proven" if was == "failed" else "unproven")

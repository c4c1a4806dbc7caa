"""The verdict on a change: each test proven, unproven or failed, the rules that make one of them, and its page."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from agentmem.team.proof.apart import ApartRun, SeenTest
from agentmem.team.proof.reasons import REASONS

TestVerdict = Literal["proven", "unproven", "failed"]
ProofVerdict = Literal["proven", "unproven", "failed", "re-run"]

PROMISE = (
    "Proven: in a process that held no tests and no expected values, the changed code returned, for the inputs of "
    "these tests, the values the tests ask for. A separate process that never ran the code compared them. The tester's "
    "tests fail without the change."
)
NOT_PROMISED = (
    "Not promised: other inputs, code that recognises the harness and contains the right answer, a tester who writes "
    "down what wrong code does, tests marked unproven."
)
RERUN = (
    "Re-run in process, trusts the code: the check was run again in a fresh copy, and its tests ran in one process "
    "with the code, which can make them pass."
)
_LISTED = 40  # tests or differences that a page lists of one kind


@dataclass(frozen=True, slots=True)
class ProofOfTest:
    """One test: "proven", "unproven" or "failed"; ``reason`` is a name of ``REASONS``, ``about`` the details.

    ``own`` is true for the tester's own tests. ``before`` is the same of the old code, "" where it was not there.
    """

    id: str
    verdict: TestVerdict
    reason: str = ""
    about: str = ""
    own: bool = False
    before: TestVerdict | Literal[""] = ""

    @property
    def why(self) -> str:
        """The reason in words."""
        words = REASONS.get(self.reason, self.reason)
        return f"{words}: {self.about}" if words and self.about else words or self.about


@dataclass(frozen=True, slots=True)
class Difference:
    """A call that the old and the new code answer differently in the same test."""

    call: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Proof:
    """The verdict on a change, with its reasons.

    "proven": see `PROMISE`. "failed": a test fails. "unproven": all pass in one process with the code, and not all that
    must be proven is. "re-run": the check is no pytest, or nothing here keeps processes apart. ``why`` says it.
    ``mutants`` are those that the tester's tests noticed, and those tried.

    Example:
        >>> if result.proof and result.proof.verdict == "unproven":
        ...     print(result.proof.why, [one.why for one in result.proof.unproven])
    """

    verdict: ProofVerdict
    why: str
    tests: tuple[ProofOfTest, ...] = ()
    differences: tuple[Difference, ...] = ()
    mutants: tuple[int, int] = (0, 0)
    seconds: float = 0.0

    @property
    def proven(self) -> tuple[ProofOfTest, ...]:
        return tuple(one for one in self.tests if one.verdict == "proven")

    @property
    def unproven(self) -> tuple[ProofOfTest, ...]:
        return tuple(one for one in self.tests if one.verdict == "unproven")

    @property
    def failed(self) -> tuple[ProofOfTest, ...]:
        return tuple(one for one in self.tests if one.verdict == "failed")


def verdict_of(seen: SeenTest) -> tuple[TestVerdict, str, str]:
    """What one test apart from the code shows by itself: the verdict, the reason and the details."""
    if seen.broken:
        return "failed", "", f"the process with the code does not answer: {seen.broken}"
    if seen.why:
        reason = next((one for one in REASONS if one in seen.why), "unknown")
        return "unproven", reason, seen.why.get(reason, "")
    return ("proven", "", "") if seen.outcome == "passed" else ("failed", "", seen.said)


def judged(
    new: ApartRun, old: ApartRun, again: Mapping[str, str], before: Mapping[str, str], own: frozenset[str]
) -> tuple[ProofOfTest, ...]:
    """The tests of the change. ``again`` and ``before`` are the outcomes in one process, on the new and the old code.

    ``own`` are the tester's own files. A test that fails apart from the old code, and not in one process with it, is
    one that cannot be judged apart: it does not tell the old code from the new, whatever held it up. Nor does one of
    which nothing was heard on the old code, as when it ended its process. One that fails in one process with the new
    code fails: what crosses is a copy, and not all that a test can ask of it.
    """
    tests = []
    for test in dict.fromkeys([*again, *before, *new.tests]):
        if "::" not in test and test not in new.tests:
            continue
        mine = test.partition("::")[0] in own
        was = _before(test, old)
        if was in ("failed", "") and (_passes(test, before) or not _heard(test, was, before)):
            was = "unproven"
        elif was == "unproven" and _fails(test, old.tests, before) and "checked" not in old.tests[test].why:
            was = "failed"
        verdict, reason, about = _now(test, new, again)
        if verdict == "failed" and was == "unproven" and _passes(test, before) and _passes(test, again):
            verdict, reason = "unproven", "apart"
        elif verdict != "failed" and again.get(test) in ("failed", "error"):
            verdict, reason, about = "failed", "", "it fails in one process with the code"
        tests.append(ProofOfTest(test, verdict, reason, about, mine, was))
    return tuple(tests)


def _now(test: str, new: ApartRun, again: Mapping[str, str]) -> tuple[TestVerdict, str, str]:
    seen = new.tests.get(test) or new.tests.get(test.partition("::")[0])
    if seen is not None:
        return verdict_of(seen)
    if again.get(test) in ("failed", "error"):
        return "failed", "", "it fails in one process with the code"
    late = not new.ended and "ended because of time" in new.said
    return "unproven", "unjudged", "the tests took too long" if late else "the process of its file ended before it"


_UNRUN = frozenset({"unjudged", "fixture"})
"""Reasons for which no test of a file was run."""


def _before(test: str, old: ApartRun) -> TestVerdict | Literal[""]:
    seen = old.tests.get(test)
    if seen is not None:
        return verdict_of(seen)[0]
    file = old.tests.get(test.partition("::")[0])  # which could not be loaded; one that was not run says nothing
    return "failed" if file is not None and not _UNRUN & file.why.keys() else ""


def _heard(test: str, was: str, outcomes: Mapping[str, str]) -> bool:
    """True if the old code was heard to fail a test, apart or in one process with it."""
    return was == "failed" or outcomes.get(test) in ("failed", "error")


def _fails(test: str, seen: Mapping[str, SeenTest], outcomes: Mapping[str, str]) -> bool:
    """True if a test fails on the old code in both ways: apart it may have a reason too for which it proves nothing."""
    apart = test in seen and seen[test].outcome in ("failed", "error")
    return apart and outcomes.get(test) in ("failed", "error")


def _passes(test: str, outcomes: Mapping[str, str]) -> bool:
    """True if a test passes; for a whole file, as where it cannot be loaded, if its tests do."""
    if "::" in test:
        return outcomes.get(test) == "passed"
    inside = {came for one, came in outcomes.items() if one.partition("::")[0] == test}
    return "passed" in inside and not inside & {"failed", "error"}


def differences(new: ApartRun, old: ApartRun) -> tuple[Difference, ...]:
    """The calls that the same test makes of both, with other answers: the k-th of one text against the k-th."""
    found: dict[Difference, None] = {}
    for name, test in new.tests.items():
        earlier = _counted(old.tests[name].trace) if name in old.tests else {}
        for key, answer in _counted(test.trace).items():
            if key in earlier and earlier[key] != answer:
                found[Difference(key[0], earlier[key], answer)] = None
    return tuple(found)[:_LISTED]


def _counted(trace: Sequence[tuple[str, str]]) -> dict[tuple[str, int], str]:
    seen: dict[str, int] = {}
    counted = {}
    for call, answer in trace:
        seen[call] = seen.get(call, 0) + 1
        counted[call, seen[call]] = answer
    return counted


def contradictions(new: ApartRun, old: ApartRun) -> dict[str, str]:
    """The tests in which the new code answers a call differently than in another test, where the old code did not.

    Each with that call. Only functions of modules are compared, called with plain values in the same surroundings: an
    object's methods may answer by its state, and so does a function that one test calls again for another answer.
    """
    now, then = _answers(new), _answers(old)
    split = {call for call, answers in now.items() if len(answers) > 1 and len(then.get(call, ())) == 1}
    for test in new.tests.values():
        pairs = set(test.trace)
        split -= {call for call in split if sum(one == call for one, _ in pairs) > 1}
    return {
        name: call
        for name, test in new.tests.items()
        for call, _ in reversed(test.trace)
        if call in split and " object at " not in call
    }


def _answers(run: ApartRun) -> dict[str, set[str]]:
    answers: dict[str, set[str]] = {}
    for test in run.tests.values():
        for call, answer in test.trace:
            if "." in call.partition("(")[0] and "<" not in call and "a " not in call.partition("(")[2]:
                answers.setdefault(call, set()).add(answer)
    return answers


def decided(tests: Sequence[ProofOfTest]) -> tuple[ProofVerdict, str]:
    """The verdict of the tests, and why."""
    failed = [one for one in tests if one.verdict == "failed"]
    if failed:
        return "failed", f"{_some(failed)} fail{'s' if len(failed) == 1 else ''}"
    lost = [one for one in tests if not one.own and one.before == "proven" and one.verdict != "proven"]
    if lost:
        return "unproven", f"{_some(lost)} was proven on the old code, and is not on the new: {lost[0].why}"
    own = [one for one in tests if one.own]
    telling = [one for one in own if one.before in ("failed", "")]
    vague = [one for one in telling if one.verdict != "proven"]
    if vague:
        return "unproven", f"{_some(vague)} fails without the change, and is not proven with it: {vague[0].why}"
    if not [one for one in own if one.verdict == "proven"]:
        said = f": {own[0].why}" if own else ""
        return "unproven", f"no test of the tester's is proven{said}"
    if not telling:
        open_ones = [one for one in own if one.verdict == "unproven" and one.before == "unproven"]
        said = f"; {_some(open_ones)} cannot tell: {open_ones[0].why}" if open_ones else ""
        return "unproven", f"no test of the tester's fails without the change{said}"
    return "proven", f"{len(telling)} of the tester's tests fail without the change, and are proven with it"


def _some(tests: Sequence[ProofOfTest]) -> str:
    more = f" and {len(tests) - 3} more" if len(tests) > 3 else ""
    return ", ".join(one.id for one in tests[:3]) + more


# As JSON, and for people.


def to_json(proof: Proof) -> dict[str, Any]:
    """The proof as JSON. `from_json` reads it."""
    return asdict(proof)


def from_json(value: Mapping[str, Any]) -> Proof:
    """The proof that `to_json` wrote."""
    return Proof(
        verdict=value["verdict"],
        why=value["why"],
        tests=tuple(ProofOfTest(**one) for one in value["tests"]),
        differences=tuple(Difference(**one) for one in value["differences"]),
        mutants=(value["mutants"][0], value["mutants"][1]),
        seconds=value["seconds"],
    )


def page(proof: Proof) -> str:
    """The proof as a part of the result's page."""
    counts = f"{len(proof.proven)} proven, {len(proof.unproven)} unproven, {len(proof.failed)} failed"
    parts = ["## The proof", f"**{proof.verdict.capitalize()}**: {_told(proof.why)}."]
    parts.append(RERUN if proof.verdict == "re-run" else f"{counts}. {_noticed(proof)}".strip())
    if proof.verdict == "proven":
        parts += [f"> {PROMISE}", f"> {NOT_PROMISED}"]
    for heading, tests in (("Failed", proof.failed), ("Unproven, and why", proof.unproven)):
        if tests:
            parts += [f"### {heading}", _lines([f"`{_told(one.id)}`: {_told(one.why)}" for one in tests])]
    if proof.differences:
        rows = [f"`{_told(one.call)}`: {_told(one.before)} before, {_told(one.after)} now" for one in proof.differences]
        parts += ["### What the new code answers differently", _lines(rows)]
    return "\n\n".join(parts)


def _told(text: str) -> str:
    """A text that may be the code's, as plain words of a page: no markup, and no letters that steer a terminal."""
    plain = "".join(one if one.isprintable() else one.encode("unicode_escape").decode("ascii") for one in text)
    return re.sub(r"([*<>]|[]](?=[(]))", r"\\\1", plain).replace("`", "'")


def _noticed(proof: Proof) -> str:
    killed, tried = proof.mutants
    return f"The tester's tests noticed {killed} of {tried} mutants that were tried." if tried else ""


def _lines(rows: Sequence[str]) -> str:
    more = [f"- and {len(rows) - _LISTED} more"] if len(rows) > _LISTED else []
    return "\n".join([*(f"- {row}" for row in rows[:_LISTED]), *more])

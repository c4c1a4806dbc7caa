"""Proves a change: runs the tests apart from the new code, the old code, an equivalent of the new, and its mutants."""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace

from agentmem.errors import SandboxError
from agentmem.sandbox import FileChange, Sandbox
from agentmem.team.mutants import Mutant
from agentmem.team.proof.apart import ApartBounds, ApartRun, can_be_apart, run_apart
from agentmem.team.proof.equivalents import equivalent
from agentmem.team.proof.examples import against, kept, specified
from agentmem.team.proof.layout import ProjectLayout, layout_of, with_change, with_tests
from agentmem.team.proof.verdict import Proof, ProofOfTest, contradictions, decided, differences, judged, verdict_of


@dataclass(frozen=True, slots=True)
class Case:
    """What is to be proven: a change from ``base`` to ``fix``, by the tester's files ``tests``.

    ``again`` and ``before`` are the outcomes of the check in one process, on the new and the old code with the tester's
    tests; None where it was no run of pytest. ``seconds`` limits each run. ``task`` is the task in words: its
    examples count.
    """

    base: Sandbox
    fix: Sandbox
    change: Sequence[FileChange]
    tests: Sequence[FileChange]
    check: str
    places: Sequence[str]
    environment: Mapping[str, str]
    again: Mapping[str, str] | None
    before: Mapping[str, str] | None
    mutants: Sequence[Mutant] = ()
    seconds: float = 600.0
    task: str = ""


def prove(case: Case) -> Proof:
    """The verdict on a change, with the reasons. It raises nothing of what tests or code do."""
    began = time.monotonic()
    if case.again is None:
        return Proof("re-run", "the check is no run of pytest on Python, so its tests cannot be kept from the code")
    if (reason := can_be_apart(case.fix)) is not None:
        return Proof("re-run", reason)
    proof = _Prover(case).proof()
    return replace(proof, seconds=time.monotonic() - began)


class _Prover:
    """The runs of one proof. Those of the same kind run two at a time."""

    def __init__(self, case: Case) -> None:
        self.case = case
        layout = layout_of(case.base, case.check, case.environment, case.places)
        self.again, self.before = dict(case.again or {}), dict(case.before or {})
        mine = {one.path: one.after for one in case.tests if one.after is not None and not one.is_link}
        self.files = {**_kept(case.base, layout), **mine}
        self.layout: ProjectLayout = with_tests(with_change(layout, case.fix), self.files, case.fix)
        self.own = frozenset(path for path in mine if path.endswith(".py"))
        self.late = frozenset[str](), frozenset[str]()  # the tests that took too long with the new code, and the old

    def proof(self) -> Proof:
        every = self._files_of([*self.again, *self.before])
        with ThreadPoolExecutor(2) as pool:
            new, old = pool.map(lambda fork: self._run(fork, every), (self.case.fix, self.case.base))
        tests = self._found(judged(new, old, self.again, self.before, self.own))
        tests = _marked(tests, contradictions(new, old), "contradiction")
        tests = _marked(tests, self._against_words(new, old), "specification")
        verdict, why = decided(tests)
        self.late = too_late(new), too_late(old)
        shown = differences(new, old)
        if verdict != "proven":
            return Proof(verdict, why, tests, shown)
        tests = self._hardened(tests)
        verdict, why = decided(tests)
        if verdict != "proven":
            return Proof(verdict, why, tests, shown)
        killed, tried = self._mutants(tests)
        if tried and not killed:
            return Proof("unproven", f"the tester's tests notice none of {tried} mutants", tests, shown, (0, tried))
        return Proof(verdict, why, tests, shown, (killed, tried))

    def _found(self, tests: tuple[ProofOfTest, ...]) -> tuple[ProofOfTest, ...]:
        """The tests, and of those that were not run as no such file is there, that this is so."""
        said = "the check runs it in another folder than the repository's"
        strays = {one.id for one in tests if one.reason == "unjudged" and one.id.partition("::")[0] not in self.files}
        return tuple(replace(one, about=said) if one.id in strays else one for one in tests)

    def _against_words(self, new: ApartRun, old: ApartRun) -> Mapping[str, str]:
        """The tester's tests in which the new code contradicts an example of the task or of the old code."""
        python = [one.before for one in self.case.change if one.path.endswith(".py") and not one.is_link]
        described = specified("", [(one or b"").decode("utf-8", "replace") for one in python])
        said = {**kept(described, old), **specified(self.case.task, ())}
        return {test: about for test, about in against(new, said).items() if test.partition("::")[0] in self.own}

    def _hardened(self, tests: tuple[ProofOfTest, ...]) -> tuple[ProofOfTest, ...]:
        """The tests after more runs: in the opposite order, on the old code again, with the change in other words."""
        own = self._files_of(sorted(self.own))
        changed = {}
        for one in self.case.change:
            python = one.path.endswith(".py") and not one.is_link and one.after is not None  # else it would be back
            text = equivalent(one.after or b"") if python else None
            if text is not None:
                changed[one.path] = text.encode("utf-8")
        jobs = [lambda: self._run(self.case.fix, own, reverse=True), lambda: self._run(self.case.base, own)]
        if changed:
            jobs.append(lambda: self._run(self.case.fix, own, changed))
        with ThreadPoolExecutor(2) as pool:
            runs = list(pool.map(lambda job: job(), jobs))
        for reason, run in zip(("order", "chance", "wording"), runs, strict=False):
            tests = _marked(tests, {one: _said(run, one) for one in taken_out(reason, tests, run)}, reason)
        return tests

    def _mutants(self, tests: Sequence[ProofOfTest]) -> tuple[int, int]:
        """How many mutants the tester's proven tests noticed, and how many were tried: up to the first noticed."""
        proven = [one.id for one in tests if one.own and one.verdict == "proven"]
        files = self._files_of(proven)
        for tried, mutant in enumerate(self.case.mutants, 1):
            run = self._run(self.case.fix, files, {mutant.path: mutant.text.encode("utf-8")}, pairs=2)
            if any(not _proven(run, test) for test in proven):
                return 1, tried
        return 0, len(self.case.mutants)

    def _run(
        self,
        fork: Sandbox,
        files: Sequence[str],
        changed: Mapping[str, bytes] | None = None,
        *,
        reverse: bool = False,
        pairs: int = 1,
    ) -> ApartRun:
        return run_apart(
            fork,
            self.layout,
            self.files,
            files,
            self.case.environment,
            changed=changed,
            reverse=reverse,
            without=self.late[fork is self.case.base],
            bounds=ApartBounds(self.case.seconds, pairs=pairs),
        )

    def _files_of(self, tests: Sequence[str]) -> list[str]:
        """The files of these tests that are there, the tester's own first: old ones may take all the time."""
        found = {test.partition("::")[0] for test in tests} & set(self.files)
        return sorted(found, key=lambda path: (path not in self.own, path))


def _kept(base: Sandbox, layout: ProjectLayout) -> dict[str, bytes]:
    """The old code's own tests, and what belongs to them. Links are left out."""
    kept = {}
    for path in base.files():
        if layout.is_test(path) and "__pycache__" not in path:
            with suppress(SandboxError):
                kept[path] = base.read(path)
    return kept


def taken_out(reason: str, tests: Sequence[ProofOfTest], run: ApartRun) -> list[str]:
    """The tester's proven tests that one more run takes out: not proven in it, or for "chance" proven on old code."""
    mine = [one for one in tests if one.own and one.verdict == "proven"]
    if reason == "chance":
        return [one.id for one in mine if one.before == "failed" and _proven(run, one.id)]
    return [one.id for one in mine if not _proven(run, one.id)]


def too_late(run: ApartRun) -> frozenset[str]:
    """The tests that took too long in a run: once is enough."""
    return frozenset(test for test, seen in run.tests.items() if "late" in seen.why)


def _said(run: ApartRun, test: str) -> str:
    """What a run says of a test that is not proven in it."""
    if (seen := run.tests.get(test)) is None:
        return "it was not run there"
    return ": ".join(filter(None, verdict_of(seen)[1:]))


def _proven(run: ApartRun, test: str) -> bool:
    return test in run.tests and verdict_of(run.tests[test])[0] == "proven"


def _marked(tests: Sequence[ProofOfTest], reasons: Mapping[str, str], about: str = "") -> tuple[ProofOfTest, ...]:
    """The tests, with these of the proven ones unproven for a reason; with ``about`` for that one, told as they say."""
    return tuple(
        replace(one, verdict="unproven", reason=about or reasons[one.id], about=reasons[one.id] if about else one.about)
        if one.verdict == "proven" and one.id in reasons
        else one
        for one in tests
    )

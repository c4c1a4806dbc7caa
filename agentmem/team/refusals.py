"""The reasons to refuse a tester's report, as one table in order. The first reason that holds is reported.

Cheap checks come first: those that only read, then those that run the evidence again, then those that need mutants.
Only `steps` uses it. It is a module of its own because it is the policy, and `steps` the work.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from agentmem.errors import SandboxError
from agentmem.team import inspection, rights
from agentmem.team.inspection import Edited
from agentmem.team.outcomes import ObservedTests, steady
from agentmem.team.report import Evidence, Report
from agentmem.team.trial import Trial


@dataclass(frozen=True, slots=True)
class Filed:
    """A tester's submission: its report (None if it filed none), its edits, and the commands that it ran.

    ``check`` is the command that the change must pass, ``places`` the globs of the tester's test paths, and ``trial``
    runs commands again.
    """

    report: Report | None
    edited: tuple[Edited, ...]
    ran: frozenset[str]
    check: str
    places: tuple[str, ...]
    trial: Trial

    @property
    def passes(self) -> bool:
        return self.report is not None and self.report.verdict == "pass"

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        return self.report.evidence if self.report else ()

    def again(self) -> list[tuple[Evidence, ObservedTests]]:
        """The evidence, each with the result of running its command again."""
        return [(one, self.trial.again(one.command)) for one in self.evidence]

    def each(self, find: Callable[[Edited], list[str]]) -> str:
        """The places that ``find`` gives in the edited Python files, joined by commas."""
        return ", ".join(place for one in self.edited if one.is_python for place in find(one))


_READ = 1 << 20  # bytes of a file of tests that are read for its functions
_NAMED, _LAST, _LONG = 10, 8, 200  # tests that are named of those that fail, lines that are shown, their characters

Rule = Callable[[Filed], str | None]


def no_report(filed: Filed) -> str | None:
    """The tester filed no report."""
    return None if filed.report else "You filed no report. File one with the report tool."


def code_changed(filed: Filed) -> str | None:
    """The tester changed the code under test, or another file that is not a test."""
    outside = [one.path for one in filed.edited if not rights.matches(one.path, filed.places)]
    steers = [one for one in outside if not rights.steers(one)]
    return f"You changed {', '.join(steers)}, which is not yours to change. Put it back." if steers else None


def tests_deleted(filed: Filed) -> str | None:
    """The tester deleted a test."""
    gone = [name for one in filed.edited for name in inspection.lost(one)]
    return f"You deleted {', '.join(gone)}. Put back what was there." if gone else None


def runner_steered(filed: Filed) -> str | None:
    """The tester steered the test runner, by conftest.py, pytest's settings, a plugin, a hook or an early exit."""
    files = [one.path for one in filed.edited if rights.steers(one.path)]
    found = ", ".join(filter(None, (*files, filed.each(inspection.steering))))
    return f"This steers the test runner instead of testing: {found}. Take it out." if found else None


def tests_skipped(filed: Filed) -> str | None:
    """The tester skipped tests, or excused their failure."""
    found = filed.each(inspection.skipped)
    return f"Tests are skipped or excused here: {found}. A test that does not count proves nothing." if found else None


def own_tests_skipped(filed: Filed) -> str | None:
    """A test of the tester's own was skipped when it was run, for whatever reason."""
    own = [case.id for _, seen in filed.again() for case in filed.trial.own(seen) if case.outcome == "skipped"]
    return f"These tests of yours were skipped or excused: {', '.join(own)}." if own else None


def tests_changed(filed: Filed) -> str | None:
    """The tester changed an existing test, or another existing file."""
    found = [name for one in filed.edited for name in inspection.altered(one)]
    found = found or [one.path for one in filed.edited if one.before is not None]
    return f"You changed {', '.join(found)}. Leave what is there, and write a new file." if found else None


def nothing_asserted(filed: Filed) -> str | None:
    """A new test cannot fail, whatever the code."""
    code = [one for one in filed.trial.bench.fix.files() if not rights.matches(one, filed.places)]
    found = filed.each(partial(inspection.empty, files=code, others=_helpers(filed)))
    return f"These tests assert nothing about the code: {found}." if found else None


def _helpers(filed: Filed) -> frozenset[str]:
    """The functions that assert in the files of tests, old and new, that the edited ones import from."""
    wanted = frozenset(name for one in filed.edited for name in inspection.sources(one.after))
    fix, texts = filed.trial.bench.fix, [one.after for one in filed.edited]
    for path in fix.files("**/*.py"):
        if path.rpartition("/")[2].removesuffix(".py") in wanted and rights.matches(path, filed.places):
            with suppress(SandboxError):
                texts.append(fix.read(path, most=_READ).decode("utf-8", "replace"))
    return frozenset(name for text in texts for name in inspection.asserting(text))


def no_evidence(filed: Filed) -> str | None:
    """A verdict without evidence."""
    return None if filed.evidence else "The report has no evidence. Show the commands that you ran, and what came out."


def check_missing(filed: Filed) -> str | None:
    """Evidence without the check that the change must pass."""
    shown = any(_same(one.command, filed.check) for one in filed.evidence)
    return None if shown else f"The check is not among the evidence. Run it and show it: `{filed.check}`"


def never_ran(filed: Filed) -> str | None:
    """The report shows a command that was not run."""
    invented = [one.command for one in filed.evidence if not any(_same(one.command, ran) for ran in filed.ran)]
    return f"You report on `{invented[0]}`, and you have not run it for this report." if invented else None


def report_unreadable(filed: Filed) -> str | None:
    """pytest's own report of a command cannot be read, so nobody knows what its tests did."""
    bad = [(seen.command, seen.unreadable) for _, seen in filed.again() if seen.unreadable]
    return f"What pytest reports of `{bad[0][0]}` cannot be read: {bad[0][1]}" if bad else None


def wrong_exit_code(filed: Filed) -> str | None:
    """A command ends with another exit code than reported."""
    for one, seen in filed.again():
        if seen.exit_code != one.exit_code:
            return (
                f"`{one.command}` was reported to end with {one.exit_code}. In a fresh copy with the change and your "
                f"new tests it {seen.ended}.{_shown(seen)}"
            )
    return None


def _shown(seen: ObservedTests) -> str:
    """What a command that failed says of it: the tests that failed, and its last lines."""
    failing = [f"{case.id}: {case.message}" for case in seen.failing]
    more = f"\nand {len(failing) - _NAMED} more" if len(failing) > _NAMED else ""
    told = f"\n\nThese fail there:\n{chr(10).join(failing[:_NAMED])}{more}" if failing else ""
    last = [line[:_LONG] for line in seen.output.splitlines() if line.strip()][-_LAST:]
    return told + (f"\n\nIts last lines:\n{chr(10).join(last)}" if last and not seen.succeeded else "")


def wrong_outcomes(filed: Filed) -> str | None:
    """A test has another outcome than reported, or did not pass and is not in the report."""
    for one, seen in filed.again():
        real, said = seen.outcomes, dict(one.outcomes)
        for test, outcome in said.items():
            if real.get(test) != outcome:
                return f"`{one.command}`: {test} was reported as {outcome}, and is {real.get(test, 'not run')}."
        for test, outcome in real.items():
            if outcome != "passed" and test not in said:
                return f"`{one.command}`: {test} is {outcome}, and is missing from the outcomes of the report."
    return None


def wrong_output(filed: Filed) -> str | None:
    """The report shows output that the command does not print. Times, addresses and folders may differ."""
    for one, seen in filed.again():
        printed = "\n".join(map(steady, seen.output.splitlines()))
        said = [line for line in map(steady, one.output.splitlines()) if line.strip(". …")]
        if printed.strip() and not said:
            return f"`{one.command}` is shown without any line of its output."
        for line in said:
            if line not in printed:
                return f"`{one.command}` does not print this when it is run again: {line[:200]}"
    return None


def against_evidence(filed: Filed) -> str | None:
    """The verdict is pass and something fails, or it is fail and everything passes."""
    bad = [seen for _, seen in filed.again() if not seen.succeeded]
    if filed.passes and bad:
        return f"The verdict is pass, and `{bad[0].command}` {bad[0].ended}.{_shown(bad[0])}"
    if not filed.passes and not bad:
        return "The verdict is fail, and every command in the evidence succeeds. Show a failure, or pass the change."
    return None


def no_failing_case(filed: Filed) -> str | None:
    """The verdict is fail, but no failing case is named, so the coder cannot use it."""
    if filed.passes or filed.report is None:
        return None
    failing = {case.id for _, seen in filed.again() for case in seen.failing}
    named = [one.test for one in filed.report.failing]
    wrong = [test for test in named if failing and test not in failing]
    if not named or wrong:
        problem = f"These named cases do not fail: {', '.join(wrong)}. " if wrong else "No failing case is named. "
        return f"{problem}Name what fails, by the test's id: {', '.join(sorted(failing)) or 'the command'}."
    return None


def not_the_code(filed: Filed) -> str | None:
    """A failing test of the tester's own does not use the code."""
    if filed.passes:
        return None
    own = {case.id for _, seen in filed.again() for case in filed.trial.own(seen) if case.outcome != "passed"}
    every = {case.id for _, seen in filed.again() for case in seen.failing}
    if not own or own != every:
        return None
    files = filed.trial.bench.fix.files()
    strays = [test for one in filed.edited for test in inspection.strangers(one, files)]
    foreign = [test for test in own if any(test == stray or test.startswith(f"{stray}[") for stray in strays)]
    return f"{', '.join(foreign)} fails without using the code under test." if own == set(foreign) else None


def no_own_tests(filed: Filed) -> str | None:
    """The verdict is pass, but no test of the tester's own was run."""
    if not filed.passes:
        return None
    if not any(one.after is not None for one in filed.edited):
        return "You wrote no test of your own. Write one for what the task asks, and run it."
    return None if _telling(filed) else "Your own tests were not run by any command in the evidence."


def proves_nothing(filed: Filed) -> str | None:
    """The tester's tests pass on the code without the change, and no mutant of the change makes them fail."""
    if not filed.passes:
        return None
    commands, trial = _telling(filed), filed.trial
    if any(trial.differs(one, trial.unfixed(one)) for one in commands) or trial.kills(commands):
        return None
    tried = len(trial.survived)
    return (
        f"Your tests pass just as well on the code without the change, and they noticed none of {tried} small faults "
        "that were put into it. Test what the change does."
    )


REFUSALS: tuple[tuple[str, Rule], ...] = (
    ("no_report", no_report),
    ("code_changed", code_changed),
    ("runner_steered", runner_steered),
    ("tests_deleted", tests_deleted),
    ("tests_skipped", tests_skipped),
    ("tests_changed", tests_changed),
    ("nothing_asserted", nothing_asserted),
    ("no_evidence", no_evidence),
    ("check_missing", check_missing),
    ("never_ran", never_ran),
    ("report_unreadable", report_unreadable),
    ("wrong_exit_code", wrong_exit_code),
    ("wrong_outcomes", wrong_outcomes),
    ("wrong_output", wrong_output),
    ("tests_skipped", own_tests_skipped),
    ("against_evidence", against_evidence),
    ("no_failing_case", no_failing_case),
    ("not_the_code", not_the_code),
    ("no_own_tests", no_own_tests),
    ("proves_nothing", proves_nothing),
)
"""The rules that can refuse a report, in order. The first that holds refuses it."""


def refused(filed: Filed) -> tuple[str, str] | None:
    """The name of the first rule that refuses the report, and the message for the tester; None if it is accepted."""
    for name, rule in REFUSALS:
        if said := rule(filed):
            return name, said
    return None


def _telling(filed: Filed) -> list[str]:
    """The commands that run the tester's own tests: found by test id, or, without pytest, all except the check."""
    found = []
    for one, seen in filed.again():
        if filed.trial.own(seen) if seen.cases is not None else not _same(one.command, filed.check):
            found.append(one.command)
    return found


def _same(command: str, other: str) -> bool:
    return command.split() == other.split()

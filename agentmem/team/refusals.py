"""Why a tester's report is refused. One table, in the order in which it is gone through; the first that holds is told.

What can be read off comes first, then what takes running the evidence again, then what takes mutants.
"""

from collections.abc import Callable
from dataclasses import dataclass

from agentmem.team import inspection, rights
from agentmem.team.inspection import Edited
from agentmem.team.outcomes import ObservedTests, steady
from agentmem.team.report import Evidence, Report
from agentmem.team.trial import Trial


@dataclass(frozen=True, slots=True)
class Filed:
    """What a tester hands in: its report (None: it filed none), what it edited, and the commands that it ran.

    ``check`` is the command that the change must pass, ``places`` the globs of the tester's test paths, and ``trial``
    runs things again.
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
        """The evidence, each with how its command ends when it is run again."""
        return [(one, self.trial.again(one.command)) for one in self.evidence]

    def each(self, find: Callable[[Edited], list[str]]) -> str:
        """The places that reading the edited Python files finds, as a list in words."""
        return ", ".join(place for one in self.edited if one.is_python for place in find(one))


Rule = Callable[[Filed], str | None]


def no_report(filed: Filed) -> str | None:
    """A tester that files nothing has said nothing."""
    return None if filed.report else "You filed no report. File one with the report tool."


def code_changed(filed: Filed) -> str | None:
    """The code under test, or anything else that is no test."""
    outside = [one.path for one in filed.edited if not rights.matches(one.path, filed.places)]
    steers = [one for one in outside if not rights.matches(one, rights.STEERING)]
    return f"You changed {', '.join(steers)}, which is not yours to change. Put it back." if steers else None


def tests_deleted(filed: Filed) -> str | None:
    """A test that was there is there no longer."""
    gone = [name for one in filed.edited for name in inspection.lost(one)]
    return f"You deleted {', '.join(gone)}. Put back what was there." if gone else None


def runner_steered(filed: Filed) -> str | None:
    """conftest.py, pytest's settings, a plugin, a hook, an early exit: whatever makes a run report other things."""
    files = [one.path for one in filed.edited if rights.matches(one.path, rights.STEERING)]
    found = ", ".join(filter(None, (*files, filed.each(inspection.steering))))
    return f"This steers the test runner instead of testing: {found}. Take it out." if found else None


def tests_skipped(filed: Filed) -> str | None:
    """Tests that are left out, or whose failure is excused."""
    found = filed.each(inspection.skipped)
    return f"Tests are skipped or excused here: {found}. A test that does not count proves nothing." if found else None


def own_tests_skipped(filed: Filed) -> str | None:
    """A test of the tester's own that was left out when it was run, however that came about."""
    own = [case.id for _, seen in filed.again() for case in filed.trial.own(seen) if case.outcome == "skipped"]
    return f"These tests of yours were skipped or excused: {', '.join(own)}." if own else None


def tests_changed(filed: Filed) -> str | None:
    """A test that was there reads differently now, or a file that was there was changed otherwise."""
    found = [name for one in filed.edited for name in inspection.altered(one)]
    found = found or [one.path for one in filed.edited if one.before is not None]
    return f"You changed {', '.join(found)}. Leave what is there, and write a new file." if found else None


def nothing_asserted(filed: Filed) -> str | None:
    """A test that no code could fail."""
    found = filed.each(inspection.empty)
    return f"These tests assert nothing about the code: {found}." if found else None


def no_evidence(filed: Filed) -> str | None:
    """A verdict by itself."""
    return None if filed.evidence else "The report has no evidence. Show the commands that you ran, and what came out."


def check_missing(filed: Filed) -> str | None:
    """Evidence without the check that the change must pass."""
    shown = any(_same(one.command, filed.check) for one in filed.evidence)
    return None if shown else f"The check is not among the evidence. Run it and show it: `{filed.check}`"


def never_ran(filed: Filed) -> str | None:
    """A command that is reported on, and was not run."""
    invented = [one.command for one in filed.evidence if not any(_same(one.command, ran) for ran in filed.ran)]
    return f"You report on `{invented[0]}`, and you have not run it for this report." if invented else None


def wrong_exit_code(filed: Filed) -> str | None:
    """A command that ends otherwise than reported."""
    for one, seen in filed.again():
        if seen.exit_code != one.exit_code:
            return (
                f"`{one.command}` was reported to end with {one.exit_code}. In a fresh copy with the change and your "
                f"new tests it ends with {seen.exit_code}."
            )
    return None


def wrong_outcomes(filed: Filed) -> str | None:
    """A test that comes out otherwise than reported, or that did not pass and is not named."""
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
    """Output that the command does not print. Times, addresses and folders may differ."""
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
    """A pass though something fails; a fail though everything passes."""
    bad = [seen.command for _, seen in filed.again() if not seen.succeeded]
    if filed.passes and bad:
        return f"The verdict is pass, and `{bad[0]}` fails."
    if not filed.passes and not bad:
        return "The verdict is fail, and every command in the evidence succeeds. Show a failure, or pass the change."
    return None


def no_failing_case(filed: Filed) -> str | None:
    """A fail that the coder could do nothing with."""
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
    """A failure of the tester's own that has nothing to do with the code: the test never uses it."""
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
    """A pass without a test of the tester's own that was run."""
    if not filed.passes:
        return None
    if not any(one.after is not None for one in filed.edited):
        return "You wrote no test of your own. Write one for what the task asks, and run it."
    return None if _telling(filed) else "Your own tests were not run by any command in the evidence."


def proves_nothing(filed: Filed) -> str | None:
    """Tests that pass on the code without the change, and that no mutant of the change makes fail."""
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
"""What a report is refused for, the first that holds."""


def refused(filed: Filed) -> tuple[str, str] | None:
    """The name of the first rule that refuses the report and what the tester is told; None for a report that stands."""
    for name, rule in REFUSALS:
        if said := rule(filed):
            return name, said
    return None


def _telling(filed: Filed) -> list[str]:
    """The commands that run the tester's own tests: by the tests' ids, or, without pytest, all but the check."""
    found = []
    for one, seen in filed.again():
        if filed.trial.own(seen) if seen.cases is not None else not _same(one.command, filed.check):
            found.append(one.command)
    return found


def _same(command: str, other: str) -> bool:
    return command.split() == other.split()

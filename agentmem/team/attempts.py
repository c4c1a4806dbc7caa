"""Why a coder's attempt is refused before anybody tests it. One table; the first that holds is told."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from agentmem.sandbox import FileChange
from agentmem.team import rights
from agentmem.team.trial import Trial


@dataclass(frozen=True, slots=True)
class Attempt:
    """What the coder changed, and the globs of the test paths."""

    changes: Sequence[FileChange]
    places: tuple[str, ...]


def nothing_changed(attempt: Attempt) -> str | None:
    """An answer without a change."""
    return None if attempt.changes else "You changed nothing. Do the task in your copy of the repository."


def tests_edited(attempt: Attempt) -> str | None:
    """Tests changed, added or deleted by the one whom they test."""
    found = [one.path for one in attempt.changes if rights.matches(one.path, attempt.places)]
    found = [path for path in found if not rights.matches(path, rights.STEERING)]
    return _undo(found, "tests") if found else None


def runner_steered(attempt: Attempt) -> str | None:
    """Files and settings that change what a run of the tests reports."""
    found = [one.path for one in attempt.changes if rights.matches(one.path, rights.STEERING) or _settings(one)]
    return _undo(found, "what steers the tests") if found else None


ATTEMPTS: tuple[tuple[str, Callable[[Attempt], str | None]], ...] = (
    ("nothing_changed", nothing_changed),
    ("tests_edited", tests_edited),
    ("runner_steered", runner_steered),
)
"""What an attempt is refused for, the first that holds."""


def refused(attempt: Attempt) -> tuple[str, str] | None:
    """The name of the first rule that refuses the attempt and what the coder is told; None for one to be tested."""
    return next(((name, said) for name, rule in ATTEMPTS if (said := rule(attempt))), None)


def tests_lost(trial: Trial, check: str) -> str | None:
    """Tests that the check ran before the change, and that it skips or no longer runs after it."""
    before, after = trial.unfixed(check), trial.again(check).outcomes
    own = {case.id for case in trial.own(before)}
    counted = [case.id for case in before.cases or () if case.outcome != "skipped" and case.id not in own]
    gone = [one for one in counted if after.get(one, "skipped") == "skipped" and "::" in one]
    if not gone:
        return None
    named = f"{', '.join(gone[:10])}{f' and {len(gone) - 10} more' if len(gone) > 10 else ''}"
    return f"With your change the check no longer runs these tests: {named}. They must run, and pass."


def _undo(paths: list[str], what: str) -> str:
    return f"You changed {what}: {', '.join(paths)}. That is not yours to change. Put them back as they were."


def _settings(change: FileChange) -> bool:
    before, after = ((data or b"").decode("utf-8", "replace") for data in (change.before, change.after))
    return rights.pytest_settings(change.path, before) != rights.pytest_settings(change.path, after)

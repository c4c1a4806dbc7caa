"""What some versions of Claude Code did to the cache."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from agentmem.replay.formats.claude_conversation import REWRITES
from tests.replay.logs import Log, text


@pytest.mark.parametrize(
    ("version", "holds"), [("2.1.12", False), ("2.1.13", True), ("2.1.37", True), ("2.1.38", False)]
)
def test_a_version_tells(version: str, holds: bool) -> None:
    """A version in the log decides, whatever the time."""
    assert REWRITES.holds(version, 0.0) is holds


def test_without_a_version_the_time_tells() -> None:
    """Logs that name no version are judged by when they were written."""
    assert REWRITES.holds("", datetime(2026, 2, 1, tzinfo=UTC).timestamp())
    assert not REWRITES.holds("", datetime(2026, 3, 1, tzinfo=UTC).timestamp())


def test_the_prompt_after_a_plan_is_written_anew(tmp_path: Path) -> None:
    """Such a version's first prompt after an accepted plan is a cut, and only that one."""
    log = Log()
    log.prompt("Implement the following plan: all", version="2.1.30")
    log.reply("m1", text("Done."))
    for number in range(2, 4):
        log.prompt(f"commit {number}", version="2.1.30")
        log.reply(f"m{number}", text("Done."))
    assert [one.cut and one.cut.kind for one in log.session(tmp_path).exchanges] == [None, "resume", None]

"""The commands for replaying that the pages name, run as they are printed on a folder of recordings."""

import re
import shlex
from pathlib import Path

import pytest

from tests.cli.invoke import invoke, invoke_json
from tests.replay.logs import Log, call, text, used, working

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "claude-code-logs.md"
COMMANDS = [
    line.partition("#")[0].removeprefix("agentmem ").strip()
    for line in re.findall(r"^\$ (agentmem replay [^`\n]*)", PAGE.read_text(encoding="utf-8"), re.M)
]
FOLDERS = ("~/.claude/projects", "PATH")


def thinking(model: str) -> Log:
    """A session on a model whose server drops thinking at every prompt."""
    log = Log(model)
    for turn in range(6):
        log.prompt(f"Please look at drawer {turn}. " * 20)
        thought = {"type": "thinking", "thinking": "Which drawer was it? " * 30, "signature": "s"}
        log.reply(
            f"{model}_{turn}", thought, text("I look."), call(f"call_{turn}", drawer=turn), usage=used(3, 900, 90)
        )
        log.result(f"call_{turn}", f"drawer {turn}: a key, a lamp\n" * 60)
        log.reply(f"{model}_end_{turn}", thought, text("A key and a lamp."), usage=used(3, 100, 990))
    return log


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    folder = tmp_path / "projects" / "house"
    folder.mkdir(parents=True)
    for model in ("claude-sonnet-4-5-20250929", "claude-haiku-4-5", "claude-opus-4-6"):
        thinking(model).write(folder / f"{model}.jsonl")
    working(3).write(folder / "work.jsonl")
    return tmp_path / "projects"


def test_the_page_says_how_to_replay() -> None:
    """There are commands to run; a rewording must not leave this file without any."""
    assert len(COMMANDS) >= 3 and any("--policy" in one for one in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_what_the_page_says_works(command: str, recordings: Path) -> None:
    """Each ends well and prints figures of every policy that can run; none failed on any chain."""
    arguments = [str(recordings) if one in FOLDERS else one for one in shlex.split(command)]
    assert str(recordings) in arguments
    shown = invoke(*arguments, "--jobs", "1")
    assert shown.exit_code == 0, shown.stderr
    found = invoke_json(*arguments, "--jobs", "1")
    assert not [one for one in found["skipped"] if "failed" in one["reason"]]
    for row in found.get("policies", ()):
        if "--fidelity" in command:  # which has nothing to say of recordings that are never cut
            assert row["missing"] or row["policy"]
            continue
        assert row["missing"] or row["cost_usd"] > 0
        assert row["policy"] in shown.stdout
    assert len(found.get("policies", found.get("sessions"))) >= 4

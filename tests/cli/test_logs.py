"""`agentmem logs`."""

import json
from pathlib import Path

from tests.cli.invoke import invoke
from tests.report.test_loading import talk


def test_sessions_are_listed_by_day_project_and_name(tmp_path: Path) -> None:
    """Each with its tokens, hit rate, redo and dollars; bad files are named; JSON has all."""
    for project in ("red", "blue"):
        (tmp_path / project).mkdir()
        talk(tmp_path / project, project)
    (tmp_path / "bad.jsonl").write_text("hello\n")
    own = {"AGENTMEM_CACHE_DIR": str(tmp_path / "cache")}
    shown = invoke("logs", str(tmp_path), environ=own)
    assert shown.exit_code == 0
    assert all(word in shown.stdout for word in ("red", "blue", "2025-10-09", "hit rate", "redo", "$"))
    told = json.loads(invoke("logs", str(tmp_path), "--json", "--project", "red", environ=own).stdout)
    assert [one["session"] for one in told["sessions"]] == ["red"]
    assert told["requests"] == 4 and told["cost_usd"] > 0
    assert [one["project"] for one in told["by_project"]] == ["red"]


def test_a_folder_without_sessions_says_so(tmp_path: Path) -> None:
    """With what to do instead."""
    (tmp_path / "empty").mkdir()
    refused = invoke("logs", str(tmp_path / "empty"), environ={"AGENTMEM_CACHE_DIR": str(tmp_path / "cache")})
    assert refused.exit_code == 2
    assert "holds no conversation that fits" in refused.stderr

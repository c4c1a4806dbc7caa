"""agentmem.ui.families."""

from pathlib import Path

from agentmem.ui.families import family_of, project_of

HOME = Path("/home/ada")
LOG = "/home/ada/.claude/projects/-home-ada-code-tide/0f3c.jsonl"


def test_sub_agents_belong_to_their_session() -> None:
    """Those in the same file, and those in files of their own beside it, however deep."""
    main = family_of(LOG, "0f3c", "claude-code")
    beside = LOG.replace("0f3c.jsonl", "0f3c/subagents/workflows/w1/agent-a1.jsonl")
    assert family_of(LOG, "0f3c/agent-a1", "claude-code") == main
    assert family_of(beside, "agent-a1/agent-a1", "claude-code") == main
    assert (main.name, main.path) == ("0f3c", LOG)
    assert family_of(LOG, "0f3d", "claude-code").id != main.id


def test_delegates_belong_to_the_run_they_work_for() -> None:
    """By the names of their threads; a role of a team is a session of its own."""
    path = "/w/notes/.agentmem/agentmem.db"
    assert family_of(path, "main.d1.d2", "runs") == family_of(path, "main", "runs")
    assert family_of(path, "main.coder", "runs").name == "main.coder"


def test_a_project_is_named_by_the_place_of_its_logs() -> None:
    """Without the home folder in front; a run's is its workspace, and folders by day or hash name none."""
    assert project_of(family_of(LOG, "0f3c", "claude-code"), HOME) == "code-tide"
    assert project_of(family_of("/w/notes/.agentmem/agentmem.db", "main", "runs"), HOME) == "notes"
    assert project_of(family_of("/home/ada/.codex/sessions/2026/11/30/r.jsonl", "r", "codex"), HOME) == "Codex"
    assert project_of(family_of("/w/log.jsonl", "log", "wire-log"), HOME) == "wire logs"

"""Claude Code's session logs."""

import json
import lzma
from pathlib import Path
from typing import Any

import pytest

from agentmem.replay.formats.claude_code import ClaudeCode
from agentmem.replay.session import RecordedSession, SkippedLine
from agentmem.replay.source import RecordingSource, Spool
from agentmem.types import Frame
from tests.replay.logs import Log, call, read, text, used, working


def texts(frames: tuple[Frame, ...]) -> list[str]:
    return [str(frame.value.get("text") or frame.value.get("content") or frame.value.get("name")) for frame in frames]


def test_lines_that_share_a_message_id_are_one_request(tmp_path: Path) -> None:
    """A reply split over several lines, with results between them, is one request and one reply."""
    log = Log()
    log.prompt("go")
    log.reply("m1", text("I run two commands."), call("c1"), usage=used(3, 100, 0))
    log.result("c1", "first")
    log.reply("m1", call("c2"), usage=used(3, 100, 0))
    log.result("c2", "second")
    log.reply("m2", text("Done."), usage=used(3, 20, 100))
    first, second = log.session(tmp_path).exchanges
    assert texts(first.reply) == ["I run two commands.", "Bash", "Bash"]
    assert texts(second.arrived) == ["first", "second"]
    assert first.usage and (first.usage.input_tokens, first.usage.cache_write_5m_tokens) == (103, 100)
    assert first.cut is None and second.cut is None


def test_a_compaction_leaves_the_summary_only(tmp_path: Path) -> None:
    """After a compact boundary the context is the summary; what had arrived before it is still listed as arrived."""
    log = Log()
    log.prompt("go")
    log.reply("m1", call("c1"))
    log.result("c1", "long output")
    log.add("system", None, subtype="compact_boundary")
    log.prompt("Summary of all that happened.", isCompactSummary=True)
    log.reply("m2", text("I go on."))
    second = log.session(tmp_path).exchanges[1]
    assert second.cut is not None and second.cut.kind == "compaction"
    assert texts(second.cut.frames) == ["Summary of all that happened."]
    assert texts(second.arrived) == ["long output"]


def test_a_prompt_with_an_earlier_parent_is_a_rewind(tmp_path: Path) -> None:
    """A prompt that follows a record further back leaves all between behind."""
    log = Log()
    log.prompt("first question")
    answer = log.reply("m1", text("first answer"))
    log.prompt("second question")
    log.reply("m2", text("second answer"))
    log.prompt("another second question", parent=answer)
    log.reply("m3", text("another answer"))
    third = log.session(tmp_path).exchanges[2]
    assert third.cut is not None and third.cut.kind == "rewind"
    assert texts(third.cut.frames) == ["first question", "first answer", "another second question"]


def test_a_prompt_without_parent_begins_anew(tmp_path: Path) -> None:
    """A root record in the middle of a log is a cleared context."""
    log = working(1)
    log.prompt("Implement the following plan: all of it", parent=None)
    log.reply("m9", text("I begin."))
    last = log.session(tmp_path).exchanges[-1]
    assert last.cut is not None and last.cut.kind == "clear"
    assert texts(last.cut.frames) == ["Implement the following plan: all of it"]


def test_emptied_results_are_emptied_in_the_context(tmp_path: Path) -> None:
    """A micro-compact boundary names results; in later requests they are a placeholder, in their place."""
    log = Log()
    log.prompt("go")
    log.reply("m1", call("c1"))
    log.result("c1", "very long")
    log.reply("m2", call("c2"))
    log.add("system", None, subtype="microcompact_boundary", microcompactMetadata={"compactedToolIds": ["c1"]})
    log.result("c2", "short")
    log.reply("m3", text("Done."))
    third = log.session(tmp_path).exchanges[2]
    assert third.cut is not None and third.cut.kind == "clearing"
    assert texts(third.cut.frames) == ["go", "Bash", "[Old tool result content cleared]", "Bash", "short"]


def test_sub_agents_are_conversations_of_their_own(tmp_path: Path) -> None:
    """Sidechains are told apart by agent id, or by their root where they have none."""
    log = Log()
    log.prompt("go")
    log.reply("m1", call("c1", "Task"))
    before = log.last
    log.prompt("You search.", parent=None, isSidechain=True, agentId="a1")
    log.reply("s1", text("Found."), isSidechain=True, agentId="a1")
    log.prompt("You look.", parent=None, isSidechain=True)
    log.reply("s2", text("Seen."), isSidechain=True)
    log.last = before
    log.result("c1", "both done")
    log.reply("m2", text("Done."))
    found = [one for one in read(log.write(tmp_path / "log.jsonl")) if isinstance(one, RecordedSession)]
    assert [len(one.exchanges) for one in found] == [2, 1, 1]
    assert [one.background for one in found] == [True, False, False]
    assert found[1].name == "log/agent-a1" and texts(found[2].exchanges[0].arrived) == ["You look."]


def test_malformed_lines_are_named_and_the_rest_is_read(tmp_path: Path) -> None:
    """No JSON, no object, a record without its message: each is counted with its line, and nothing else is lost."""
    path = working(1, steps=1).write(tmp_path / "log.jsonl")
    good = path.read_text(encoding="utf-8").splitlines()
    bad = ['{"type": "user"', "[1, 2]", '{"type": "assistant", "uuid": "x", "timestamp": "2026-01-01T00:00:00Z"}']
    path.write_text("\n".join([good[0], *bad, *good[1:]]), encoding="utf-8")
    found = read(path)
    assert [one.line for one in found if isinstance(one, SkippedLine)] == [2, 3, 4]
    assert [len(one.exchanges) for one in found if isinstance(one, RecordedSession)] == [2]


ODD: tuple[Any, ...] = (
    "many",
    [],
    "7",
    3,
    ["a"],
    {"input_tokens": "many"},
    {"input_tokens": [1]},
    {"output_tokens": {}},
    {"cache_creation": "much"},
    {"cache_creation": {"ephemeral_5m_input_tokens": "x"}},
    {"iterations": ["x"]},
    {"iterations": 3},
    {"server_tool_use": 5},
    {"applied_edits": [3]},
    {"input_tokens": -5},
    {"input_tokens": float("inf")},
    {"input_tokens_details": {"x": 1}},
)


@pytest.mark.parametrize("usage", ODD, ids=repr)
def test_a_usage_that_cannot_be_read_costs_its_line_alone(usage: Any, tmp_path: Path) -> None:
    """Whatever stands in it: the other requests of the file are read, and a line that is passed over is named."""
    log = Log()
    for number in range(3):
        log.prompt(f"question {number}")
        log.reply(f"m{number}", text("answer"), usage=usage if number == 1 else used(3, 100, 0))
    found = read(log.write(tmp_path / "log.jsonl"))
    sessions = [one for one in found if isinstance(one, RecordedSession)]
    passed = [one for one in found if isinstance(one, SkippedLine)]
    identities = [one.identity for one in sessions[0].exchanges]
    assert [one for one in identities if one != "m1"] == ["m0", "m2"]
    assert ("m1" in identities) != bool(passed)
    assert all(one.line == 4 for one in passed)


def test_thinking_shows_in_the_settings(tmp_path: Path) -> None:
    """Models that always think when it is switched on tell by their reply to a prompt whether it was."""
    log = Log("claude-opus-4-5-20251101")
    thought = {"type": "thinking", "thinking": "Hm.", "signature": "s"}
    log.prompt("one")
    log.reply("m1", thought, call("c1"))
    log.result("c1", "r")
    log.reply("m2", text("no thought after a result"))
    log.prompt("two")
    log.reply("m3", text("no thought at all"))
    assert [one.settings for one in log.session(tmp_path).exchanges] == [{"thinking": "on"}, {"thinking": "on"}, {}]


def test_a_reply_without_usage_is_a_request_all_the_same(tmp_path: Path) -> None:
    """What was used is then not known; nothing is left out."""
    log = working(1)
    for record in log.records[3:]:
        record["message"].pop("usage", None)
    usages = [one.usage for one in log.session(tmp_path).exchanges]
    assert usages[0] is not None and usages[1:] == [None, None, None]


def test_whole_sessions_come_one_a_line_and_packed(tmp_path: Path) -> None:
    """A file of whole sessions gives a source for each; one that breaks off is named after what could be read."""
    path = tmp_path / "sessions.jsonl.xz"
    lines = [json.dumps({"session": f"s{n}", "records": working(1).records}) + "\n" for n in range(3)]
    packed = lzma.compress("".join(lines).encode())
    path.write_bytes(packed)
    found = list(ClaudeCode().sources(path, Spool(tmp_path)))
    assert [one.name for one in found if isinstance(one, RecordingSource)] == ["s0", "s1", "s2"]
    sessions = [next(iter(ClaudeCode().sessions(one))) for one in found if isinstance(one, RecordingSource)]
    assert [isinstance(one, RecordedSession) and len(one.exchanges) for one in sessions] == [4, 4, 4]
    path.write_bytes(packed[:-30])
    assert any(isinstance(one, SkippedLine) for one in ClaudeCode().sources(path, Spool(tmp_path)))


def test_what_a_sub_agent_says_inside_progress_is_its_conversation(tmp_path: Path) -> None:
    """Some versions write a sub-agent's replies into records of the main conversation."""
    log = Log()
    log.prompt("go")
    log.reply("m1", call("c1"))
    said = {"role": "assistant", "model": "claude-opus-4-6", "id": "s1", "content": [text("Found.")]}
    inner = {"type": "assistant", "uuid": "x", "message": {**said, "usage": used(5, 4000, 0)}}
    log.add("progress", data={"type": "agent_progress", "agentId": "a7", "message": inner})
    log.add("progress", data={"type": "agent_progress", "agentId": "a7", "message": "lost"})
    log.result("c1", "first")
    log.reply("m2", text("Done."))
    found = [one for one in read(log.write(tmp_path / "s.jsonl")) if isinstance(one, RecordedSession)]
    assert [(one.name, len(one.exchanges)) for one in found] == [("s", 2), ("s/agent-a7", 1)]
    [exchange] = found[1].exchanges
    assert exchange.usage and exchange.usage.input_tokens == 4005

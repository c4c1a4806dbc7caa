"""agentmem.ui.titles."""

import json
from pathlib import Path

from agentmem.ui.titles import LENGTH, title
from tests.ui.desk import PROMPTS, featured, wire_log


def written(path: Path, *values: object) -> Path:
    """JSON lines."""
    path.write_text("\n".join(map(json.dumps, values)), encoding="utf-8")
    return path


def test_the_first_words_of_a_person_are_found_in_any_log(tmp_path: Path) -> None:
    """Claude Code's, a wire log's, Codex's: by the person's role, wherever it stands."""
    assert title(featured().write(tmp_path)) == PROMPTS[0]
    assert title(wire_log(tmp_path / "w.jsonl")).startswith("Is berth B1 free")
    codex = {
        "type": "response_item",
        "payload": {"role": "user", "content": [{"type": "input_text", "text": "Mend it"}]},
    }
    assert title(written(tmp_path / "c.jsonl", {"type": "session_meta"}, codex)) == "Mend it"


def test_what_a_client_writes_in_their_name_is_passed_over(tmp_path: Path) -> None:
    """Reminders and commands are no words of a person."""
    said = [{"role": "user", "content": text} for text in ("<command-name>clear</command-name>", "Caveat: x", "Hello")]
    assert title(written(tmp_path / "a.jsonl", *said)) == "Hello"


def test_long_words_are_cut_and_bad_files_have_no_title(tmp_path: Path) -> None:
    """At a space, with an ellipsis. A file that is gone or broken is no error."""
    long = title(written(tmp_path / "a.jsonl", {"role": "user", "content": "word " * 100}))
    assert len(long) <= LENGTH + 2 and long.endswith("word …")
    (tmp_path / "b.jsonl").write_bytes(b"\xff\x00{{{")
    assert title(tmp_path / "b.jsonl") == title(tmp_path / "gone.jsonl") == ""

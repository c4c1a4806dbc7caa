"""Calls are read by the names of their arguments, whatever the tool is called."""

from typing import Any

import pytest

from agentmem.compaction.shapes import FileAct, command, file_acts, loss, numbered, own_page

EDIT = FileAct("a/b.py", "replace", "x = 1", "x = 2")
PATCH = """*** Begin Patch
*** Update File: a/b.py
@@ def f
 def f():
-    return 1
+    return 2
*** Add File: c.py
+new
*** Delete File: d.py
*** End Patch"""
SHAPES: tuple[tuple[str, dict[str, Any], list[FileAct]], ...] = (
    ("Edit", {"file_path": "a/b.py", "old_string": "x = 1", "new_string": "x = 2", "replace_all": False}, [EDIT]),
    ("edit", {"page": "a/b.py", "action": "replace", "old": "x = 1", "text": "x = 2"}, [EDIT]),
    (
        "str_replace_based_edit_tool",
        {"command": "str_replace", "path": "a/b.py", "old_str": "x = 1", "new_str": "x = 2"},
        [EDIT],
    ),
    ("change", {"filename": "a/b.py", "old_text": "x = 1", "new_text": "x = 2"}, [EDIT]),
    ("MultiEdit", {"file_path": "a/b.py", "edits": [{"old_string": "x = 1", "new_string": "x = 2"}]}, [EDIT]),
    ("Write", {"file_path": "n.py", "content": "n\n"}, [FileAct("n.py", "write", new="n\n")]),
    ("write", {"page": "n.md", "text": "n\n"}, [FileAct("n.md", "write", new="n\n")]),
    ("str_replace_editor", {"command": "create", "path": "n", "file_text": "n"}, [FileAct("n", "write", new="n")]),
    ("Read", {"file_path": "r.py"}, [FileAct("r.py", "read", whole=True)]),
    ("Read", {"file_path": "r.py", "offset": 20}, [FileAct("r.py", "read")]),
    ("read", {"page": "r.md#Part"}, [FileAct("r.md", "read")]),
    ("text_editor", {"command": "view", "path": "r.py", "view_range": [1, 9]}, [FileAct("r.py", "read")]),
    ("edit", {"page": "r.md#Part", "action": "section", "text": "new"}, [FileAct("r.md", "lose")]),
    ("edit", {"page": "r.md", "action": "append", "text": "new\n"}, [FileAct("r.md", "append", new="new\n")]),
    ("undo", {"path": "r.py", "command": "undo_edit"}, [FileAct("r.py", "lose")]),
    ("reformat", {"path": "r.py"}, [FileAct("r.py", "lose")]),
    ("Grep", {"pattern": "x", "path": "src"}, [FileAct("src", "read", whole=True)]),
    (
        "apply_patch",
        {"input": PATCH},
        [
            FileAct("a/b.py", "replace", "def f():\n    return 1\n", "def f():\n    return 2\n"),
            FileAct("c.py", "write", new="new\n"),
            FileAct("d.py", "lose"),
        ],
    ),
    ("Bash", {"command": "ls"}, []),
)


@pytest.mark.parametrize(("tool", "given", "acts"), SHAPES)
def test_every_shape_is_known(tool: str, given: dict[str, Any], acts: list[FileAct]) -> None:
    """agentmem's tools, Claude's editor, those of Claude Code and Codex, and others that speak alike."""
    assert file_acts(tool, given) == acts


def test_a_patch_in_a_command_is_a_patch() -> None:
    """Codex gives patches to its shell too, as a list of words or in a heredoc."""
    for given in ({"command": ["apply_patch", PATCH]}, {"cmd": f"apply_patch <<'EOF'\n{PATCH}\nEOF"}):
        assert [act.path for act in file_acts("shell", given)] == ["a/b.py", "c.py", "d.py"]


def test_commands_are_texts_or_lists_of_words() -> None:
    """A shell's own words are left out; an editor's command is none."""
    assert command({"command": "go test ./..."}) == "go test ./..."
    assert command({"cmd": ["bash", "-lc", "ls -a"]}) == "ls -a"
    assert command({"command": ["git", "status"]}) == "git status"
    assert command({"command": "view", "path": "a"}) is None
    assert command({"pattern": "a"}) is None


def test_what_a_command_may_have_changed() -> None:
    """Files that it names or writes into; all of a tree where git takes another state of it."""
    assert loss("cd src && rm -f a/one.py two.py").named >= {"one.py", "two.py"}
    assert "out.txt" in loss("go test ./... > logs/out.txt 2>&1").named
    assert "x.go" not in loss("go test ./x.go | grep FAIL").named
    assert loss("git checkout -- .").tree and loss("cd a; git -C b stash").tree
    assert not loss("git status && git diff x.go").tree


def test_numbered_lines_are_found_in_any_result() -> None:
    """They follow each other; what stands before and behind them is no line of the file."""
    shown = "Here it is:\n     9→nine\n    10→\n    11→  eleven\n\n    40\tforty\n<note>"
    assert list(numbered(shown)) == [(9, ["nine", "", "  eleven"]), (40, ["forty"])]
    assert list(numbered("no numbers")) == []


def test_a_page_is_read_behind_its_first_line() -> None:
    """Pages that are shown in another form than they have are not taken for their text."""
    assert own_page("notes/a.md (revision 12ab, 1,200 tokens)\n\n# A\n") == "# A\n"
    assert own_page("notes/a.csv (revision 12ab, 1,200 tokens; as a table)\n\n| A |") is None

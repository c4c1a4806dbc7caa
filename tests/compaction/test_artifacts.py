"""The trail of artifacts agrees with the calls and their results."""

from collections.abc import Mapping
from typing import Any

import pytest

from agentmem.compaction.artifacts import Artifact, Trail, touches

CALLS: tuple[tuple[str, Mapping[str, Any], tuple[tuple[str, str], ...]], ...] = (
    ("Read", {"file_path": "/a/b.py"}, (("/a/b.py", "read"),)),
    ("read", {"page": "notes.md#Today"}, (("notes.md", "read"),)),
    ("Write", {"file_path": "/a/b.py", "content": "x"}, (("/a/b.py", "made"),)),
    ("edit", {"page": "n.md", "action": "append", "text": "x"}, (("n.md", "changed"),)),
    ("edit", {"page": "n.md", "action": "delete"}, (("n.md", "deleted"),)),
    ("edit", {"page": "n.md", "action": "move", "to": "o.md"}, (("n.md", "deleted"), ("o.md", "made"))),
    ("mcp__files__write_file", {"path": "x.txt"}, (("x.txt", "made"),)),
    ("str_replace_editor", {"command": "view", "path": "/p"}, (("/p", "read"),)),
    ("str_replace_based_edit_tool", {"command": "insert", "path": "/p"}, (("/p", "changed"),)),
    ("apply_patch", {"input": "*** Add File: a.py\n*** Delete File: b.py"}, (("a.py", "made"), ("b.py", "deleted"))),
    ("Grep", {"path": "/a", "pattern": "x"}, ()),
    (
        "Bash",
        {"command": "rm -rf build/x.o && git mv a.py b.py"},
        (("build/x.o", "deleted"), ("a.py", "deleted"), ("b.py", "made")),
    ),
    ("Bash", {"command": "cat a.txt | head -n 20 > out.txt 2>&1"}, (("a.txt", "read"), ("out.txt", "made"))),
    ("Bash", {"command": "sed -n '1,9p' a.go; sed -i 's/a/b/' b.go"}, (("a.go", "read"), ("b.go", "changed"))),
    ("Bash", {"command": "echo x >> log.txt # rm y\ntouch z"}, (("log.txt", "changed"), ("z", "made"))),
    ("Bash", {"command": "cat <<'EOF' > n.md\nrm evil\nEOF\nrm c"}, (("n.md", "made"), ("c", "deleted"))),
    ("Bash", {"command": 'git commit -m "first\nrm not-this"'}, ()),
    ("Bash", {"command": "rm $FILE *.o; go test ./... > /dev/null"}, ()),
    ("Bash", {"command": "echo 'unclosed"}, ()),
    ("shell", {"command": ["rm", "a.txt"]}, (("a.txt", "deleted"),)),
)


@pytest.mark.parametrize(("tool", "arguments", "expected"), CALLS)
def test_what_calls_do(tool: str, arguments: Mapping[str, Any], expected: tuple[tuple[str, str], ...]) -> None:
    """What a call does to which files, in order; of a command only what is certain."""
    assert touches(tool, arguments) == expected


def states(trail: Trail) -> dict[str, str]:
    return {one.path: one.state for one in trail.artifacts}


def test_the_last_effect_is_the_state() -> None:
    """Reading changes nothing, writing over a file changes it, and what was deleted can be made again."""
    trail = Trail()
    trail.follow("Write", {"file_path": "/a"}, 1)
    trail.follow("Read", {"file_path": "/a"}, 2)
    assert trail.artifacts == (Artifact("/a", "made", 1),)
    trail.follow("Write", {"file_path": "/a"}, 3)
    assert states(trail) == {"/a": "changed"}
    trail.follow("Bash", {"command": "rm /a"}, 4)
    trail.follow("Write", {"file_path": "/a"}, 5)
    assert trail.artifacts == (Artifact("/a", "made", 5),)


def test_a_call_that_failed_did_nothing() -> None:
    """No state comes of an error."""
    trail = Trail()
    trail.follow("Edit", {"file_path": "/a"}, 1, failed=True)
    assert trail.artifacts == ()


def test_a_shorter_path_is_the_same_file() -> None:
    """A command names a file from its folder; where only one known file fits it is that one."""
    trail = Trail(
        [Artifact("/repo/src/a.py", "read", 1), Artifact("/repo/x/b.py", "read", 2), Artifact("/y/b.py", "read", 3)]
    )
    trail.follow("Bash", {"command": "rm src/a.py; rm b.py"}, 4)
    assert states(trail) == {"/repo/src/a.py": "deleted", "/repo/x/b.py": "read", "/y/b.py": "read", "b.py": "deleted"}

"""What a call needs."""

from typing import Any

import pytest

from agentmem.replay.call_needs import components, parts


def needed(**given: Any) -> list[str]:
    return [one.text for one in parts({"type": "tool_use", "id": "c", "name": "tool", "input": given})]


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"file_path": "/home/me/src/alpha.py"}, ["home/me/src", "src/alpha.py"]),
        ({"path": "README.md"}, ["README.md"]),
        ({"pattern": r"func \(s \*Store\) Load_all\b|x\.go", "output_mode": "content"}, ["Store", "Load_all", "x.go"]),
        ({"pattern": "**/*_test.go", "path": "./cmd/cli/"}, ["_test.go", "cmd", "cmd/cli"]),
        ({"url": "https://example.org/a/b"}, ["example.org/a", "a/b"]),
        ({"task_id": "a2f0c7b", "block": True, "offset": 120}, ["a2f0c7b"]),
        ({"ids": ["ENT-108", {"deeper": "u_77"}]}, ["ENT-108", "u_77"]),
        ({"new_string": "alpha_one", "content": "beta_two", "prompt": "gamma_three", "status": "done_now"}, []),
        ({"note": "word_one " * 40}, []),
        ({"note": "word_one\nword_two"}, []),
    ],
)
def test_arguments_are_read_by_their_name(given: dict[str, Any], found: list[str]) -> None:
    """Paths as a folder and a file, patterns without what is escaped, other short texts as names; tables leave out."""
    assert needed(**given) == found


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("go test ./cmd/cli/... -run 'TestFoo|TestBar' -v 2>&1 | tail -30", ["cmd", "cmd/cli", "TestFoo", "TestBar"]),
        ('git commit -m "fix alpha_one" && git push origin main', ["git", "commit", "push", "origin", "main"]),
        ("git commit -m \"$(cat <<'EOF'\nfix the store\n\nCo-Authored-By: X\nEOF\n)\"", ["git", "commit"]),
        ("gh pr view 185 --json number,title --jq '.title'", ["view", "185"]),
        ('grep -rn "\\bNewManager(" cmd/cli --include="*.go"', ["NewManager", "cmd", "cmd/cli"]),
        ("echo alpha_one beta_two; mise run lint", ["mise", "run", "lint"]),
        ("python3 -c 'import alpha_one' tools/run.py", ["python3", "tools", "tools/run.py"]),
        ("cat > notes.txt <<EOF\nalpha_one\nEOF", ["notes.txt"]),
    ],
)
def test_commands_are_read_as_a_shell_would(line: str, found: list[str]) -> None:
    """Names of commands, paths, values of options; not options, messages, programs, fields, here-documents."""
    assert needed(command=line) == found


def test_old_strings_are_lines() -> None:
    """Every line with a word, with its indent; only the first may begin and the last may end within another."""
    found = parts({"input": {"old_string": "alpha(one)\n\tbeta\n}\n\tgamma"}})
    assert [(one.text, one.left, one.right) for one in found] == [
        ("alpha(one)", True, False),
        ("\tbeta", False, False),
        ("\tgamma", False, True),
    ]


def test_a_path_is_its_names() -> None:
    """However it is written."""
    ways = ("a/b.py", "./a/b.py", "/a/b.py", "~/a//b.py.", "-a/b.py", "../a/b.py")
    assert {components(one) for one in ways} == {("a", "b.py")}
    assert components("...") == ()

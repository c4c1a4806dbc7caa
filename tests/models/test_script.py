import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmem.errors import ConfigError
from agentmem.models.script import Turn, message, parse_markdown, parse_yaml, read
from agentmem.types import Message, Text, ToolCall

YAML = """
- text: I look at the page first.
  calls:
    - read: {page: Team.md, since: 2026-01-31, limit: 3}
    - list:
- Ada leads the team.
- ["One.", {calls: [{read: {page: B.md}}]}, "Two."]
"""

MARKDOWN = """# Who leads?

Words before the first turn are a comment.

## Turn 1: look around
I look at the page first.

```yaml call read
page: Team.md
since: 2026-01-31
limit: 3
```

~~~~ call list
~~~~

## Turn 2

Ada leads the team.

## Not a turn, but a heading of the reply

```markdown
## Turn 9: inside a fence
```call
```

## Turn 3
One.

```json call read
{"page": "B.md"}
```

Two.
"""

FIRST = (
    Text("I look at the page first."),
    ToolCall("call_0_1", "read", '{"page":"Team.md","since":"2026-01-31","limit":3}'),
    ToolCall("call_0_2", "list", "{}"),
)
LAST = (Text("One."), ToolCall("call_2_1", "read", '{"page":"B.md"}'), Text("Two."))


def test_a_yaml_script() -> None:
    """Turns are texts or mappings; calls keep the order of their arguments, and dates stay text."""
    turns = [message(turn, place).blocks for place, turn in enumerate(parse_yaml(YAML))]
    assert turns == [FIRST, (Text("Ada leads the team."),), LAST]


def test_a_markdown_script() -> None:
    """Turns are headings, calls are fenced blocks, and other headings and fences are the reply's own text."""
    first, second, third = (message(turn, place).blocks for place, turn in enumerate(parse_markdown(MARKDOWN)))
    assert first == FIRST
    assert third == LAST
    assert len(second) == 1
    text = second[0].wire()["text"]
    assert text.startswith("Ada leads the team.\n\n## Not a turn")
    assert "## Turn 9: inside a fence" in text


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("a.yaml", "text: no list", "a list of turns"),
        ("a.yaml", "[]", "a list of turns"),
        ("a.yaml", "- [unclosed", "this is no YAML"),
        ("a.yaml", "- Fine.\n- {say: hello}", "turn 2: a part of a turn is"),
        ("a.yaml", "- {calls: [{read: {}, list: {}}]}", "turn 1: a call is a mapping of one tool's name"),
        ("a.yaml", "- {calls: [{read: Team.md}]}", "the arguments of the call read are a mapping"),
        ("a.yaml", "- {calls: [{read: {limit: .nan}}]}", "cannot be written as JSON"),
        ("a.yaml", "- 5", "turn 1: a turn of a script is text"),
        ("a.md", "Just words.", "a heading such as '## Turn 1'"),
        ("a.md", "## Turn 1\n\n## Turn 2\nText.", "'## Turn 1' has neither text nor a call"),
        ("a.md", "## Turn 1\n```call read\npage: A.md\n", "the block of the call read is not closed"),
        ("a.md", "## Turn 1\n```call read\n- a list\n```", "the arguments of the call read are a mapping"),
    ],
)
def test_a_bad_script_says_where(tmp_path: Path, name: str, text: str, says: str) -> None:
    """A script that cannot be used names the file, the turn and what is wrong with it."""
    (tmp_path / name).write_text(text)
    with pytest.raises(ConfigError) as raised:
        read(tmp_path / name)
    assert name in str(raised.value)
    assert says in str(raised.value)


@pytest.mark.parametrize("content", [None, b"- \xff\xfe"])
def test_a_script_that_cannot_be_read(tmp_path: Path, content: bytes | None) -> None:
    """A file that is missing, or no UTF-8, is named."""
    path = tmp_path / "script.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"script\.yaml cannot be read"):
        read(path)


@pytest.mark.parametrize(
    ("turn", "blocks"),
    [
        ("Hello.", (Text("Hello."),)),
        ("", ()),
        (ToolCall("mine", "read", "{}"), (ToolCall("mine", "read", "{}"),)),
        (ToolCall("", "read", "{}"), (ToolCall("call_7_1", "read", "{}"),)),
        ([ToolCall("", "a", "{}"), "And", ToolCall("", "b", "{}")], None),
        (Message("assistant", (Text("As it is."),)), (Text("As it is."),)),
    ],
)
def test_what_a_turn_may_be(turn: Turn, blocks: tuple[object, ...] | None) -> None:
    """A turn is a text, a call, a list of them or a message; calls without an id are numbered within the turn."""
    made = message(turn, 7)
    if blocks is None:
        assert [call.id for call in made.calls] == ["call_7_1", "call_7_2"]
    else:
        assert made.blocks == blocks


LINE = st.text(st.characters(blacklist_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=30).map(str.strip)
ARGUMENTS = st.dictionaries(LINE.filter(bool), st.one_of(LINE, st.integers(), st.booleans(), st.none()), max_size=4)


@given(st.lists(ARGUMENTS, min_size=1, max_size=4))
def test_any_arguments_pass_through_markdown(calls: list[dict[str, object]]) -> None:
    """Arguments written as JSON into a fenced call come back as they were, in their order."""
    text = "".join(f"## Turn\n```json call read\n{json.dumps(one)}\n```\n" for one in calls)
    found = [message(turn, 0).calls[0].arguments for turn in parse_markdown(text)]
    assert [list(json.loads(one).items()) for one in found] == [list(one.items()) for one in calls]

"""agentmem.report.markup."""

from collections.abc import Iterator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from agentmem.report.markup import MOST, NAMES, body, lined, plain, rendered
from agentmem.types import Frame

TEXTS = st.one_of(st.text(), st.text(alphabet="<>/&\"'=[]()!*_`#|-~\n\\ :jsabtp").map(lambda text: text * 2))


def block(value: dict[str, Any], segment: Any = "message") -> Frame:
    """A frame of that value."""
    return Frame(segment, None, value, b"x", 1)


def every(nodes: list[Any]) -> Iterator[list[Any]]:
    """All nodes that are no text."""
    for node in nodes:
        if isinstance(node, list):
            yield node
            yield from every(node[1:])


@given(TEXTS)
def test_only_names_of_ours_come_out_of_any_text(text: str) -> None:
    """Whatever is written, a node is a text or has a name of the table, and what it holds is text."""
    for node in every(rendered(text)):
        assert node[0] in NAMES
        assert all(isinstance(part, str | list) for part in node)


def test_markdown_becomes_nodes() -> None:
    """Headings, lists, tables, code; tight lists without paragraphs."""
    assert rendered("# A\n\nb **c**\n\n- d") == [["h1", "A"], ["p", "b ", ["strong", "c"]], ["ul", ["li", "d"]]]
    assert rendered("```py\nx = 1\n```") == [["pre", "py", "x = 1\n"]]
    assert rendered("| a |\n|---|\n| `b` |")[0][1] == ["thead", ["tr", ["th", "a"]]]


def test_markup_and_addresses_are_text() -> None:
    """HTML stays as it was written; a link's address is shown beside it, one that runs script is no link at all."""
    assert rendered("<script>x</script>") == [["p", "<script>x</script>"]]
    assert rendered("[a](http://b)") == [["p", ["link", "http://b", "a"]]]
    assert rendered("![a](http://b/c.png)") == [["p", ["image", "http://b/c.png", "a"]]]
    assert not any(node[0] == "link" for node in every(rendered("[a](javascript:b) [c](data:text/html,d)")))


def test_each_kind_of_block_has_its_form() -> None:
    """A call by its arguments, a result as it is, a tool as JSON, what is not recorded as a note."""
    assert body(block({"type": "tool_use", "name": "read", "input": {"path": "a.md"}})) == [["given", "path", "a.md"]]
    result = {"type": "tool_result", "content": [{"type": "text", "text": "**x**"}, {"type": "image"}]}
    assert body(block(result)) == [["pre", "", "**x**"], ["pre", "", "[image]"]]
    assert body(block({"type": "thinking", "thinking": "hm"})) == [["p", "hm"]]
    assert body(block({"name": "read"}, "tool"))[0][:2] == ["pre", "json"]
    assert body(block({"type": "unknown"}))[0][0] == "note"
    assert plain(block(result)) == "**x**\n[image]"


def test_a_very_long_text_keeps_its_ends() -> None:
    """The middle is left out, and how much it was is said."""
    nodes = body(block({"type": "tool_result", "content": "a" * MOST + "b" * 1_000}))
    assert nodes[0][2].startswith("aaa") and nodes[0][2].endswith("bbb")
    assert nodes[1] == ["note", "1,000 characters in the middle are left out here."]


def test_texts_inside_json_are_compared_in_lines_of_their_own() -> None:
    """A tool's description is many lines; what its author wrote as a backslash stays; words are as they were said."""
    tool = {"name": "Bash", "description": "Runs it.\nNever `a\\n`."}
    assert lined(block(tool, "tool")).splitlines()[2:4] == ['  "description": "Runs it.', 'Never `a\\\\n`."']
    assert lined(block({"type": "text", "text": "a\\nb"})) == "a\\nb"

"""A block's text as a tree of plain nodes, which the page builds element by element: no HTML is ever made or parsed.

    rendered("Hello **you**")  # [["p", "Hello ", ["strong", "you"]]]

A node is a text, or a list of a name in `NAMES`, attributes if that name has any, and its children. HTML in a text is
text; the address of a link or picture is shown, and never followed or fetched.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

from agentmem.kvcache.why.texts import shown
from agentmem.types import Frame

Node = str | list[Any]

NAMES = frozenset(
    {
        *("p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "blockquote", "hr", "br"),
        *("em", "strong", "s", "code", "table", "thead", "tbody", "tr", "th", "td"),
        "pre",  # [name of the language, text]
        "link",  # [address, children ...]
        "image",  # [address, what it shows]
        "given",  # [name, text]: an argument of a call
        "note",  # [text]: our words, not the conversation's
    }
)
"""The names that nodes may have. The page makes no element for any other."""

MOST = 100_000
"""Characters of a block that are shown; of a longer one its beginning and end."""
_DEEPEST = 40
_THOUGHTS = ("thinking", "reasoning")
_UNKNOWN = "Not recorded: the log does not hold this text. Its size follows from the usage."


def rendered(text: str) -> list[Node]:
    """Markdown as nodes. What is nested too deeply is left as text."""
    text, note = shortened(text)
    return [*_nodes(iter(_parser().parse(text))), *note]


def body(one: Frame) -> list[Node]:
    """A block as nodes: texts as markdown, calls by their arguments, results and all else as they are."""
    value, kind = one.value, str(one.value.get("type"))
    if kind == "unknown":
        return [["note", _UNKNOWN]]
    if one.segment == "message" and kind == "tool_use":
        return [_given(str(name), each) for name, each in _arguments(value)]
    if kind == "tool_result":
        return list(_result(value.get("content")))
    if kind in _THOUGHTS:
        return rendered(str(value.get("thinking") or value.get("text") or ""))
    if isinstance(text := value.get("text"), str):
        return rendered(text)
    if kind in ("image", "document"):
        return [["note", f"{kind.capitalize()}, not shown here."]]
    return [_pre("json", _json(value) if one.value else shown(one))]


def plain(one: Frame) -> str:
    """A block as text, to search in and to compare."""
    text = _said(one)
    return _json(one.value) if text is None else text


def lined(one: Frame) -> str:
    """A block as text to compare line by line: texts inside JSON, as a tool's description, in lines of their own."""
    text = _said(one)
    return _ESCAPED.sub(lambda found: found[1] + "\n", _json(one.value)) if text is None else text


def _said(one: Frame) -> str | None:
    """The words of a block; None for one that is JSON."""
    value, kind = one.value, str(one.value.get("type"))
    if kind == "tool_result":
        return "\n".join(_texts(value.get("content")))
    if kind in _THOUGHTS:
        return str(value.get("thinking") or value.get("text") or "")
    text = value.get("text")
    return text if isinstance(text, str) else None


_ESCAPED = re.compile(r"(?<!\\)((?:\\\\)*)\\n")


def shortened(text: str) -> tuple[str, list[Node]]:
    """A text of at most `MOST` characters, and a note on what is left out, if anything is."""
    left = len(text) - MOST
    if left <= 0:
        return text, []
    half = MOST // 2
    note: Node = ["note", f"{left:,} characters in the middle are left out here."]
    return f"{text[:half]}\n\n[…]\n\n{text[-half:]}", [note]


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False, "maxNesting": _DEEPEST}).enable(["table", "strikethrough"])


def _nodes(tokens: Iterator[Token]) -> list[Node]:
    """The nodes up to the end, or to where the element around them closes."""
    found: list[Node] = []
    for token in tokens:
        if token.nesting < 0:
            break
        found += _node(token, tokens)
    return found


def _node(token: Token, tokens: Iterator[Token]) -> list[Node]:
    if token.type == "inline":
        return _nodes(iter(token.children or ()))
    if token.type in ("fence", "code_block"):
        return [_pre(token.info.split(" ")[0][:20], token.content)]
    if token.nesting > 0:
        return _around(token, _nodes(tokens))
    if token.type == "image":
        return [["image", str(token.attrs.get("src", "")), token.content]]
    if token.type in _LEAVES:
        return [_LEAVES[token.type]]
    if token.type == "code_inline":
        return [["code", token.content]]
    return [token.content] if token.content else []


_LEAVES: Mapping[str, Node] = {"hardbreak": ["br"], "softbreak": "\n", "hr": ["hr"]}


def _around(token: Token, children: list[Node]) -> list[Node]:
    """An element with children; the children alone where it is none of ours."""
    if token.tag == "a":
        return [["link", str(token.attrs.get("href", "")), *children]]
    return [[token.tag, *children]] if token.tag in NAMES and not token.hidden else children


def _pre(language: str, text: str) -> Node:
    return ["pre", language, text]


def _given(name: str, value: Any) -> Node:
    text, note = shortened(value if isinstance(value, str) else _json(value))
    return ["given", name, text + ("" if not note else f"\n{note[0][1]}")]


def _arguments(value: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    given = value.get("input")
    if isinstance(given, Mapping):
        yield from given.items()
    elif given is not None:
        yield "input", given


def _result(content: Any) -> Iterator[Node]:
    for text in _texts(content):
        cut, note = shortened(text)
        yield _pre("", cut)
        yield from note


def _texts(content: Any) -> Iterator[str]:
    """The texts of a result; of a part without a text, its type."""
    if isinstance(content, str):
        yield content
    elif isinstance(content, Sequence):
        for part in content:
            if isinstance(part, Mapping):
                yield part["text"] if isinstance(part.get("text"), str) else f"[{part.get('type')}]"
            else:
                yield str(part)
    elif content is not None:
        yield _json(content)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2, default=str)

"""Markdown rules for MDX: blocks of JSX, as of MDX 3 (https://mdxjs.com/docs/what-is-mdx).

Imports and exports last until a blank line outside their brackets, tags until their ``>``, expressions until their
closing brace. No heading is found inside them. Text between tags is markdown. There are no indented code blocks.
"""

import re

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock, html_block

_READ = "mdx_read"
_MOST_READ = 20  # times the page's length: well-formed text is read once or twice
_ESM = re.compile(r"(?:import|export)\b(?=[\s{*'\"(])")
_TAG = re.compile(r"</?(?:[A-Za-z_$>]|\s*\n)")
_TOKEN = re.compile(
    r"""
      /\*.*?(?:\*/|\Z) | //[^\n]*          # comments
    | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*' | `(?:\\.|[^`\\])*`
    | [{(\[] | [})\]] | \n[ \t]*(?=\n|\Z)
    """,
    re.VERBOSE | re.DOTALL,
)
_IN_TAG = re.compile(r"""[{>] | "[^"]*" | '[^']*'""", re.VERBOSE)


def enabled(markdown: MarkdownIt) -> MarkdownIt:
    """The parser with these rules in place of HTML blocks and indented code."""
    markdown.block.ruler.disable(["code", "html_block"])
    for name, rule in (("mdx_esm", _esm), ("mdx_expression", _expression), ("mdx_tag", _tag), ("comment", _comment)):
        markdown.block.ruler.before("table", name, rule, {"alt": []})
    markdown.parse("[x]: y")  # compiles the rules
    return markdown


def _esm(state: StateBlock, first: int, last: int, silent: bool) -> bool:
    start = state.bMarks[first]
    if state.level or not _ESM.match(state.src, start) or _is_spent(state):
        return False
    end, read = _statement_end(state.src, start, state.eMarks[last - 1])
    _spend(state, start, read)
    return _taken(state, first, end, "mdx_code")


def _expression(state: StateBlock, first: int, last: int, silent: bool) -> bool:
    start, stop = state.bMarks[first] + state.tShift[first], state.eMarks[last - 1]
    if state.src[start : start + 1] != "{" or _is_spent(state):
        return False
    end = _brace_end(state.src, start, stop)
    _spend(state, start, end or stop)
    return _taken(state, first, end, "mdx_code")


def _tag(state: StateBlock, first: int, last: int, silent: bool) -> bool:
    start, stop = state.bMarks[first] + state.tShift[first], state.eMarks[last - 1]
    at: int | None = start
    while at is not None and _TAG.match(state.src, at, stop) and not _is_spent(state):
        begin, at = at, _tag_end(state.src, at, stop)
        _spend(state, begin, at or stop)
        if at is not None and not state.src[at : _line_end(state.src, at)].strip():
            return _taken(state, first, at, "html_block")
        at = _past_spaces(state.src, at) if at is not None else None
    return False


def _comment(state: StateBlock, first: int, last: int, silent: bool) -> bool:
    start = state.bMarks[first] + state.tShift[first]
    return state.src.startswith("<!--", start) and html_block(state, first, last, silent)


def _taken(state: StateBlock, first: int, end: int | None, kind: str) -> bool:
    """Make a block of the lines up to ``end``, if nothing else is on the last of them."""
    if end is None or state.src[end : _line_end(state.src, end)].strip():
        return False
    last = first
    while state.eMarks[last] < end:
        last += 1
    token = state.push(kind, "", 0)
    state.line = last + 1
    token.map = [first, state.line]
    token.content = state.getLines(first, state.line, state.blkIndent, True)
    return True


def _is_spent(state: StateBlock) -> bool:
    """True if so much was read in search of closing brackets that the rest is taken as plain markdown."""
    return int(state.env.get(_READ, 0)) > _MOST_READ * len(state.src)


def _spend(state: StateBlock, start: int, end: int) -> None:
    state.env[_READ] = int(state.env.get(_READ, 0)) + end - start


def _statement_end(source: str, start: int, stop: int) -> tuple[int, int]:
    """The end of a statement, and how far was read.

    A blank line outside brackets ends it; if its brackets never close, the first blank line does.
    """
    depth, blank = 0, stop
    for token in _TOKEN.finditer(source, start, stop):
        if token[0][0] == "\n":
            blank = min(blank, token.start())
            if depth <= 0:
                return token.start(), token.start()
        depth += _step(token[0])
    return stop if depth <= 0 else blank, stop


def _brace_end(source: str, start: int, stop: int) -> int | None:
    """The position after the brace that closes the one at ``start``."""
    depth = 0
    for token in _TOKEN.finditer(source, start, stop):
        depth += _step(token[0])
        if depth == 0 and token[0] == "}":
            return token.end()
    return None


def _tag_end(source: str, start: int, stop: int) -> int | None:
    """The position after the ``>`` of the tag that begins at ``start``."""
    at = start + 1
    while found := _IN_TAG.search(source, at, stop):
        if found[0] == ">":
            return found.end()
        at = found.end()
        if found[0] == "{":
            closed = _brace_end(source, found.start(), stop)
            if closed is None:
                return None
            at = closed
    return None


def _step(token: str) -> int:
    return 1 if token in "{([" else -1 if token in "})]" else 0


def _line_end(source: str, at: int) -> int:
    found = source.find("\n", at)
    return len(source) if found < 0 else found


def _past_spaces(source: str, at: int) -> int:
    while source[at : at + 1] in (" ", "\t"):
        at += 1
    return at

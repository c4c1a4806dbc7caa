"""Examples in words: what the task or an old docstring says that a call gives, held against what the code answered.

Nothing is run: an example is a call with values that are written down, and the value that it gives, as in a doctest
(``>>> fee(30)``) or as ``fee(30) == 0``, ``fee(30) -> 0`` and "`fee(30)` is 0". What else words say only a reader sees.
"""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from agentmem.team.proof.apart import ApartRun
from agentmem.team.proof.brief import brief, briefly
from agentmem.team.proof.syntax import parsed, syntax_of, value_of

_SIGN = re.compile(r"^[`)\s]*(==|->|=>|→|➞|\breturns?\b|\bgives?\b|\bis\b|\bmust be\b|\bshould (?:be|return)\b)[\s`:]*")
_CALL = re.compile(r"(?<![\w.])(?:[A-Za-z_]\w*\.)*([A-Za-z_]\w*)\(")
_SYMBOLS = ("==", "->", "=>", "→", "➞")
_COMPLAINS = re.compile(
    r"\b(?:bugs?|wrong(?:ly)?|incorrect(?:ly)?|currently|at the moment|at present|today|actual(?:ly)?|broken)\b",
    re.IGNORECASE,
)
"""Words by which people tell of what is, and should not be."""
_NOT = re.compile(r"\bnot\s[`(\s]*$", re.IGNORECASE)
_ENDS = re.compile(r"[.;!?](?=\s)")
_ASSERTS = re.compile(r"\bassert[\s(]+$")
_LONGEST = 400  # characters of a line that is read
_UNREAD = (SyntaxError, ValueError, TypeError, MemoryError, RuntimeError)
"""What comes of reading a value in a text, whatever the text is."""
_Example = tuple[str, Any]
"""A call as a trace writes it, without its module, and the value that it gives."""


def examples(text: str) -> Iterator[_Example]:
    """The examples in a text, in its order."""
    lines, heading = text.splitlines(), ""
    for line, following in zip(lines, (*lines[1:], ""), strict=False):
        heading = line if line.rstrip().endswith(":") else heading
        if line.strip().startswith(">>>"):
            if _COMPLAINS.search(heading):
                continue
            said = line.strip().removeprefix(">>>").strip()
            if (call := _call(said)) and call[1] == len(said):
                yield from ((call[0], value) for value in _literal(following.strip(), whole=True))
            continue
        for found in _CALL.finditer(line[:_LONGEST]):
            if _complained(line, found.start()):
                continue
            rest = line[found.start() : _LONGEST]
            if (call := _call(rest)) and (sign := _SIGN.match(rest[call[1] :])):
                given = rest[call[1] + sign.end() :].strip()
                given = _compared(given) if _ASSERTS.search(line[: found.start()]) else given
                yield from ((call[0], value) for value in _literal(given, whole=sign[1] in _SYMBOLS))


def _compared(text: str) -> str:
    """What an assert statement compares with: its message is no part of it."""
    with suppress(*_UNREAD):
        statement = syntax_of(f"assert x == {text}").body[0]
        if isinstance(statement, ast.Assert) and statement.msg and isinstance(statement.test, ast.Compare):
            return ast.unparse(statement.test.comparators[-1])
    return text


def _complained(line: str, at: int) -> bool:
    """True if the sentence around a place in a line tells of a fault: a bug's report quotes the wrong answer."""
    ends = [one.end() for one in _ENDS.finditer(line)]
    begins = max((one for one in ends if one <= at), default=0)
    stops = min((one for one in ends if one > at), default=None)
    return bool(_COMPLAINS.search(line[begins:stops]) or _NOT.search(line[begins:at]))


def of_docstrings(code: str) -> Iterator[_Example]:
    """The examples in the docstrings of a module's text; none if it is no Python."""
    for node in ast.walk(parsed(code) or ast.Module([], [])):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module):
            yield from examples(ast.get_docstring(node) or "")


def specified(task: str, codes: Sequence[str]) -> Mapping[str, Any]:
    """What the examples say, by call. The task goes before docstrings; a call with two values is left out."""
    found: dict[str, Any] = {}
    for text in (task, *codes):
        here: dict[str, list[Any]] = {}
        for call, value in examples(text) if text is task else of_docstrings(text):
            here.setdefault(call, []).append(value)
        for call, values in here.items():
            if call not in found:
                found[call] = values[0] if all(agrees(_shown(one), values[0]) for one in values) else ...
    return {call: value for call, value in found.items() if value is not ...}


def kept(said: Mapping[str, Any], old: ApartRun) -> Mapping[str, Any]:
    """What docstrings say of calls that the old code answered: where it only raised, there was nothing to describe."""
    answered = {
        _of_module(text)
        for test in old.tests.values()
        for text, answer in test.trace
        if not answer.startswith("raises ")
    }
    return {call: value for call, value in said.items() if call in answered}


def _of_module(text: str) -> str:
    """A call of a trace without its module; "" for an object's method, which may answer by its state."""
    module, _, call = text.partition(".")
    return "" if "(" in module else call


def against(run: ApartRun, said: Mapping[str, Any]) -> dict[str, str]:
    """The tests in which the code answered a call otherwise than the examples say, each with that call."""
    found: dict[str, str] = {}
    for name, test in run.tests.items():
        for text, answer in test.trace:
            call = _of_module(text)
            if call in said and not agrees(answer.partition("; ")[0], said[call]):
                found.setdefault(name, f"{call} is {_shown(said[call])} there, and {answer} here")
    return found


def agrees(answer: str, value: Any) -> bool:
    """True if the text of an answer is that of a value, as people write it: 1 for 1.0, a list for a tuple, rounded."""
    shown = _shown(value)
    if _plain(answer) == _plain(shown):
        return True
    try:
        other = value_of(answer)
    except _UNREAD:
        return "..." in answer or "..." in shown
    if isinstance(other, int | float) and isinstance(value, float):
        places = len(repr(value).partition(".")[2])
        return round(other, places) == value or abs(other - value) < 10.0**-places
    return bool(other == value)


def _shown(value: Any) -> str:
    return brief(value)


def _plain(text: str) -> str:
    return re.sub(r"(?<=\d)\.0\b", "", text).replace("tuple(", "list(")


def _call(text: str) -> tuple[str, int] | None:
    """The call with written values at the beginning of a text, as a trace writes it, and where it ends."""
    depth, quote = 0, ""
    for at, letter in enumerate(text):
        if quote:
            quote = "" if letter == quote and text[at - 1] != "\\" else quote
        elif letter in "'\"":
            quote = letter
        elif letter in "([{":
            depth += 1
        elif letter in ")]}" and (depth := depth - 1) <= 0:
            return _written(text[: at + 1], at + 1)
    return None


def _written(text: str, ends: int) -> tuple[str, int] | None:
    with suppress(*_UNREAD):
        call = syntax_of(text.strip(), "eval").body
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name | ast.Attribute):
            name = call.func.id if isinstance(call.func, ast.Name) else call.func.attr
            given = [ast.literal_eval(one) for one in call.args]
            named = {one.arg: ast.literal_eval(one.value) for one in call.keywords if one.arg}
            return f"{name}({briefly(given, named)})", ends
    return None


def _literal(text: str, *, whole: bool) -> list[Any]:
    """The value that is written at the beginning of a text, and ends it or a part of its sentence; none if none is."""
    if whole:
        with suppress(*_UNREAD):
            return [value_of(text)]
    for end in range(len(text), 0, -1):
        if re.match(r"$|[`.,;)](?:\s|$|[`.,;)])|\s+#", text[end:]):
            with suppress(*_UNREAD):
                return [value_of(text[:end].strip())]
    return []

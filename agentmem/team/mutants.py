"""Makes mutants: a changed file with one small fault in it, to see whether tests notice.

The operators are the classic ones of mutation testing (DeMillo, Lipton, Sayward: "Hints on Test Data Selection", 1978),
on the lines that a change touched: a negated condition, a number off by one, a swapped operator, a constant return
value, a removed statement. Python only.
"""

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import chain, islice, zip_longest

from agentmem.team.proof.syntax import is_large, parsed

_LINE_END = re.compile(r"\r\n|\r|\n")  # Python's own line ends

MOST = 8
"""Mutants to try by default. Each costs one run of the tests."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One file's text with one fault. ``operator`` names the fault on ``line``."""

    path: str
    line: int
    operator: str
    text: str


Made = tuple[ast.expr | ast.stmt, str]
"""A node, and the source to replace it with."""

_COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
_CALCULATED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
}


def negated(node: ast.AST) -> Iterator[Made]:
    """``if a`` becomes ``if not a``. The same for while, conditional expressions and assert."""
    if isinstance(node, ast.If | ast.While | ast.IfExp):
        yield node.test, f"(not ({ast.unparse(node.test)}))"


def swapped(node: ast.AST) -> Iterator[Made]:
    """``<`` becomes ``<=``, ``==`` becomes ``!=``, ``+`` becomes ``-``, ``and`` becomes ``or``."""
    if isinstance(node, ast.Compare) and type(node.ops[0]) in _COMPARED:
        ops: list[ast.cmpop] = [_COMPARED[type(node.ops[0])](), *node.ops[1:]]
        yield node, f"({ast.unparse(ast.Compare(node.left, ops, node.comparators))})"
    elif isinstance(node, ast.BinOp) and type(node.op) in _CALCULATED:
        yield node, f"({ast.unparse(ast.BinOp(node.left, _CALCULATED[type(node.op)](), node.right))})"
    elif isinstance(node, ast.BoolOp):
        other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield node, f"({ast.unparse(ast.BoolOp(other, node.values))})"


def off_by_one(node: ast.AST) -> Iterator[Made]:
    """A whole number becomes the next one."""
    if isinstance(node, ast.Constant) and type(node.value) is int:
        yield node, f"({node.value + 1})"


def constant(node: ast.AST) -> Iterator[Made]:
    """``return x`` becomes ``return None``; ``return None`` and ``return`` become ``return 0``."""
    if isinstance(node, ast.Return):
        empty = node.value is None or (isinstance(node.value, ast.Constant) and node.value.value is None)
        yield node, "return 0" if empty else "return None"


def removed(node: ast.AST) -> Iterator[Made]:
    """A statement becomes ``pass``. Docstrings are left alone."""
    docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    if isinstance(node, ast.Expr | ast.Assign | ast.AugAssign | ast.Raise | ast.Delete) and not docstring:
        yield node, "pass"


_OPERATORS: tuple[tuple[str, Callable[[ast.AST], Iterator[Made]]], ...] = (
    ("negated condition", negated),
    ("swapped operator", swapped),
    ("number off by one", off_by_one),
    ("returned constant", constant),
    ("removed statement", removed),
)
"""The mutation operators, in the order of trying: one mutant of each, then the second of each, and so on."""


def mutants(path: str, before: str, after: str, most: int = MOST) -> tuple[Mutant, ...]:
    """At most ``most`` mutants on the lines of ``after`` that are not in ``before``; none if it is not Python."""
    tree = parsed(after)
    if tree is None or "\ufffd" in after:  # in another encoding: a mutant would differ by more than its fault
        return ()
    lines = changed_lines(before, after)
    nodes = [node for node in ast.walk(tree) if getattr(node, "lineno", 0) in lines]
    kinds = [_of_kind(path, after, nodes, name, change) for name, change in _OPERATORS]
    in_turn = chain.from_iterable(zip_longest(*kinds))
    return tuple(islice((one for one in in_turn if one is not None), most))


def changed_lines(before: str, after: str) -> frozenset[int]:
    """The numbers of the lines of ``after`` that were added or changed. Around a deletion, the lines next to it."""
    old, new = _LINE_END.split(before), _LINE_END.split(after)
    lines = set[int]()
    for tag, _, _, first, last in SequenceMatcher(a=old, b=new, autojunk=False).get_opcodes():
        if tag == "delete":
            lines |= {first, first + 1}
        elif tag != "equal":
            lines |= set(range(first + 1, last + 1))
    return frozenset(lines)


def _of_kind(
    path: str, text: str, nodes: list[ast.AST], name: str, change: Callable[[ast.AST], Iterator[Made]]
) -> Iterator[Mutant]:
    for node in nodes:
        for place, instead in _made(node, change):
            mutated = _spliced(text, place, instead)
            if mutated != text and _parses(mutated):
                yield Mutant(path, place.lineno, name, mutated)


def _made(node: ast.AST, change: Callable[[ast.AST], Iterator[Made]]) -> list[Made]:
    """What an operator makes of a node; nothing of one that is nested too deeply to be written."""
    said = node.test if isinstance(node, ast.If | ast.While | ast.IfExp) else node
    if isinstance(said, ast.expr) and is_large(said):
        return []
    try:
        return list(change(node))
    except (RuntimeError, MemoryError):
        return []


def _spliced(text: str, node: ast.expr | ast.stmt, instead: str) -> str:
    """The text with a node's own bytes replaced. (ast counts columns in UTF-8 bytes.)"""
    lines = text.encode("utf-8").splitlines(keepends=True)
    assert node.end_lineno is not None and node.end_col_offset is not None  # true for every parsed node
    start = sum(map(len, lines[: node.lineno - 1])) + node.col_offset
    end = sum(map(len, lines[: node.end_lineno - 1])) + node.end_col_offset
    data = b"".join(lines)
    return (data[:start] + instead.encode("utf-8") + data[end:]).decode("utf-8")


def _parses(text: str) -> bool:
    return parsed(text) is not None

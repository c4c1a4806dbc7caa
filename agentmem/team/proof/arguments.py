"""Whether a test still uses an argument that a call of the code has changed.

The judge runs it by itself, without the rest of agentmem. A test that computes what it expects from such an argument
takes it from the code: ``assert ordered(values) == sorted(values)`` holds for code that empties the list. A comparison
with a value that is written down, as in ``assert values == [1, 2]``, is the judge's own and stays so.
"""

import ast
import sys
import types
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

_LOOPS = (ast.For, ast.AsyncFor, ast.While)
_Place = tuple[int, int]


def still_used(value: Any, root: str) -> str:
    """The name by which a test in the folder ``root`` goes on using a value; "" if none does."""
    frame: types.FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_filename.startswith(f"{root}/"):
            names = [name for name, one in frame.f_locals.items() if one is value]
            if found := next((name for name in names if _is_read(frame, name)), ""):
                return found
            if found := next((name for name, one in list(frame.f_globals.items()) if one is value), ""):
                return found
        frame = frame.f_back
    return ""


def _is_read(frame: types.FrameType, name: str) -> bool:
    """True if code behind the present place of a frame reads a name, except to compare it with what is written down."""
    place = _place(frame)
    tree = _tree(frame.f_code.co_filename)
    function = _function(tree, frame.f_code) if tree is not None else None
    if place is None or function is None:
        return True
    begins, ends = place
    around = [one for one in ast.walk(function) if isinstance(one, _LOOPS) and _spans(one, begins)]
    for read, above in _reads(function, name):
        at = (read.lineno, read.col_offset)
        later = at >= ends or (bool(around) and not begins <= at < ends)
        if later and not _against_constant(read, above):
            return True
    return False


def _place(frame: types.FrameType) -> tuple[_Place, _Place] | None:
    """Where the call that a frame makes begins and ends in its file."""
    positions = list(frame.f_code.co_positions())
    found = positions[frame.f_lasti // 2] if frame.f_lasti // 2 < len(positions) else (None,) * 4
    first, last, begin, end = found
    return None if None in (first, last, begin, end) else ((first, begin), (last, end))  # type: ignore[return-value]


def _spans(node: ast.stmt, at: _Place) -> bool:
    return (node.lineno, node.col_offset) <= at < (node.end_lineno or 0, node.end_col_offset or 0)


def _function(tree: ast.Module, code: types.CodeType) -> ast.AST | None:
    """The smallest definition in a file that holds a code's first line; the whole file for its own code."""
    if code.co_name == "<module>":
        return tree
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
    fits = [
        one
        for one in ast.walk(tree)
        if isinstance(one, kinds) and _first(one) <= code.co_firstlineno <= (one.end_lineno or 0)
    ]
    return max(fits, key=lambda one: one.lineno, default=None)


def _first(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> int:
    above: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(one.lineno for one in above)])


def _reads(function: ast.AST, name: str) -> Iterator[tuple[ast.Name, ast.AST]]:
    """The places that read a name, each with what stands around it."""
    for above in ast.walk(function):
        for one in ast.iter_child_nodes(above):
            if isinstance(one, ast.Name) and one.id == name and isinstance(one.ctx, ast.Load):
                yield one, above


def _against_constant(read: ast.Name, above: ast.AST) -> bool:
    if not isinstance(above, ast.Compare):
        return False
    if all(isinstance(one, ast.Is | ast.IsNot) for one in above.ops):  # what it holds does not matter
        return True
    others = [one for one in (above.left, *above.comparators) if one is not read]
    written = (ast.Constant, ast.List, ast.Tuple, ast.Set, ast.Dict, ast.UnaryOp, ast.USub, ast.Load)
    return all(isinstance(one, written) for other in others for one in ast.walk(other))


@cache
def _tree(file: str) -> ast.Module | None:
    try:
        return ast.parse(Path(file).read_bytes())
    except (OSError, ValueError, SyntaxError):
        return None

"""What the files and the functions of the tests say by themselves: their trees, and the names that they use.

The judge runs it by itself, without the rest of agentmem.
"""

import ast
import sys
import types
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from agentmem.team.proof.syntax import parsed

Place = tuple[int, int]


@cache
def tree_of(file: str) -> ast.Module | None:
    """The syntax tree of a file; None if it has none."""
    try:
        return parsed(Path(file).read_bytes())
    except (OSError, ValueError):
        return None


def defined(code: types.CodeType) -> ast.AST | None:
    """The smallest definition in its file that holds a code's first line; the whole file for its own code."""
    return _defined(code.co_filename, code.co_name == "<module>", code.co_firstlineno)


@cache
def _defined(file: str, whole: bool, line: int) -> ast.AST | None:
    if whole:
        return tree_of(file)
    fits = [one for one in _definitions(file) if first_line(one) <= line <= (one.end_lineno or 0)]
    return max(fits, key=lambda one: one.lineno, default=None)


@cache
def _definitions(file: str) -> list[ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda]:
    tree, kinds = tree_of(file), (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
    return [one for one in ast.walk(tree) if isinstance(one, kinds)] if tree is not None else []


def first_line(node: ast.AST) -> int:
    """The line with which Python says that a definition begins."""
    above: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([getattr(node, "lineno", 0), *(one.lineno for one in above)])


def span(node: Any) -> tuple[Place, Place]:
    """Where a part of a file begins and ends."""
    return (node.lineno, node.col_offset), (node.end_lineno or 0, node.end_col_offset or 0)


def parameters_of(node: ast.AST) -> list[str]:
    given: Any = getattr(node, "args", None)
    if not isinstance(given, ast.arguments):
        return []
    more = [one for one in (given.vararg, given.kwarg) if one is not None]
    return [one.arg for one in (*given.posonlyargs, *given.args, *given.kwonlyargs, *more)]


def functions_in(node: ast.AST) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [one for one in ast.walk(node) if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)]


def spans(node: Any, at: Place) -> bool:
    """True if a place in a file lies in a part of it."""
    begins, ends = span(node)
    return begins <= at < ends


def place_of(frame: types.FrameType) -> tuple[Place, Place] | None:
    """Where the call that a frame makes begins and ends in its file."""
    positions = list(frame.f_code.co_positions())
    found = positions[frame.f_lasti // 2] if frame.f_lasti // 2 < len(positions) else (None,) * 4
    first, last, begin, end = found
    return None if None in (first, last, begin, end) else ((first, begin), (last, end))  # type: ignore[return-value]


def frames_inside(inside: str) -> Iterator[types.FrameType]:
    """The frames that run now of files whose names begin so, the innermost first."""
    frame: types.FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_filename.startswith(inside):
            yield frame
        frame = frame.f_back


def names_in(code: types.CodeType) -> Iterator[str]:
    """The names that a code and the functions in it use."""
    yield from code.co_names
    for one in code.co_consts:
        if isinstance(one, types.CodeType):
            yield from names_in(one)


def expects_stop(root: str) -> bool:
    """True if a function of the tests that is running names the exception."""
    frame: types.FrameType | None = sys._getframe(1)
    while frame is not None:
        code = frame.f_code
        if code.co_name in ("__next__", "__anext__"):
            return False  # it ends a loop of the tests
        if {"StopIteration", "StopAsyncIteration"} & set(code.co_names) and code.co_filename.startswith(root):
            return True
        frame = frame.f_back
    return False

"""Whether what a test reads of its surroundings is only compared, where it reads it, with what is written down there.

The judge runs it by itself, without the rest of agentmem. So what the code left in a file is an answer like others.
"""

import ast
from collections.abc import Mapping
from functools import cache
from typing import Any

from agentmem.team.proof.arguments import Place, frames_inside, place_of, span, tree_of
from agentmem.team.proof.syntax import last_name
from agentmem.team.proof.uses import WRITTEN, is_python

_READS = frozenset(
    {"open", "read_text", "read_bytes", "listdir", "iterdir", "glob", "exists", "is_file", "is_dir", "is_symlink"}
    | {"isfile", "isdir", "islink", "lexists"}
)
"""Functions that read one file, or folder. Others may read two, of which the code has changed both."""
_PARTS = frozenset(
    {"read", "readline", "readlines", "strip", "rstrip", "lstrip", "split", "rsplit", "splitlines", "decode", "encode"}
    | {"lower", "upper", "count", "startswith", "endswith", "replace", "removeprefix", "removesuffix"}
)
"""Methods of files, texts and bytes that give a part of what was read."""
_EAGER = frozenset({"len", "sorted", "list", "tuple", "set", "frozenset", "str", "bool", "sum", "int", "float"})
"""Functions of Python's that only tell of what they are given, at once."""


def is_compared(root: str) -> bool:
    """True where what a test in the folder ``root`` asks for now is only compared with what is written down."""
    if (frame := next(frames_inside(f"{root}/"), None)) is None or (place := place_of(frame)) is None:
        return False
    calls, above = _calls(frame.f_code.co_filename)
    reads = calls.get(place, ())
    names = {**frame.f_globals, **frame.f_locals}
    return bool(reads) and all(_reads_one(one, names) and _is_safe(one, above, names) for one in reads)


def _reads_one(read: ast.expr, names: Mapping[str, Any]) -> bool:
    """True for a call that reads one file or folder, or that goes through what such a call gives."""
    function = read.func if isinstance(read, ast.Call) else read
    name = last_name(function)
    if isinstance(read, ast.Call) and isinstance(function, ast.Name) and name in _EAGER and len(read.args) == 1:
        return is_python(name, names) and _reads_one(read.args[0], names)
    return name in _READS


@cache
def _calls(file: str) -> tuple[dict[tuple[Place, Place], list[ast.expr]], dict[ast.AST, ast.AST]]:
    """The calls of a file by where they stand; and what is above each.

    A comprehension stands for what it goes through: it asks for one after the other, by a frame of its own.
    """
    calls, above = dict[tuple[Place, Place], list[ast.expr]](), dict[ast.AST, ast.AST]()
    for node in ast.walk(tree_of(file) or ast.Module([], [])):
        above |= dict.fromkeys(ast.iter_child_nodes(node), node)
        if isinstance(node, ast.Call | ast.ListComp | ast.SetComp | ast.GeneratorExp):
            asked = node if isinstance(node, ast.Call) else node.generators[0].iter
            calls.setdefault(span(node), []).append(asked)
    return calls, above


def _is_safe(read: ast.expr, above: Mapping[ast.AST, ast.AST], names: Mapping[str, Any]) -> bool:
    node: ast.expr = read
    while (larger := _larger(node, above, names)) is not None:
        node = larger
    outer = above[node]
    if isinstance(outer, ast.Call) and isinstance(outer.func, ast.Attribute) and outer.func.attr[:6] == "assert":
        return all(_is_written(one) for one in outer.args if one is not node)
    if isinstance(outer, ast.Compare):
        if not all(_is_written(one) for one in (outer.left, *outer.comparators) if one is not node):
            return False
        outer = above[outer]
    while isinstance(outer, ast.BoolOp) or (isinstance(outer, ast.UnaryOp) and isinstance(outer.op, ast.Not)):
        outer = above[outer]
    return isinstance(outer, ast.Assert)


def _larger(node: ast.expr, above: Mapping[ast.AST, ast.AST], names: Mapping[str, Any]) -> ast.expr | None:
    """The next larger part of an expression that only tells of this one; None for none."""
    outer = above[node]
    if isinstance(outer, ast.Attribute) and outer.attr in _PARTS:
        call = above[outer]
        plain = isinstance(call, ast.Call) and call.func is outer and not call.keywords
        return call if isinstance(call, ast.Call) and plain and all(map(_is_written, call.args)) else None
    if isinstance(outer, ast.Call) and isinstance(outer.func, ast.Name) and [*outer.args, *outer.keywords] == [node]:
        return outer if outer.func.id in _EAGER and is_python(outer.func.id, names) else None
    if isinstance(outer, ast.Subscript):
        return outer if outer.value is node and _is_written(outer.slice) else None
    if isinstance(outer, ast.comprehension):
        whole = above[outer]
        if isinstance(whole, ast.ListComp | ast.SetComp | ast.GeneratorExp) and _only_names(whole, outer, node):
            return whole
    return outer if isinstance(outer, ast.UnaryOp) else None


def _only_names(whole: ast.ListComp | ast.SetComp | ast.GeneratorExp, loop: ast.comprehension, node: ast.expr) -> bool:
    """True for a comprehension that gives each of what is read, or its name."""
    element = whole.elt
    inside = element.value if isinstance(element, ast.Attribute) and element.attr in ("name", "stem") else element
    same = isinstance(inside, ast.Name) and isinstance(loop.target, ast.Name) and inside.id == loop.target.id
    return same and loop.iter is node and not loop.ifs and len(whole.generators) == 1


def _is_written(node: ast.AST) -> bool:
    return isinstance(node, WRITTEN) and all(map(_is_written, ast.iter_child_nodes(node)))

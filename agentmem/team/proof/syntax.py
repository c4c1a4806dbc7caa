"""Reads Python's text as a syntax tree, and writes parts of one, where any text may come: no depth of it is an error.

Both sides run it by themselves. Python runs chains of thousands of operators or ``elif``s, for which its own functions
on syntax trees, which call themselves, have no room.
"""

import ast
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from itertools import islice
from threading import RLock
from typing import Any

_LARGE, _NAMES = 400, 8  # parts of a tree, and names of a dotted one
_UNREAD = (SyntaxError, ValueError, RuntimeError, MemoryError)
_READING, _TRIES = RLock(), 20  # it may be asked for while it is held: a finalizer can run in the middle of reading


def syntax_of(text: str | bytes, mode: str = "exec", parse: Callable[..., Any] = ast.parse) -> Any:
    """The syntax tree of a text, as ``ast.parse`` makes it. Raises what that raises of the text.

    Some versions of Python count the depth of what it reads for all threads together, and raise a SystemError where one
    comes between (https://github.com/python/cpython/issues/106905): so it is read by one at a time, and again.
    """
    with _READING:
        for _ in range(_TRIES):
            with suppress(SystemError):
                return parse(text, mode=mode)
    return parse(text, mode=mode)


def value_of(text: str) -> Any:
    """The value that a text writes down, as ``ast.literal_eval`` reads it."""
    return ast.literal_eval(syntax_of(text.lstrip(" \t"), "eval"))


def parsed(text: str | bytes) -> ast.Module | None:
    """The syntax tree of a module; None for what is no Python, or is nested more deeply than can be read."""
    try:
        tree: ast.Module = syntax_of(text)
    except _UNREAD:
        return None
    return tree


@cache
def nodes_of(tree: ast.AST) -> tuple[ast.AST, ...]:
    """All nodes of a tree that stays as it is, in the order of ``ast.walk``: for many who look for something in it."""
    return tuple(ast.walk(tree))


def is_too_deep(text: str | bytes) -> bool:
    """True for a text that may be Python's, but is nested more deeply than can be read."""
    try:
        syntax_of(text)
    except (SyntaxError, ValueError):
        return False
    except (RuntimeError, MemoryError):
        return True
    return False


def is_large(node: ast.AST) -> bool:
    """True for a part of a tree that is too large to be written as often as its parts."""
    return sum(1 for _ in islice(ast.walk(node), _LARGE)) == _LARGE


def last_name(node: ast.AST) -> str:
    """The last name of ``a.b``; "" for what is none."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def root_name(node: ast.AST) -> str:
    """The first name of ``a.b(c)[d].e``; "" for what begins with none."""
    while isinstance(node, ast.Attribute | ast.Call | ast.Subscript):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def dotted(node: ast.AST) -> str:
    """A name with its attributes, such as ``pytest.mark.skip``; of a large one the last of them."""
    if not is_large(node):
        with suppress(RuntimeError, MemoryError):
            return ast.unparse(node)
    names: list[str] = []
    while isinstance(node, ast.Attribute) and len(names) < _NAMES:
        names, node = [node.attr, *names], node.value
    return ".".join([node.id if isinstance(node, ast.Name) else "...", *names])


def same(one: ast.AST, other: ast.AST) -> bool:
    """True if two parts of trees are the same program."""
    return all(a == b for a, b in zip(_told(one), _told(other), strict=False)) and _size(one) == _size(other)


def _size(node: ast.AST) -> int:
    return sum(1 for _ in ast.walk(node))


def _told(node: ast.AST) -> Iterator[tuple[object, ...]]:
    for one in ast.walk(node):
        fields = [(name, value) for name, value in ast.iter_fields(one) if name != "ctx"]
        yield (type(one), *((name, type(value), _plain(value)) for name, value in fields))


def _plain(value: object) -> object:
    if isinstance(value, list):
        return [one if isinstance(one, str) else type(one) for one in value]
    return None if isinstance(value, ast.AST) else value


def named(node: ast.AST) -> frozenset[str]:
    """The names and the last names of attributes in a part of a tree."""
    every = (one for one in ast.walk(node) if isinstance(one, ast.Name | ast.Attribute))
    return frozenset(one.attr if isinstance(one, ast.Attribute) else one.id for one in every)

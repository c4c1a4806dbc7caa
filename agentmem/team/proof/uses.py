"""What a test does with a container that the code has changed, by the text around the places that read it.

The judge runs it by itself, without the rest of agentmem.
"""

import ast
import builtins
from collections.abc import Iterator, Mapping
from typing import Any

from agentmem.team.proof.origins import is_of_code

_EAGER = frozenset({"len", "sorted", "list", "tuple", "set", "frozenset", "dict", "sum", "min", "max", "str", "bool"})
"""Functions of Python's own that only tell of what they are given, at once."""
WRITTEN = (ast.Constant, ast.List, ast.Tuple, ast.Set, ast.Dict, ast.UnaryOp, ast.USub, ast.Slice, ast.Load)
"""The nodes of what is written down."""
_FEW = 3  # variables in a row to which a value is handed on


def compares(node: ast.AST, begins: tuple[int, int], ends: tuple[int, int]) -> bool:
    """True for a comparison, or call of an assertion, of which this place in the text is a part."""
    if isinstance(node, ast.Call):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        return name.startswith("assert") and not name.startswith("assertIs") and _spans(node, begins, ends)
    return isinstance(node, ast.Compare) and _spans(node, begins, ends)


def _begins(node: ast.AST) -> tuple[int, int]:
    return getattr(node, "lineno", 0), getattr(node, "col_offset", 0)


def _spans(node: ast.AST, begins: tuple[int, int], ends: tuple[int, int] | None = None) -> bool:
    """True if a part of the text lies in a node, and is not all of it."""
    end = getattr(node, "end_lineno", 0), getattr(node, "end_col_offset", 0)
    return _begins(node) <= begins and (ends or begins) <= end and (begins, ends) != (_begins(node), end)


def _is_itself(read: ast.AST, under: ast.AST, above: Mapping[ast.AST, ast.AST]) -> bool:
    """True where a part of a comparison is a value itself, or holds it, and not what a function made of it."""
    node = read
    while node is not under:
        node = above[node]
        if not isinstance(node, ast.Attribute | ast.Subscript | ast.Tuple | ast.List | ast.Dict):
            return False
    return True


def is_python(name: str, names: Mapping[str, Any]) -> bool:
    """True for a name of a function of Python's that a file has not given to something else."""
    return names.get(name, own := getattr(builtins, name)) is own


class Uses:
    """A function of a test's file, with the values that its names have now."""

    def __init__(self, function: ast.AST, names: Mapping[str, Any]) -> None:
        self.function, self.names = function, names
        self.above = {one: node for node in ast.walk(function) for one in ast.iter_child_nodes(node)}
        self.code = set[str]()
        for _ in range(_FEW):
            self.code |= {name for node in ast.walk(function) for name in self._bound_to_code(node)}

    def is_safe(self, read: ast.expr) -> bool:
        """True where the value, or what Python says of it, is only compared with what is written down."""
        node: ast.AST = read
        above = self.above[node]
        while self._tells(above, node):
            node, above = above, self.above[above]
        joined = above
        while isinstance(joined, ast.BoolOp):
            joined = self.above[joined]
        if isinstance(joined, ast.Assert):  # whether it is empty, or what is said when another assertion fails
            return True
        if isinstance(above, ast.Compare):
            if all(isinstance(one, ast.Is | ast.IsNot) for one in above.ops):  # what it holds does not matter
                return True
            return all(self._is_written(one) for one in (above.left, *above.comparators) if one is not node)
        if isinstance(above, ast.Call) and isinstance(above.func, ast.Attribute) and above.func.attr[:6] == "assert":
            return all(self._is_written(one) for one in above.args if one is not node)
        return False

    def is_apart(self, read: ast.expr, depth: int = 0) -> bool:
        """True where a statement that reads the value asks the code for nothing, or hands it the value itself."""
        above = self.above[read]
        above = self.above[above] if isinstance(above, ast.keyword | ast.Starred) else above
        if isinstance(above, ast.Call) and self._asks(above.func):
            return True
        node: ast.AST = read
        while not isinstance(node, ast.stmt | ast.Lambda):
            node = self.above[node]
        if self._asks(node):
            return False
        targets = node.targets if isinstance(node, ast.Assign) else []
        names = {one.id for target in targets for one in ast.walk(target) if isinstance(one, ast.Name)}
        handed = [one for one in ast.walk(self.function) if isinstance(one, ast.Name) and one.id in names]
        later = [one for one in handed if isinstance(one.ctx, ast.Load) and one.lineno > node.lineno]
        return depth == _FEW or all(self.is_safe(one) or self.is_apart(one, depth + 1) for one in later)

    def is_held(self, read: ast.expr, begins: tuple[int, int], ends: tuple[int, int]) -> bool:
        """True for a value that is given with a generator of the code's to a function of Python's, which reads both.

        So does a comparison in which the value stands before the call, which changes it.
        """
        node: ast.AST = read
        while not isinstance(node, ast.stmt):
            node, under = self.above[node], node
            if compares(node, begins, ends) and _is_itself(read, under, self.above):
                return _begins(under) < begins and not _spans(under, begins)
            if isinstance(node, ast.Call) and self._asks(node.func):
                return False
            if isinstance(node, ast.Call) and (node.lineno, node.col_offset) == begins and under is not node.func:
                return (node.end_lineno, node.end_col_offset) == ends
        return False

    def _tells(self, above: ast.AST, node: ast.AST) -> bool:
        if isinstance(above, ast.Call) and above.func is node:  # a method of it
            return all(map(self._is_written, (*above.args, *(one.value for one in above.keywords))))
        if isinstance(above, ast.Call) and isinstance(above.func, ast.Name):
            others = [one for one in (*above.args, *above.keywords) if one is not node]
            return self._is_eager(above.func.id) and not others
        if isinstance(above, ast.Subscript):
            return above.value is node and self._is_written(above.slice)
        return isinstance(above, ast.UnaryOp | ast.Attribute)

    def _is_eager(self, name: str) -> bool:
        return name in _EAGER and is_python(name, self.names)

    def _is_written(self, node: ast.AST) -> bool:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
            return self._is_eager(node.func.id) and all(map(self._is_written, node.args))
        return isinstance(node, WRITTEN) and all(map(self._is_written, ast.iter_child_nodes(node)))

    def _asks(self, node: ast.AST) -> bool:
        """True if there is anything of the code's in a part of the function, or a variable that holds an answer."""
        return any(self._is_code(one) for one in ast.walk(node))

    def _is_code(self, node: ast.AST) -> bool:
        if isinstance(node, ast.Name):
            return node.id in self.code or is_of_code(self.names.get(node.id))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            owner = self.names.get(node.value.id)
            return not is_of_code(owner) and is_of_code(getattr(owner, "__dict__", {}).get(node.attr))
        return False

    def _bound_to_code(self, node: ast.AST) -> Iterator[str]:
        """Variables that get an answer or error of the code's from a statement, or a method of which it hands on."""
        targets: list[ast.AST] = []
        if isinstance(node, ast.Assign) and self._asks(node.value):
            targets = list(node.targets)
        elif isinstance(node, ast.For | ast.AsyncFor) and self._asks(node.iter):
            targets = [node.target]
        elif isinstance(node, ast.With | ast.AsyncWith) and self._asks(node):
            targets = [one.optional_vars for one in node.items if one.optional_vars is not None]
        elif isinstance(node, ast.NamedExpr) and self._asks(node.value):
            targets = [node.target]
        elif isinstance(node, ast.ExceptHandler):
            yield from [node.name] if node.name else []
        elif isinstance(node, ast.Call) and self._asks(node.func):  # as each(rows, got.append)
            targets = [one.value for one in node.args if isinstance(one, ast.Attribute)]
        yield from (one.id for target in targets for one in ast.walk(target) if isinstance(one, ast.Name))

"""Whether a test takes what it expects from a container of its own that the code has changed, by its text.

The judge runs it by itself, without the rest of agentmem. A function is read from where the code has changed something
on, or whole, and with it the functions of the tests that it calls there.
"""

import ast
import builtins
import sys
import types
from collections.abc import Callable, Mapping, Sequence
from functools import cache, cached_property
from typing import Any

from agentmem.team.proof.arguments import defined, first_line, parameters_of, span, tree_of
from agentmem.team.proof.origins import CHANGED, CODE, MISSING, OPEN, WRITTEN, Changes, Origins, attribute
from agentmem.team.proof.weighing import Weighing

_LEAVING = (ast.Return, ast.Break, ast.Continue)
_PLAIN = frozenset({"__init__", "__new__", "__post_init__", "__repr__", "__str__", "__hash__", "__init_subclass__"})
"""Special methods that no comparison asks."""
_PASSES = 3
"""How often a function is read, for what is put into a variable behind the place that reads it."""


class Reading(Weighing):
    """One function of the tests', with its statements."""

    def read(self) -> "Reading":
        """Read it as often as it takes, for what is put into variables behind the place that reads them."""
        self.lazily = self._is_lazy()
        for _ in range(_PASSES):
            if isinstance(self.node, ast.Lambda):
                self.returned |= self.of(self.node.body)
            elif isinstance(self.node, ast.expr):
                self.of(self.node)
            else:
                self._block(getattr(self.node, "body", []))
        return self

    # Statements.

    def _block(self, statements: Sequence[ast.stmt]) -> None:
        for one in statements:
            if self.place is None or span(one)[1] >= self.place[1] or self._is_looped(one):
                self._statement(one)

    def _statement(self, node: ast.stmt) -> None:
        for kinds, read in self._ways:
            if isinstance(node, kinds):
                read(node)
                return
        for part in ast.iter_child_nodes(node):
            if isinstance(part, ast.expr):
                self.of(part)

    @cached_property
    def _ways(self) -> list[tuple[tuple[type, ...], Callable[[Any], None]]]:
        """How each kind of statement is read; the functions in a function are when they are called."""
        return [
            ((ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Delete), lambda node: None),
            ((ast.Assign, ast.AnnAssign, ast.AugAssign), self._assign),
            ((ast.For, ast.AsyncFor), self._loop),
            ((ast.If, ast.While), lambda node: self._branch(node, self.of(node.test), [node.body, node.orelse])),
            ((ast.Match,), self._match),
            ((ast.With, ast.AsyncWith), self._with),
            ((ast.Try, ast.TryStar), self._try),
            ((ast.Assert,), lambda node: self._truth(node.test)),
            ((ast.Return,), self._return),
            ((ast.Expr,), self._expression),
            ((ast.Import, ast.ImportFrom), self._import),
        ]

    def _return(self, node: ast.Return) -> None:
        self.returned |= self._plainly(node.value)

    def _expression(self, node: ast.Expr) -> None:
        self._controlled(node, self._plainly(node.value), asserts=self._is_asserting(node.value))

    def _match(self, node: ast.Match) -> None:
        origins = self.of(node.subject)
        for one in node.cases:
            for part in ast.walk(one.pattern):
                if isinstance(part, ast.MatchValue):
                    self._judge(part, [origins, self.of(part.value)])
                elif isinstance(part, ast.MatchAs | ast.MatchStar) and part.name:
                    self.bound[part.name] = self.bound.get(part.name, WRITTEN) | origins
            if one.guard is not None:
                origins |= self.of(one.guard)
        self._branch(node, origins, [one.body for one in node.cases])

    def _with(self, node: ast.With | ast.AsyncWith) -> None:
        for one in node.items:
            origins = self.of(one.context_expr)
            if one.optional_vars is not None:
                self._bind(one.optional_vars, origins or CODE)
        self._block(node.body)

    def _assign(self, node: ast.Assign | ast.AnnAssign | ast.AugAssign) -> None:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        if node.value is None:
            return
        if isinstance(node, ast.AugAssign):
            origins = self.of(node.value) | self.of(node.target)
            self._mixed(node, origins)
            self._absorb(node.target, origins)
            return
        for target in targets:
            both = isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple)
            if both and len(target.elts) == len(node.value.elts):  # type: ignore[attr-defined]
                for one, value in zip(target.elts, node.value.elts, strict=True):  # type: ignore[attr-defined]
                    self._bind(one, self._kept(value))
            else:
                self._bind(target, self._kept(node.value))

    def _kept(self, node: ast.expr) -> Origins:
        """The origins of what a variable is for; of a container that may be changed meanwhile."""
        may = self.suspects and isinstance(node, ast.List | ast.Dict | ast.Set | ast.Tuple)
        return self._plainly(node) | (CHANGED if may else WRITTEN)

    def _loop(self, node: ast.For | ast.AsyncFor) -> None:
        origins = self.of(node.iter)
        self._bind_items(node.target, node.iter, origins)
        before, held = self.control, self._held(node.iter)
        if type(held) in (list, tuple, dict) and id(held) not in self.changes.changed:
            origins = WRITTEN  # as many as there were
        self.control |= origins & (CHANGED | OPEN)
        if origins >= CHANGED and not self.is_sized(node.iter) and any(map(self._asserts, node.body)):
            self._flag(node.iter)
        self._block(node.body)
        self.control = before
        self._block(node.orelse)

    def _asserts(self, node: ast.stmt) -> bool:
        calls = (one for one in ast.walk(node) if isinstance(one, ast.Assert | ast.Call))
        return any(isinstance(one, ast.Assert) or self._compares(one) for one in calls)

    def _bind_items(self, target: ast.expr, given: ast.expr, origins: Origins) -> None:
        """What a loop goes over: a table of the test's by its columns."""
        held = self._held(given)
        rows = list(held) if type(held) in (list, tuple) else []
        if isinstance(target, ast.Tuple) and rows and not self._absorbed(given):
            width = len(target.elts)
            if all(type(one) is tuple and len(one) == width for one in rows):
                for one, column in zip(target.elts, zip(*rows, strict=True), strict=True):
                    self._bind(one, self.changes.of(column))
                return
        self._bind(target, origins)

    def _branch(self, node: ast.stmt, origins: Origins, blocks: list[list[ast.stmt]]) -> None:
        if CHANGED & origins and any(
            isinstance(one, _LEAVING) for part in blocks for at in part for one in ast.walk(at)
        ):
            self._flag(node)
        before = self.control
        self.control |= origins & CHANGED
        for one in blocks:
            self._block(one)
        self.control = before

    def _try(self, node: Any) -> None:
        for one in node.handlers:
            if one.name:
                self.bound[one.name] = self.bound.get(one.name, WRITTEN) | CODE
        values = (getattr(one, "value", None) for one in node.body if not isinstance(one, ast.Assert))
        late = [one for one in values if isinstance(one, ast.expr) and self._is_late(one)]
        origins = WRITTEN.union(*map(self._plainly, late))
        self._branch(node, origins, [node.body, *(one.body for one in node.handlers), node.orelse])
        self._block(node.finalbody)

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        for one in node.names:
            name = one.asname or one.name.partition(".")[0]
            if self.value_of(name) is not MISSING and self.place is not None:
                continue
            path = one.name if isinstance(node, ast.Import) and one.asname else name
            module = sys.modules.get(node.module or "" if isinstance(node, ast.ImportFrom) else path)
            held = attribute(module, one.name) if isinstance(node, ast.ImportFrom) and module is not None else module
            self.bound[name] = OPEN if held is None or held is MISSING else self.changes.of(held)
            if isinstance(node, ast.ImportFrom) and held is MISSING and self.changes.of(module) == CODE:
                self.bound[name] = CODE

    def _inner(self, node: Any, parameters: dict[str, Origins]) -> "Weighing":
        """A function inside this one, called here."""
        if node in self.changes.active:
            return self
        self.changes.active.add(node)
        given = {**self.bound, **parameters}
        for name, origins in self.absorbed.items():
            given[name] = given.get(name, WRITTEN) | origins

        def held(name: str) -> Any:
            known = name in parameters or (name in self.bound and self.place is not None)
            return MISSING if known else self.value_of(name)

        inner = Reading(self.changes, node, held, None, given)
        inner.nested, inner.methods = {**self.nested, **inner.nested}, self.methods
        inner.read()
        self.changes.active.discard(node)
        self.found = self.found or inner.found
        for name, origins in inner.absorbed.items():
            self.absorbed[name] = self.absorbed.get(name, WRITTEN) | origins
        return inner

    def _by_name(
        self, function: ast.AST, node: ast.Call | None, origins: Sequence[Origins], skip: int = 0
    ) -> dict[str, Origins]:
        """The origins of a function's parameters in a call, which come in the order of its arguments."""
        names = parameters_of(function)
        plain = node is None or not any(isinstance(one, ast.Starred) for one in node.args)
        if not plain or any(one.arg is None for one in (node.keywords if node else ())) or _has_rest(function):
            return dict.fromkeys(names[skip:], WRITTEN.union(*origins))
        count = len(node.args) if node else len(origins)
        found = dict(zip(names[skip:], origins[:count], strict=False))
        keywords = [str(one.arg) for one in node.keywords] if node else []
        found |= dict(zip(keywords, origins[count:], strict=False))
        return {name: found.get(name, WRITTEN) for name in names[skip:]}

    def _of_function(
        self, function: Any, bound: list[Any], origins: Sequence[Origins], node: ast.Call | None = None
    ) -> Origins:
        """The origins of what a function of the tests' gives. What it compares is read with it."""
        code = getattr(function, "__code__", None)
        if not isinstance(code, types.CodeType) or not self.changes.is_inside(function):
            return OPEN.union(*origins)
        reading = reading_of(self.changes, function, bound)
        if reading is None or (key := (code, *map(id, bound), *origins)) in self.changes.active:
            return WRITTEN.union(*origins) if reading is not None else OPEN
        self.changes.active.add(key)
        for name, one in self._by_name(reading.node, node, origins, len(bound)).items():
            reading.bound[name] = reading.bound.get(name, WRITTEN) | one
        reading.read()
        self.changes.active.discard(key)
        self.found = self.found or reading.found
        return reading.returned

    def _made(self, kind: type, origins: Sequence[Origins], node: ast.Call) -> Origins:
        """The origins of an object of a class of the tests': any where it has special methods of its own."""
        for name in ("__init__", "__new__", "__post_init__"):
            held = attribute(kind, name)
            if self.changes.is_inside(held):
                self._of_function(held, [MISSING], origins if name != "__post_init__" else [], node)
        own = [name for one in kind.__mro__ for name, held in vars(one).items() if self.changes.is_inside(held)]
        return OPEN if any(name[:2] == "__" and name not in _PLAIN for name in own) else WRITTEN


def _has_rest(node: ast.AST) -> bool:
    given: Any = getattr(node, "args", None)
    return given.vararg is not None or given.kwarg is not None


def names_in(*places: Mapping[str, Any]) -> Callable[[str], Any]:
    """What a name holds, of the first place that has it."""

    def held(name: str) -> Any:
        return next((one[name] for one in places if name in one), MISSING)

    return held


def reading_of(changes: Changes, function: Any, bound: Sequence[Any]) -> Reading | None:
    """How a function of the tests' is read that is called with ``bound`` as its first arguments."""
    code = function.__code__
    node = defined(code)
    if node is None:
        return None
    cells = dict(zip(code.co_freevars, function.__closure__ or (), strict=False))
    free = {name: cell.cell_contents for name, cell in cells.items() if _is_filled(cell)}
    first = {name: one for name, one in zip(parameters_of(node), bound, strict=False) if one is not MISSING}
    reading = Reading(changes, node, names_in(first, free, function.__globals__, vars(builtins)))
    reading.methods = methods_of(code.co_filename)
    reading.absorbed |= changes.locals.get((code.co_filename, first_line(node)), {})
    values = [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
    for name in parameters_of(node):
        reading.bound[name] = WRITTEN.union(*map(changes.of, values))
    return reading


@cache
def methods_of(file: str) -> dict[str, list[ast.AST]]:
    """The methods of the classes in a file, by their names."""
    tree, found = tree_of(file), dict[str, list[ast.AST]]()
    for kind in ast.walk(tree) if tree is not None else ():
        for one in kind.body if isinstance(kind, ast.ClassDef) else ():
            if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef):
                found.setdefault(one.name, []).append(one)
    return found


def _is_filled(cell: Any) -> bool:
    try:
        return cell.cell_contents is not MISSING
    except ValueError:
        return False

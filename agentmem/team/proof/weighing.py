"""Weighs the expressions of a test, by their text, behind where the code has changed a container of the test's own.

The judge runs it by itself, without the rest of agentmem. From where the code has changed something on, what a test
compares may come from what is written down, from the code, or from what was changed. An answer is compared with what is
written down, and so is what was changed; one compared with the other is what the code makes of it.
"""

import ast
import builtins
import sys
import types
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from agentmem.team.proof.arguments import Place, functions_in, parameters_of, span, spans
from agentmem.team.proof.origins import (
    CHANGED,
    CODE,
    MISSING,
    OPEN,
    RUNNERS,
    WRITTEN,
    Changes,
    Origins,
    attribute,
    is_of_code,
    item,
    unwrapped,
)
from agentmem.team.proof.syntax import dotted, last_name

_Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
LOOPS = (ast.For, ast.AsyncFor, ast.While, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_COMPARING = ("assert", "array_equal", "allclose", "isclose", "array_equiv", "_assert", "check", "verify", "expect")
"""How names of functions begin that compare what they are given."""
_REACHING = frozenset({"getattr", "vars", "globals", "locals", "eval", "exec", "super", "open", "dir", "__import__"})
_OUTER = ("os", "shutil", "subprocess", "glob", "gc", "inspect", "io", "tempfile", "operator.attrgetter")
"""Functions, and modules, by which a test reaches what is not named there."""
_PUTTING = frozenset({"append", "appendleft", "add", "extend", "update", "insert", "setdefault", "put", "write"})
_FILE = frozenset(
    {"read_text", "read_bytes", "open", "exists", "is_file", "is_dir", "stat", "iterdir", "glob", "rglob"}
)
_LONG = 80


def _is_mixed(origins: Origins) -> bool:
    return origins >= CODE and bool(origins & (CHANGED | OPEN))


def _is_handed(node: ast.expr) -> bool:
    """True for a thing that is handed over as it is."""
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        return all(map(_is_handed, node.elts))
    if isinstance(node, ast.Dict):
        return all(map(_is_handed, node.values))
    while isinstance(node, ast.Attribute | ast.Starred | ast.Subscript):
        if isinstance(node, ast.Subscript) and not isinstance(node.slice, ast.Constant):
            return False
        node = node.value
    return isinstance(node, ast.Name | ast.Constant | ast.Lambda)


def _sides(node: ast.Compare | ast.Assert | ast.Call) -> list[ast.expr]:
    if isinstance(node, ast.Compare):
        return [node.left, *node.comparators]
    if isinstance(node, ast.Assert):
        return [node.test]
    name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
    return node.args if name.startswith("assert") else []


class Weighing:
    """One function of the tests', read from where the code has changed something on, or whole without a ``place``.

    ``held`` says what a name holds, or MISSING, and ``given`` the origins of names. ``found`` is then the text of what
    is compared with what the code has changed, "" for nothing, and ``returned`` are the origins of what it returns.
    """

    def __init__(
        self,
        changes: Changes,
        node: ast.AST,
        held: Callable[[str], Any],
        place: tuple[Place, Place] | None = None,
        given: Mapping[str, Origins] | None = None,
    ) -> None:
        self.changes, self.node, self.value_of, self.place = changes, node, held, place
        self.bound = dict(given or {})
        self.absorbed = dict[str, Origins]()
        self.found, self.returned, self.control = "", WRITTEN, WRITTEN
        self.nested = {one.name: one for one in functions_in(node) if one is not node}
        self.loops = [one for one in ast.walk(node) if isinstance(one, LOOPS) and place and spans(one, place[0])]
        self.lazily, self.suspects = False, False
        self.shadowed = frozenset[str]()
        self.methods: Mapping[str, Sequence[ast.AST]] = {}
        self.outer = {
            name for one in ast.walk(node) if isinstance(one, ast.Global | ast.Nonlocal) for name in one.names
        }

    # What is put where.

    def _bind(self, target: ast.AST, origins: Origins) -> None:
        origins |= WRITTEN if origins >= CODE else self.control & CHANGED  # as often as a loop goes on
        if isinstance(target, ast.Name):
            self.bound[target.id] = self.bound.get(target.id, WRITTEN) | origins
            if isinstance(self.node, ast.Module) or target.id in self.outer:
                self._put(target.id, origins)
        elif isinstance(target, ast.Tuple | ast.List):
            for one in target.elts:
                self._bind(one, origins)
        elif isinstance(target, ast.Starred):
            self._bind(target.value, origins)
        else:
            self._absorb(target, origins)

    def _absorb(self, target: ast.AST, origins: Origins) -> None:
        """What is put into the thing that an expression names."""
        origins |= WRITTEN if origins >= CODE else self.control & CHANGED
        while isinstance(target, ast.Subscript):
            target = target.value
        if not origins:
            return
        if isinstance(target, ast.Attribute):
            self._put(target.attr, origins)
        elif isinstance(target, ast.Name):
            self.absorbed[target.id] = self.absorbed.get(target.id, WRITTEN) | origins

    def _put(self, name: str, origins: Origins) -> None:
        self.changes.put[name] = self.changes.put.get(name, WRITTEN) | origins

    # What is found.

    def _flag(self, node: ast.AST) -> None:
        self.found = self.found or dotted(node)[:_LONG]

    def _mixed(self, node: ast.AST, origins: Origins) -> Origins:
        if _is_mixed(origins):
            self._flag(node)
        return origins

    def _judge(self, node: ast.AST, sides: Sequence[Origins]) -> None:
        """What is compared may be of the code's, or changed, on one side only; or of the code's on all."""
        some = [one for one in sides if one]
        if any(map(_is_mixed, some)) or (len(some) > 1 and any(one != CODE for one in some)):
            self._flag(node)

    def _compared(self, node: ast.AST, sides: list[ast.expr], things: bool = False) -> Origins:
        """The origins of what is compared: of several things side by side each by itself."""
        shown = [one for one in sides if isinstance(one, ast.Tuple | ast.List)]
        lengths = {len(one.elts) for one in shown}
        starred = any(isinstance(part, ast.Starred) for one in shown for part in one.elts)
        if len(shown) == len(sides) > 1 and len(lengths) == 1 and not starred:
            pairs = zip(*(one.elts for one in shown), strict=True)
            return WRITTEN.union(*(self._compared(node, list(pair)) for pair in pairs))
        same = things or (isinstance(node, ast.Call) and dotted(node.func).rpartition(".")[2].startswith("assertIs"))
        origins = [self._plainly(one) if same else self._beside(one, sides) for one in sides]
        if len(shown) == 1 and sum(map(bool, origins)) == 1:  # beside what is written down
            return WRITTEN.union(*(self._mixed(node, self.of(one)) for one in shown[0].elts))
        if not things:
            self._judge(node, origins)
        return WRITTEN.union(*origins)

    def _beside(self, node: ast.expr, sides: Sequence[ast.expr]) -> Origins:
        """The origins of one side. A thing that stands before the call which changes it is compared when it has."""
        place = self.place
        if place is None or not _is_handed(node) or not any(spans(one, place[0]) for one in sides if one is not node):
            return self._plainly(node)
        self.place = None
        found = self._plainly(node)
        self.place = place
        return found

    def _truth(self, node: ast.expr) -> None:
        """What must hold: each part of ``a and b`` by itself."""
        if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.And):
            for one in node.values:
                self._truth(one)
        else:
            self._controlled(node, self.of(node), asserts=True)

    def _controlled(self, node: ast.AST, origins: Origins, *, asserts: bool) -> None:
        if asserts and self.control and origins - CHANGED:
            self._flag(node)
        self._mixed(node, origins)

    def _is_asserting(self, node: ast.expr) -> bool:
        if not isinstance(node, ast.Call):
            return False
        held = self._held(node.func)
        return self._compares(node) or self.changes.is_inside(held)

    # Expressions.

    def _plainly(self, node: ast.expr | None) -> Origins:
        """The origins of an expression that may be several things side by side."""
        if isinstance(node, ast.Tuple | ast.List | ast.Dict):
            parts = node.values if isinstance(node, ast.Dict) else node.elts
            return WRITTEN.union(*map(self._plainly, parts))
        if isinstance(node, ast.Yield):
            return self._plainly(node.value)
        return WRITTEN if node is None else self.of(node)

    def of(self, node: ast.expr) -> Origins:
        """The origins of an expression."""
        if isinstance(node, ast.Constant):
            return WRITTEN
        if isinstance(node, ast.Name | ast.Attribute | ast.Subscript):
            found = self._read(node)
            self.changes.touched |= found >= CHANGED
            return found if self._is_late(node) else found & CODE
        if isinstance(node, ast.Call):
            return self._call(node)
        if isinstance(node, ast.Compare):
            things = all(isinstance(one, ast.Is | ast.IsNot) for one in node.ops)
            found = self._compared(node, [node.left, *node.comparators], things)
            return found - CHANGED if things else found
        if isinstance(node, ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp):
            return self._comprehension(node)
        if isinstance(node, ast.Lambda):
            return self._inner(node, dict.fromkeys(parameters_of(node), WRITTEN)).returned
        if isinstance(node, ast.NamedExpr):
            self._bind(node.target, origins := self.of(node.value))
            return origins
        parts = [self.of(one) for one in ast.iter_child_nodes(node) if isinstance(one, ast.expr)]
        return self._mixed(node, WRITTEN.union(*parts))

    def _comprehension(self, node: Any) -> Origins:
        origins, before = WRITTEN, (self.bound, self.absorbed, self.shadowed)
        self.bound, self.absorbed = dict(self.bound), dict(self.absorbed)
        for one in node.generators:
            given = self.of(one.iter)
            names = {part.id for part in ast.walk(one.target) if isinstance(part, ast.Name)}
            self.shadowed |= names
            for name in names:
                self.bound.pop(name, None)
                self.absorbed.pop(name, None)
            self._bind(one.target, given)
            origins = origins.union(given, *map(self.of, one.ifs))
        parts = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        origins = origins.union(*map(self.of, parts))
        more = [(name, one) for name, one in self.absorbed.items() if name not in self.shadowed]
        self.bound, self.absorbed, self.shadowed = before
        self.absorbed |= more
        return self._mixed(node, origins)

    def is_sized(self, node: ast.expr) -> bool:
        """True for what this function compares, or asks for its size, elsewhere than in a loop over it."""
        node = node.generators[0].iter if isinstance(node, ast.GeneratorExp | ast.ListComp) else node
        while isinstance(node, ast.Call) and (node.args or isinstance(node.func, ast.Attribute)):
            node = node.args[0] if node.args else node.func.value  # type: ignore[attr-defined]  # as table.items()
        return ast.dump(node) in self.sized

    @cached_property
    def sized(self) -> frozenset[str]:
        every = (one for one in ast.walk(self.node) if isinstance(one, ast.Compare | ast.Assert | ast.Call))
        sides = (side for one in every for side in _sides(one))
        inner = (one.args[0] if isinstance(one, ast.Call) and one.args else one for one in sides)
        return frozenset(map(ast.dump, inner))

    def _read(self, node: ast.Name | ast.Attribute | ast.Subscript) -> Origins:
        if isinstance(node, ast.Name):
            return self._name(node.id)
        held = self._held(node)
        if isinstance(node, ast.Subscript):
            if held is not MISSING:
                return self.changes.of(held) | self._absorbed(node.value)
            return self._mixed(node, self.of(node.value) | self.of(node.slice))
        put = self.changes.put.get(node.attr, WRITTEN)
        owner = self._held(node.value)
        if held is MISSING:
            return self.of(node.value) | put
        if isinstance(held, property):
            return self._of_function(held.fget, [owner], []) | put
        if isinstance(held, types.FunctionType) and not isinstance(owner, types.ModuleType):
            runs = str(held.__module__).startswith(RUNNERS) and not type(owner).__module__.startswith(RUNNERS)
            return put if runs or self.changes.is_inside(held) else self.changes.of(owner) | put
        if hasattr(type(held), "__get__") and not isinstance(owner, types.ModuleType | type):
            return self.changes.of(owner) | self._absorbed(node.value) | put
        return (WRITTEN if self.changes.is_inside(held) else self.changes.of(held)) | put

    def _absorbed(self, node: ast.AST) -> Origins:
        while isinstance(node, ast.Subscript):
            node = node.value
        if isinstance(node, ast.Attribute):
            return self.changes.put.get(node.attr, WRITTEN)
        return self.absorbed.get(node.id, WRITTEN) if isinstance(node, ast.Name) else OPEN

    def _name(self, name: str) -> Origins:
        held, bound = MISSING if name in self.shadowed else self.value_of(name), self.bound.get(name)
        more = self.absorbed.get(name, WRITTEN) | self.changes.put.get(name, WRITTEN)
        if self.changes.is_inside(held) or (held is MISSING and name in self.nested):
            return more
        if held is MISSING:
            return OPEN | more if bound is None else bound | more
        return self.changes.of(held) | (bound or WRITTEN) | more

    def _held(self, node: ast.AST) -> Any:
        """What an expression of names, attributes and written keys holds; MISSING where it was put there later."""
        if isinstance(node, ast.Name):
            known = node.id in self.shadowed or (node.id in self.bound and self.place is not None)
            return MISSING if known else self.value_of(node.id)
        if isinstance(node, ast.Attribute) and (owner := self._held(node.value)) is not MISSING:
            return attribute(owner, node.attr)
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
            owner = self._held(node.value)
            return MISSING if owner is MISSING or id(owner) in self.changes.changed else item(owner, node.slice.value)
        return MISSING

    # Calls.

    def _call(self, node: ast.Call) -> Origins:
        given = [one.value if isinstance(one, ast.Starred) else one for one in node.args]
        given += [one.value for one in node.keywords]
        held = self._held(node.func)
        if held is print:
            return WRITTEN
        of_function = self.of(node.func)
        if of_function >= CODE and (held is MISSING or self.changes.of(held) == CODE):
            return self._call_of_code(node, given)
        origins = [self.of(one) for one in given]
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name in self.nested and (held is MISSING or type(held) is types.FunctionType):
            inner = self.nested[name]
            return self._inner(inner, self._by_name(inner, node, origins)).returned
        owner = self._held(node.func.value) if isinstance(node.func, ast.Attribute) else MISSING
        if self.changes.is_inside(held):
            bound = [] if owner is MISSING or isinstance(owner, types.ModuleType | type) else [owner]
            return self._of_function(held, bound, origins, node) | of_function
        every = of_function.union(*origins, self._reached(node, held), self._of_others(node, held, origins))
        if held is all and every & CHANGED and not self.is_sized(given[0]):
            self._flag(node)
        if self._compares(node):
            self._compared(node, given)
            self._judge(node, [of_function, WRITTEN.union(*origins)])  # a mock's own assertion
            every = WRITTEN
        self._spread(node, owner, given, origins)
        return self._mixed(node, every)

    def _of_others(self, node: ast.Call, held: Any, origins: list[Origins]) -> Origins:
        """What methods of the tests' give that are known by name only, decorated functions, and classes."""
        every, inner = WRITTEN, unwrapped(held)
        if held is MISSING and isinstance(node.func, ast.Attribute):
            for method in self.methods.get(node.func.attr, ()):
                every |= self._inner(method, self._by_name(method, node, origins, 1)).returned
        if isinstance(held, type) and not is_of_code(held) and held.__module__ not in sys.stdlib_module_names:
            every |= self._made(held, origins, node)
        if inner is not held and self.changes.is_inside(inner):
            every |= self._of_function(inner, [], origins, node) | OPEN
        return every

    def _spread(self, node: ast.Call, owner: Any, given: list[ast.expr], origins: list[Origins]) -> None:
        """What is given to a method may then be in its object, and in the first argument of a function."""
        function, name = node.func, getattr(node.func, "id", "")
        if self._compares(node):
            return
        if name == "setattr" and len(given) == 3:
            self._put(str(getattr(given[1], "value", "")), origins[2])
        elif isinstance(owner, types.ModuleType) or (name and name not in vars(builtins)):
            self._absorb(given[0], WRITTEN.union(*origins[1:])) if len(given) > 1 else None
        elif not isinstance(function, ast.Attribute):
            return
        elif not isinstance(owner, type) and (owner is not MISSING or isinstance(function.value, ast.Name)):
            self._absorb(function.value, WRITTEN.union(self.control & CHANGED, *origins))

    def _call_of_code(self, node: ast.Call, given: list[ast.expr]) -> Origins:
        every = CODE
        for one in given:
            if isinstance(one, ast.Lambda):
                self._inner(one, dict.fromkeys(parameters_of(one), CODE))
            elif isinstance(one, ast.Name) and one.id in self.nested:
                inner = self.nested[one.id]
                self._inner(inner, dict.fromkeys(parameters_of(inner), CODE))
            elif isinstance(one, ast.Attribute) and self._is_method(one):
                self._absorb(one.value, CODE)
            origins = self.of(one) - OPEN
            asserts = isinstance(node.func, ast.Attribute) and node.func.attr.startswith("assert")
            every |= origins - CHANGED if _is_handed(one) and not asserts else origins
        return self._mixed(node, every)

    def _is_method(self, node: ast.Attribute) -> bool:
        """True for a method, by which the code puts something into its object."""
        held = self._held(node)
        return node.attr in _PUTTING or node.attr in self.methods or hasattr(type(held), "__get__")

    def _compares(self, node: ast.Call) -> bool:
        name = last_name(node.func)
        return name.lower().startswith(_COMPARING)

    def _reached(self, node: ast.Call, held: Any) -> Origins:
        """OPEN for a call by which a test reaches what it does not name; CODE where it hears of the code."""
        name = last_name(node.func)
        if name in ("raises", "assertRaises", "assertRaisesRegex", "warns", "assertWarns", "assertLogs"):
            return CODE
        known = (types.FunctionType, types.BuiltinFunctionType)
        module = str(held.__module__ or "") if type(held) in known else ""
        outer = module in _OUTER or module in ("posix", "posixpath", "_io")
        return OPEN if name in _REACHING or name in _FILE or outer else WRITTEN

    # What Reading does.

    def _inner(self, node: Any, parameters: dict[str, Origins]) -> "Weighing":
        """A function inside this one, called here."""
        raise NotImplementedError

    def _of_function(
        self, function: Any, bound: list[Any], origins: Sequence[Origins], node: ast.Call | None = None
    ) -> Origins:
        """The origins of what a function of the tests' gives. What it compares is read with it."""
        raise NotImplementedError

    def _by_name(
        self, function: ast.AST, node: ast.Call | None, origins: Sequence[Origins], skip: int = 0
    ) -> dict[str, Origins]:
        """The origins of a function's parameters in a call, which come in the order of its arguments."""
        raise NotImplementedError

    def _made(self, kind: type, origins: Sequence[Origins], node: ast.Call) -> Origins:
        """A class of the tests' makes an object."""
        raise NotImplementedError

    # Places.

    def _is_late(self, node: ast.AST) -> bool:
        """True for what is read after the code has changed something."""
        if self.place is None:
            return True
        at = span(node)[0]
        return at >= self.place[1] or self._is_looped(node) or (self.lazily and at >= self.place[0])

    def _is_looped(self, node: ast.AST) -> bool:
        """True for what comes again after that, in a loop."""
        return any(spans(one, span(node)[0]) for one in self.loops) and not (
            self.place is not None and self.place[0] <= span(node)[0] < self.place[1] and not self.lazily
        )

    def _is_lazy(self) -> bool:
        """True where the code was called by what another function did with what it gave."""
        calls = (one for one in ast.walk(self.node) if isinstance(one, ast.Call) and span(one) == self.place)
        call = next(calls, None)
        if call is None:
            return False
        held = self._held(call.func)
        return not (self.of(call.func) >= CODE) and not self.changes.is_inside(held)

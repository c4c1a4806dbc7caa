"""Reads a tester's files without running them: finds tests that are skipped, assert nothing, or steer the test runner.

The findings can name exact places. Other faults, such as a test that asserts its own arithmetic, only running can find:
see agentmem.team.refusals.
"""

import ast
import unittest
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agentmem.team.proof.syntax import dotted, is_too_deep, parsed, same

_SKIPS = frozenset(
    {
        "pytest.skip",
        "pytest.xfail",
        "pytest.importorskip",
        "mark.skip",
        "mark.skipif",
        "mark.xfail",
        "unittest.skip",
        "unittest.skipIf",
        "unittest.skipUnless",
        "unittest.expectedFailure",
        "unittest.SkipTest",
        "self.skipTest",
        "__test__",
    }
)
"""Names by which pytest and unittest skip a test or excuse its failure: the end of a dotted name."""
_STEERS = frozenset({"os._exit", "pytest.exit", "pytest_plugins", "PYTEST_ADDOPTS"})
"""Names by which a test module ends or steers the run."""
_RUNNERS = frozenset({"_pytest", "pluggy"})
"""Modules of pytest's inside, which no test needs."""
_INNER = frozenset({"pluginmanager"})
"""Attributes by which a test reaches what runs it."""
_PATCHED = ("_pytest.", "pluggy.", "unittest.case.", "unittest.TestCase.", "pytest.")
"""How texts begin that name what runs a test, as for mock.patch."""
_RAISES = frozenset({"raises", "warns", "deprecated_call", "fail"})
"""Functions of pytest and unittest that assert without the word."""
_ALIKE = (ast.Eq, ast.LtE, ast.GtE, ast.In)
"""Comparisons of a value with itself that hold, whatever it is."""
_EMPTY = (ast.Constant, ast.Tuple, ast.List, ast.Set, ast.Dict)

_REACH = frozenset({"subprocess", "runpy", "importlib", "os"})
"""Modules with which a test can use the code without importing it."""

_Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Edited:
    """One file before and after; None if it did not exist, or no longer does. Bad UTF-8 is replaced."""

    path: str
    before: str | None
    after: str | None

    @property
    def is_python(self) -> bool:
        return self.path.endswith(".py")


def tests_of(text: str | None) -> dict[str, _Function]:
    """The test functions of a module by name, those in classes as ``Class::name``; none if it is not Python."""
    return {name: node for name, node in _functions(_parsed(text), "") if name.rpartition("::")[2].startswith("test")}


def lost(change: Edited) -> list[str]:
    """The tests of a file that have gone."""
    if change.before is None:
        return []
    kept = tests_of(change.after)
    gone = [f"{change.path}::{name}" for name in tests_of(change.before) if name not in kept]
    return gone or ([change.path] if change.after is None else [])


def skipped(change: Edited) -> list[str]:
    """The places where a file now skips tests and did not before."""
    return _new_uses(change, _SKIPS)


def steering(change: Edited) -> list[str]:
    """The places where a test module ends the run, names plugins, or defines a hook of pytest."""
    hooks = [
        f"{change.path}:{node.lineno} ({name})"
        for name, node in _functions(_parsed(change.after), "")
        if name.rpartition("::")[2].startswith("pytest_")
    ]
    hooks += [f"{change.path} (nested too deeply to be read)"] if is_too_deep(change.after or "") else []
    return hooks + _new_uses(change, _STEERS) + [f"{change.path}:{line} ({what})" for line, what in _bends(change)]


def _bends(change: Edited) -> list[tuple[int, str]]:
    """The places where a file changes pytest or unittest themselves, and did not before."""
    before, after = ({what: line for line, what in _bending(_parsed(one))} for one in (change.before, change.after))
    return [(line, what) for what, line in after.items() if what not in before]


def _bending(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 0)
        if isinstance(node, ast.Import | ast.ImportFrom):
            named = [one.name for one in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            yield from ((line, one) for one in named if one.partition(".")[0] in _RUNNERS)
        elif isinstance(node, ast.Attribute):
            changed = isinstance(node.ctx, ast.Store | ast.Del)
            if node.attr in _INNER or (changed and (node.attr == "__code__" or _root(node) in ("pytest", "unittest"))):
                yield line, dotted(node)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            if node.value.startswith(_PATCHED):
                yield line, node.value
        elif isinstance(node, ast.ClassDef) and any(_name_of(base).endswith("TestCase") for base in node.bases):
            own = [one for one in node.body if isinstance(one, _Function) and _is_of_case(one.name)]
            yield from ((one.lineno, f"{node.name}.{one.name}") for one in own)
        elif isinstance(node, ast.Try):
            ends = [one for part in node.finalbody for one in ast.walk(part) if isinstance(one, ast.Return)]
            yield from ((one.lineno, "return in finally") for one in ends)


def _root(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute):
        node = node.value
    return _name_of(node)


def _is_of_case(name: str) -> bool:
    """True for a method of unittest's by which a test case runs or asserts."""
    return hasattr(unittest.TestCase, name) and (name in ("run", "debug", "__call__", "fail") or name[:6] == "assert")


def altered(change: Edited) -> list[str]:
    """The tests of a file that existed before and have changed."""
    before, after = tests_of(change.before), tests_of(change.after)
    return [f"{change.path}::{name}" for name, node in before.items() if name in after and not same(node, after[name])]


def asserting(text: str | None) -> frozenset[str]:
    """The names of the functions of a file that assert."""
    return frozenset(
        name.rpartition("::")[2] for name, node in _functions(_parsed(text), "") if _asserts(node, (), set())
    )


def sources(text: str | None) -> frozenset[str]:
    """The last names of the modules that a file imports names from."""
    imports = [node for node in ast.walk(_parsed(text)) if isinstance(node, ast.ImportFrom)]
    return frozenset(part for one in imports for part in ((one.module or "").rpartition(".")[2] or "__init__",))


def empty(change: Edited, files: Sequence[str] = (), others: frozenset[str] = frozenset()) -> list[str]:
    """The new tests of a file that assert nothing, or only constants. What a function of ``files`` asserts, the code
    decides: that is no assertion of the test's. ``others`` are functions that assert in other files of the tests."""
    known, tests, tree = tests_of(change.before), tests_of(change.after), _parsed(change.after)
    ours = {name for node in ast.walk(tree) if not _is_reach(node) for name in _imported(node, files)}
    own = {name.rpartition("::")[2] for name, node in _functions(tree, "") if _asserts(node, (), ours)}
    helpers = own | {name for node in ast.walk(tree) for name in _named_by(node) if name in others}
    return [
        f"{change.path}::{name}"
        for name, node in tests.items()
        if name not in known and not _asserts(node, helpers, ours)
    ]


def _is_reach(node: ast.AST) -> bool:
    """True for an import of Python's own modules, or a relative one, as of helpers beside the tests."""
    if isinstance(node, ast.Import):
        return any(one.name.partition(".")[0] in _REACH for one in node.names)
    return isinstance(node, ast.ImportFrom) and (node.level > 0 or (node.module or "").partition(".")[0] in _REACH)


def strangers(change: Edited, files: Sequence[str]) -> list[str]:
    """The tests of a file that do not use the code: they use no name that was imported from one of ``files``.

    Starting a program, or importing by name, counts as use.
    """
    tree = _parsed(change.after)
    used = {name for node in ast.walk(tree) for name in _imported(node, files)}
    functions = list(_functions(tree, ""))
    for _ in functions:  # helpers and fixtures that use the code count for the tests that use them
        used |= {name.rpartition("::")[2] for name, node in functions if _names(node) & used}
    return [f"{change.path}::{name}" for name, node in tests_of(change.after).items() if not _names(node) & used]


def _imported(node: ast.AST, files: Sequence[str]) -> Iterator[str]:
    """The names that an import binds, if it imports from the repository or a module that can reach it."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            if _is_ours(alias.name, files):
                yield (alias.asname or alias.name).partition(".")[0]
    elif isinstance(node, ast.ImportFrom) and (node.level or _is_ours(node.module or "", files)):
        yield from (alias.asname or alias.name for alias in node.names)


def _named_by(node: ast.AST) -> Iterator[str]:
    """The names of functions that an import takes from a module, under their own names."""
    if isinstance(node, ast.ImportFrom):
        yield from (one.name for one in node.names if one.asname in (None, one.name))


def _is_ours(module: str, files: Sequence[str]) -> bool:
    top = module.partition(".")[0]
    return top in _REACH or any(top in (part.removesuffix(".py") for part in path.split("/")) for path in files)


def _names(function: _Function) -> set[str]:
    return {node.id for node in ast.walk(function) if isinstance(node, ast.Name)} | {
        node.arg for node in ast.walk(function.args) if isinstance(node, ast.arg)
    }


def _asserts(function: _Function, helpers: set[str] | tuple[()], ours: set[str]) -> bool:
    held = {one.id for one in ast.walk(function) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)}
    held |= {one.arg for one in ast.walk(function.args) if isinstance(one, ast.arg)} - {"self", "cls"}
    return any(_is_assertion(node, helpers, held) for node in ast.walk(function) if not _is_by(node, ours))


def _is_by(node: ast.AST, ours: set[str]) -> bool:
    """True for a call of a function of the code's, or of what one gives."""
    if not isinstance(node, ast.Call):
        return False
    inside: ast.AST = node
    while isinstance(inside, ast.Attribute | ast.Call):
        inside = inside.func if isinstance(inside, ast.Call) else inside.value
    return _name_of(inside) in ours


def _is_assertion(node: ast.AST, helpers: set[str] | tuple[()], held: set[str]) -> bool:
    """True if a fault in the code could make this fail. An assertion on constants cannot fail."""
    if isinstance(node, ast.Assert) and isinstance(node.test, ast.Constant):
        return not node.test.value  # in a branch that running decides on
    if isinstance(node, ast.Assert):
        return any(isinstance(one, ast.Name | ast.Call) for one in ast.walk(node.test)) and not _same_on_both(node.test)
    if isinstance(node, ast.Raise):
        return True
    if isinstance(node, ast.Call):
        name = _name_of(node.func)
        return name in _RAISES or name in helpers or (name.startswith("assert") and not _constant_call(node, held))
    return False


def _same_on_both(test: ast.expr) -> bool:
    """True for ``x == x``, but not for ``f() is f()``, ``f() != f()`` or ``A(1) == A(1)``: each is another object."""
    if not (isinstance(test, ast.Compare) and all(same(one, test.left) for one in test.comparators)):
        return False
    if isinstance(test.left, ast.Call):
        made = _name_of(test.left.func)[:1].isupper()
        return not made and all(isinstance(one, _ALIKE) for one in test.ops)
    return all(isinstance(one, (*_ALIKE, ast.Is)) for one in test.ops)


def _constant_call(call: ast.Call, held: set[str]) -> bool:
    """True if a call is about constants alone: it is no method of an object that the test holds, such as a mock."""
    if isinstance(call.func, ast.Attribute) and held & {n.id for n in ast.walk(call.func) if isinstance(n, ast.Name)}:
        return False
    given = [*call.args, *(one.value for one in call.keywords)]
    return all(isinstance(one, _EMPTY) and not any(isinstance(n, ast.Name) for n in ast.walk(one)) for one in given)


def _new_uses(change: Edited, names: frozenset[str]) -> list[str]:
    """The uses of these names in a file, if there are more than before."""
    before, after = _uses(change.before, names), _uses(change.after, names)
    return [f"{change.path}:{line} ({name})" for line, name in after] if len(after) > len(before) else []


def _uses(text: str | None, names: frozenset[str]) -> list[tuple[int, str]]:
    said = ((getattr(node, "lineno", 0), name) for node in ast.walk(_parsed(text)) for name in _dotted(node))
    return [(line, name) for line, name in said if ".".join(name.split(".")[-2:]) in names or name in names]


def _dotted(node: ast.AST) -> Iterator[str]:
    """The dotted names in a node: a use, an import, or a text that could be one."""
    if isinstance(node, ast.Name):
        yield node.id
    elif isinstance(node, ast.Attribute):
        yield dotted(node)
    elif isinstance(node, ast.ImportFrom):
        yield from (f"{node.module}.{alias.name}" for alias in node.names)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value


def _name_of(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _functions(node: ast.AST, prefix: str) -> Iterator[tuple[str, _Function]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, _Function):
            yield prefix + child.name, child
        elif isinstance(child, ast.ClassDef):
            yield from _functions(child, f"{prefix}{child.name}::")


def _parsed(text: str | None) -> ast.Module:
    return parsed(text or "") or ast.Module([], [])

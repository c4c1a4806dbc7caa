"""Reads what a tester wrote, without running it: tests that are skipped, assert nothing, or steer the test runner.

What reading finds can be named exactly. What it cannot see (a test that asserts its own arithmetic) is found by
running: see agentmem.team.refusals.
"""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

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
"""How pytest and unittest leave a test out, or excuse its failure: the end of a dotted name."""
_STEERS = frozenset({"os._exit", "pytest.exit", "pytest_plugins", "PYTEST_ADDOPTS"})
"""How a test module ends or steers the run."""
_RAISES = frozenset({"raises", "warns", "deprecated_call", "fail"})
"""pytest's and unittest's ways to assert without the word."""
_EMPTY = (ast.Constant, ast.Tuple, ast.List, ast.Set, ast.Dict)

_REACH = frozenset({"subprocess", "runpy", "importlib", "os"})
"""Modules through which a test reaches the code without importing it."""

_Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Edited:
    """One file before and after: None where it was not, or is no more. What is no UTF-8 is read as well as can be."""

    path: str
    before: str | None
    after: str | None

    @property
    def is_python(self) -> bool:
        return self.path.endswith(".py")


def tests_of(text: str | None) -> dict[str, _Function]:
    """The test functions of a module by name, those in classes as ``Class::name``; none where it is no Python."""
    return {name: node for name, node in _functions(_parsed(text), "") if name.rpartition("::")[2].startswith("test")}


def lost(change: Edited) -> list[str]:
    """The tests of a file that are no longer there."""
    if change.before is None:
        return []
    kept = tests_of(change.after)
    gone = [f"{change.path}::{name}" for name in tests_of(change.before) if name not in kept]
    return gone or ([change.path] if change.after is None else [])


def skipped(change: Edited) -> list[str]:
    """The places where a file leaves tests out that it did not leave out before."""
    return _new_uses(change, _SKIPS)


def steering(change: Edited) -> list[str]:
    """The places where a test module ends the run, names plugins, or defines a hook of pytest's."""
    hooks = [
        f"{change.path}:{node.lineno} ({name})"
        for name, node in _functions(_parsed(change.after), "")
        if name.rpartition("::")[2].startswith("pytest_")
    ]
    return hooks + _new_uses(change, _STEERS)


def altered(change: Edited) -> list[str]:
    """The tests of a file that stood there before and read differently now."""
    before, after = tests_of(change.before), tests_of(change.after)
    return [
        f"{change.path}::{name}"
        for name, node in before.items()
        if name in after and ast.dump(node) != ast.dump(after[name])
    ]


def empty(change: Edited) -> list[str]:
    """The new tests of a file that assert nothing: no assertion at all, or only ones about constants."""
    known, tests = tests_of(change.before), tests_of(change.after)
    helpers = {name.rpartition("::")[2] for name, node in _functions(_parsed(change.after), "") if _asserts(node, ())}
    return [
        f"{change.path}::{name}" for name, node in tests.items() if name not in known and not _asserts(node, helpers)
    ]


def strangers(change: Edited, files: Sequence[str]) -> list[str]:
    """The tests of a file that use nothing of the code: no name that was imported from one of ``files``.

    Starting a program, or importing by name, counts as using it.
    """
    tree = _parsed(change.after)
    used = {name for node in ast.walk(tree) for name in _imported(node, files)}
    functions = list(_functions(tree, ""))
    for _ in functions:  # helpers and fixtures that use the code bring it along
        used |= {name.rpartition("::")[2] for name, node in functions if _names(node) & used}
    return [f"{change.path}::{name}" for name, node in tests_of(change.after).items() if not _names(node) & used]


def _imported(node: ast.AST, files: Sequence[str]) -> Iterator[str]:
    """The names that an import binds, if what it imports is of the repository, or can reach it."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            if _is_ours(alias.name, files):
                yield (alias.asname or alias.name).partition(".")[0]
    elif isinstance(node, ast.ImportFrom) and (node.level or _is_ours(node.module or "", files)):
        yield from (alias.asname or alias.name for alias in node.names)


def _is_ours(module: str, files: Sequence[str]) -> bool:
    top = module.partition(".")[0]
    return top in _REACH or any(top in (part.removesuffix(".py") for part in path.split("/")) for path in files)


def _names(function: _Function) -> set[str]:
    return {node.id for node in ast.walk(function) if isinstance(node, ast.Name)} | {
        node.arg for node in ast.walk(function.args) if isinstance(node, ast.arg)
    }


def _asserts(function: _Function, helpers: set[str] | tuple[()]) -> bool:
    return any(_is_assertion(node, helpers) for node in ast.walk(function))


def _is_assertion(node: ast.AST, helpers: set[str] | tuple[()]) -> bool:
    """Whether anything about the code could make this fail: an assertion of constants cannot."""
    if isinstance(node, ast.Assert):
        return any(isinstance(one, ast.Name | ast.Call) for one in ast.walk(node.test)) and not _same_on_both(node.test)
    if isinstance(node, ast.Raise):
        return True
    if isinstance(node, ast.Call):
        name = _name_of(node.func)
        return name in _RAISES or name in helpers or (name.startswith("assert") and not _constant_call(node))
    return False


def _same_on_both(test: ast.expr) -> bool:
    """``x == x``."""
    return isinstance(test, ast.Compare) and all(ast.dump(one) == ast.dump(test.left) for one in test.comparators)


def _constant_call(call: ast.Call) -> bool:
    given = [*call.args, *(one.value for one in call.keywords)]
    return all(isinstance(one, _EMPTY) and not any(isinstance(n, ast.Name) for n in ast.walk(one)) for one in given)


def _new_uses(change: Edited, names: frozenset[str]) -> list[str]:
    """Where names stand in a file, if there are more of them than there were before."""
    before, after = _uses(change.before, names), _uses(change.after, names)
    return [f"{change.path}:{line} ({name})" for line, name in after] if len(after) > len(before) else []


def _uses(text: str | None, names: frozenset[str]) -> list[tuple[int, str]]:
    said = ((getattr(node, "lineno", 0), name) for node in ast.walk(_parsed(text)) for name in _dotted(node))
    return [(line, name) for line, name in said if ".".join(name.split(".")[-2:]) in names or name in names]


def _dotted(node: ast.AST) -> Iterator[str]:
    """The dotted names that a node says: a use, an import, or a text that could be one."""
    if isinstance(node, ast.Name):
        yield node.id
    elif isinstance(node, ast.Attribute):
        yield ast.unparse(node)
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
    try:
        return ast.parse(text or "")
    except (SyntaxError, ValueError):
        return ast.Module([], [])

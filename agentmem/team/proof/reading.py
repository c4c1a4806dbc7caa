"""What a test does, by the text of its file: the functions that it uses there, what they assert, and what they name.

The judge runs it by itself, without the rest of agentmem.
"""

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import TypeGuard

from agentmem.team.proof.arguments import tree_of
from agentmem.team.proof.surroundings import imported, outer
from agentmem.team.proof.syntax import dotted, last_name, nodes_of, root_name

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_ASSERTING = frozenset({"raises", "warns", "fail", "deprecated_call"})
"""Functions of pytest and unittest that assert without the word."""
_LIKE = re.compile(r"_*(check|verify|expect|ensure|must|should|compare|same|equal)", re.IGNORECASE)
"""How names of functions begin that compare for a test."""
_KINDS = frozenset({"isinstance", "issubclass", "assertIsInstance", "assertNotIsInstance", "assertIs", "assertIsNot"})
_ERRORS = frozenset(
    {"raises", "assertRaises", "assertRaisesRegex", "suppress", "warns", "assertWarns", "assertWarnsRegex", "pop"}
)
"""Functions that ask of a thing which one it is, and those that are given the class of an error."""
_FIRST = frozenset({"setUp", "setUpClass", "setup_method", "setup_class", "setup_function", "setup", "asyncSetUp"})


@dataclass(frozen=True, slots=True)
class _Facts:
    """What the functions of one name do in a file."""

    nodes: tuple[_Function, ...]
    names: frozenset[str]
    things: frozenset[str]


@cache
def asks_code(file: str, test: str, tops: frozenset[str]) -> str:
    """The function of the code's by which a test compares that has no assertion of its own; "" for any other test."""
    reached = _reached(file, test)
    if not reached or any(_has_assertion(file, one, tops) for one in reached):
        return ""
    functions = [node for one in reached for node in _facts(file)[one].nodes]
    held = _ours(file, tops).union(*(_held(one, _ours(file, tops)) for one in functions))
    statements = (node.value for one in functions for node in nodes_of(one) if isinstance(node, ast.Expr))
    managers = (item.context_expr for one in functions for node in nodes_of(one) for item in _items(node))
    called = (one for one in (*statements, *managers) if isinstance(one, ast.Call) and root_name(one) in held)
    return next((dotted(one.func) for one in called if _compares(one, held, _ours(file, tops))), "")


@cache
def _has_assertion(file: str, name: str, tops: frozenset[str]) -> bool:
    """True if the functions of a name have an assertion that is not the code's."""
    names, ours = names_of(file), _ours(file, tops)
    for function in _facts(file)[name].nodes:
        held = ours | set(_held(function, ours))
        given = {one.arg for one in ast.walk(function.args) if isinstance(one, ast.arg)} - held
        if any(_asserts(node, held, names, given) for node in nodes_of(function)):
            return True
    return False


@cache
def _ours(file: str, tops: frozenset[str]) -> frozenset[str]:
    """The names of a file that are the code's."""
    return frozenset(name for name, dotted in names_of(file).items() if dotted.partition(".")[0] in tops)


def _items(node: ast.AST) -> list[ast.withitem]:
    return node.items if isinstance(node, ast.With | ast.AsyncWith) else []


def _held(function: _Function, ours: frozenset[str]) -> Iterator[str]:
    """Names of a function that hold what the code gave."""
    for node in nodes_of(function):
        if isinstance(node, ast.Assign) and root_name(node.value) in ours:
            yield from (one.id for one in node.targets if isinstance(one, ast.Name))


def _compares(call: ast.Call, held: frozenset[str], ours: frozenset[str]) -> bool:
    """True for a call of the code's that is named as an assertion, or gets an answer of the code's to compare."""
    chain = [one.attr if isinstance(one, ast.Attribute) else one.id for one in ast.walk(call.func) if _is_named(one)]
    if any(one.lower().lstrip("_").startswith("assert") for one in chain):
        return True
    calls = [one for one in ast.walk(call) if isinstance(one, ast.Call)]
    given = [part for one in calls for part in (*one.args, *(key.value for key in one.keywords))]
    answers = [one for one in given if isinstance(one, ast.Call) and root_name(one) in held]
    if any(map(_LIKE.match, chain)):
        return bool(answers) or any(isinstance(one, ast.Name) and one.id in held - ours for one in given)
    return bool(answers) and len(call.args) + len(call.keywords) > 1


def _is_named(node: ast.AST) -> TypeGuard[ast.Attribute | ast.Name]:
    return isinstance(node, ast.Attribute | ast.Name)


def _asserts(node: ast.AST, held: frozenset[str], names: dict[str, str], given: set[str]) -> bool:
    """True for what can fail a test, or may: what it calls of other files of the tests, or of its arguments."""
    if isinstance(node, ast.Assert | ast.Raise):
        return True
    if not isinstance(node, ast.Call) or (root := root_name(node)) in held:
        return False
    name = last_name(node.func)
    if name in _ASSERTING or name.startswith("assert") or (isinstance(node.func, ast.Name) and root in given):
        return True
    of_python = names.get(root, "").partition(".")[0] in sys.stdlib_module_names
    return root in names and not of_python and names[root].partition(".")[0] not in ("pytest", "numpy")


def plugin_of_code(root: str, file: str, tops: frozenset[str], own: frozenset[str]) -> str:
    """The plugin of the code's that a conftest beside a file of tests, or above it, names; "" for none."""
    folders = file.split("/")[:-1]
    for depth in range(len(folders) + 1):
        tree = tree_of("/".join([root, *folders[:depth], "conftest.py"]))
        for node in tree.body if tree is not None else ():
            if isinstance(node, ast.Assign) and any(last_name(one) == "pytest_plugins" for one in node.targets):
                texts = [one.value for one in ast.walk(node.value) if isinstance(one, ast.Constant)]
                named = (one for one in texts if isinstance(one, str) and one not in own)
                if found := next((one for one in named if one.partition(".")[0] in tops), ""):
                    return found
    return ""


@cache
def puts_code(file: str, test: str, tops: frozenset[str]) -> str:
    """The name of another's module in whose place a test sets what is the code's; "" for none."""
    ours, names = _ours(file, tops), names_of(file)
    others = names.keys() - ours
    for function in (node for one in _reached(file, test) for node in _facts(file)[one].nodes):
        held = ours | set(_held(function, ours))
        for place, value in _set(function):
            if root_name(place) in others and root_name(value) in held and isinstance(place, ast.Attribute):
                return dotted(place)
    return ""


def _parts(node: ast.expr) -> list[ast.expr]:
    return node.elts if isinstance(node, ast.Tuple) else [node]


def _set(function: _Function) -> Iterator[tuple[ast.expr, ast.expr]]:
    """What a function sets by name, and to what."""
    for node in nodes_of(function):
        if isinstance(node, ast.Assign):
            for one in node.targets:
                both = isinstance(one, ast.Tuple) and isinstance(node.value, ast.Tuple)
                yield from zip(_parts(one), _parts(node.value), strict=False) if both else [(one, node.value)]
        elif isinstance(node, ast.Call) and last_name(node.func) == "setattr" and len(node.args) == 3:
            name = node.args[1].value if isinstance(node.args[1], ast.Constant) else ""
            yield ast.Attribute(node.args[0], str(name), ast.Store()), node.args[2]


def compares_built(file: str, test: str, tops: frozenset[str], built: frozenset[str]) -> str:
    """One of the names ``built``, if a test calls it for one side of a comparison and the code for another; else ""."""
    ours, reached = _ours(file, tops), _reached(file, test) if built else ()
    for function in (node for one in reached for node in _facts(file)[one].nodes):
        held = ours | set(_held(function, ours))
        made = {target: name for name in built for target in _bound_to(function, name)}
        for sides in _compared(function):
            found = [next((name for name in map(made.get, _used(one)) if name), "") for one in sides]
            code = [bool(held & set(_used(one))) for one in sides]
            if any(name and any(code[:at] + code[at + 1 :]) for at, name in enumerate(found)):
                return next(filter(None, found))
    return ""


def _bound_to(function: _Function, name: str) -> Iterator[str]:
    """A name, and the variables that hold what a call of it gave."""
    yield name
    for node in nodes_of(function):
        if isinstance(node, ast.Assign) and name in set(_used(node.value)):
            yield from (one.id for one in node.targets if isinstance(one, ast.Name))
        elif isinstance(node, ast.ImportFrom):
            yield from (one.asname for one in node.names if one.name == name and one.asname)


def _used(node: ast.AST) -> Iterator[str]:
    """The names, and the last names of attributes, in an expression."""
    for one in ast.walk(node):
        if isinstance(one, ast.Name | ast.Attribute):
            yield last_name(one)


def _compared(function: _Function) -> Iterator[list[ast.expr]]:
    """The sides of each comparison of a function."""
    for node in nodes_of(function):
        if isinstance(node, ast.Compare):
            yield [node.left, *node.comparators]
        elif isinstance(node, ast.Call) and last_name(node.func).startswith("assert"):
            yield node.args


def compared_names(file: str, test: str) -> list[str]:
    """The dotted names of modules' things that a test compares as things: by ``is``, ``isinstance`` or ``raises``."""
    return sorted({one for name in _reached(file, test) for one in _facts(file)[name].things})


def _things(function: _Function) -> Iterator[ast.expr]:
    for node in nodes_of(function):
        if isinstance(node, ast.Compare):
            for one in (node.left, *node.comparators):
                yield from one.elts if isinstance(one, ast.Tuple | ast.List | ast.Set) else [one]
        elif isinstance(node, ast.Call) and last_name(node.func) in _KINDS | _ERRORS:
            for one in node.args:
                yield from one.elts if isinstance(one, ast.Tuple) else [one]
        elif isinstance(node, ast.ExceptHandler) and node.type is not None:
            yield from node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
        elif isinstance(node, ast.MatchClass):
            yield node.cls


def used_names(file: str, test: str) -> frozenset[str]:
    """The names and attributes that a test uses, and the functions of its file that it uses."""
    return frozenset(name for one in _reached(file, test) for name in _facts(file)[one].names)


def _names(function: ast.AST) -> Iterator[str]:
    for node in nodes_of(function):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.arg):
            yield node.arg  # as a fixture of the same file


def _dotted(node: ast.expr, names: dict[str, str]) -> str:
    """The full name of a module's thing, such as ``shop.Json`` for ``Json``; "" for what is none."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts, node = [node.attr, *parts], node.value
    return ".".join([names[node.id], *parts]) if isinstance(node, ast.Name) and node.id in names else ""


@cache
def names_of(file: str) -> dict[str, str]:
    """The names that a file imports, each with what it stands for."""
    tree = tree_of(file)
    found = {} if tree is None else dict(imported(tree))
    return {name: name if dotted.startswith(f"{name}.") else dotted for name, dotted in found.items()}


@cache
def _facts(file: str) -> dict[str, _Facts]:
    """What the functions of a file do, by their names."""
    tree, names = tree_of(file), names_of(file)
    every: dict[str, list[_Function]] = {}
    for one in outer(tree) if tree is not None else ():
        every.setdefault(one.name, []).append(one)
    found = {}
    for name, nodes in every.items():
        used = frozenset(part for one in nodes for part in _names(one))
        things = frozenset(_dotted(part, names) for one in nodes for part in _things(one))
        found[name] = _Facts(tuple(nodes), used, frozenset(one for one in things if "." in one))
    return found


@cache
def _reached(file: str, test: str) -> tuple[str, ...]:
    """The names of the functions of a file that a test uses, its own among them."""
    every = _facts(file)
    left, seen = [test, *(_FIRST & every.keys())], set[str]()
    while left:
        name = left.pop()
        if name not in seen and name in every:
            seen.add(name)
            left += every[name].names & every.keys()
    return tuple(sorted(seen)) if test in every else ()

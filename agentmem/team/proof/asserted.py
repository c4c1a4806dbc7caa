"""Which assertions of a test were reached, and which of them failed without failing it.

The judge runs it by itself, without the rest of agentmem. It counts the ``assert`` statements that pytest rewrites. Of
what else asserts (methods of unittest's, functions of libraries and of other files) it knows only that it is there.
"""

import ast
import inspect
import re
import sys
import types
import unittest
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest
from _pytest.assertion import rewrite

from agentmem.team.proof.arguments import defined, frames_inside, tree_of
from agentmem.team.proof.link import SubjectLink
from agentmem.team.proof.syntax import last_name, nodes_of, root_name

_LIKE = re.compile(r"_*(assert|check|verify|expect|ensure|must|should|compare|same|equal|fail|raises|warns|deprecated)")
"""How names of functions begin that compare for a test, or assert without the word."""
_RAISING = frozenset({"raises", "assertRaises", "assertRaisesRegex"})
_TRUTH = frozenset({"assertTrue", "assertFalse", "assertIsNone", "assertIsNotNone"})
"""Methods of unittest's whose second argument is only what is said."""
_LAZY = frozenset({"map", "filter", "starmap"})
_ALWAYS = (ast.GeneratorExp, ast.Lambda, ast.JoinedStr)
_Function = ast.FunctionDef | ast.AsyncFunctionDef
_Place = tuple[str, int]


class Asserted:
    """A plugin of pytest that marks a test which passed without an assertion, or with one that failed."""

    def __init__(self, link: SubjectLink) -> None:
        self.marks, self.root = link.marks, link.inside
        self.places: list[_Place] = []
        self.begun = set[_Place]()
        self.failed = set[_Place]()
        self._hear()
        self._hear_of_cases()

    def _hear(self) -> None:
        """From now on each assertion tells of itself: when it begins, and when it fails."""
        changed: Any = rewrite
        visited, explained = changed.AssertionRewriter.visit_Assert, changed._format_explanation

        def visit(rewriter: Any, node: ast.Assert) -> list[ast.stmt]:
            made: list[ast.stmt] = visited(rewriter, node)
            if _says_nothing(node):
                return made
            self.places.append((str(rewriter.module_path), node.lineno))
            begins = ast.Expr(rewriter.helper("_agentmem_begins", ast.Constant(len(self.places) - 1)))
            for one in ast.walk(begins):
                ast.copy_location(one, node)
            return [begins, *made]

        def explain(text: str) -> str:
            frame = sys._getframe(1)
            self.failed.add((frame.f_code.co_filename, frame.f_lineno))
            said: str = explained(text)
            return said

        changed.AssertionRewriter.visit_Assert = visit
        changed._format_explanation, changed._agentmem_begins = explain, self._begins

    def _hear_of_cases(self) -> None:
        """And so do unittest's, when they fail: each asks for what it is to say then. It does not say when one begins
        anew, so only those count that are in a ``try`` or ``with`` there, and in no loop."""
        case: Any = unittest.TestCase
        explained = case._formatMessage

        def explain(test: Any, *said: Any) -> Any:
            frame = next(frames_inside(self.root), None)
            if frame is not None and _is_taken(frame.f_code.co_filename, frame.f_lineno):
                self.failed.add((frame.f_code.co_filename, frame.f_lineno))
            return explained(test, *said)

        case._formatMessage = explain

    def _begins(self, number: int) -> None:
        place = self.places[number]
        self.begun.add(place)
        self.failed.discard(place)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self) -> None:
        self.begun.clear()
        self.failed.clear()

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[Any]) -> Any:
        report: pytest.TestReport = yield
        if report.when == "call" and report.outcome == "passed":
            made: Any = getattr(item, "obj", None)
            code = getattr(inspect.unwrap(made), "__code__", None)
            if code is not None and code.co_filename.startswith(self.root):
                own = vars(getattr(item, "module", None) or object)
                if found := self._unrun(item, made) or self._idle(code, own):
                    self.marks.mark("idle", found)
        return report

    def _unrun(self, item: pytest.Item, made: Any) -> str:
        """What is told of a method of unittest's that only gives something which would run; "" for any other test."""
        kind: Any = getattr(item, "cls", None)
        plain = isinstance(kind, type) and issubclass(kind, unittest.TestCase)
        if plain and inspect.iscoroutinefunction(made) and not issubclass(kind, unittest.IsolatedAsyncioTestCase):
            return "nothing awaits it"
        return "it is a generator, which nothing asks" if plain and inspect.isgeneratorfunction(made) else ""

    def _idle(self, code: types.CodeType, own: Mapping[str, Any]) -> str:
        """What a test that passed does not assert; "" for nothing."""
        taken = (one for one in sorted(self.failed) if one[0].startswith(self.root) and not _is_heeded(*one))
        if one := next(taken, None):
            return f"line {one[1]} failed"
        if (said := _said(code)) is None:
            return ""
        if line := next((one for one in said.behind if (code.co_filename, one) not in self.begun), 0):
            return f"line {line} never ran: the line before it raises"
        if said.nothing:
            return f"line {said.nothing} asserts nothing as it stands"
        if self.begun or not said.asserts or any(self._is_other(one, said.function, own) for one in said.others):
            return ""
        return f"line {said.asserts} never ran, or holds whatever it is given"

    def _is_other(self, node: ast.AST, function: _Function, own: Mapping[str, Any]) -> bool:
        """True for what may assert without the statement."""
        if isinstance(node, ast.Raise) or _is_never(node):
            return True
        if not isinstance(node, ast.Call) or _only_says(node):
            return False
        name = root_name(node.func)
        last = node.func.attr if isinstance(node.func, ast.Attribute) else name
        value = own.get(name)
        if hasattr(value if isinstance(value, type) else type(value), "_far_link"):
            return False
        given = {one.arg for one in ast.walk(function.args) if isinstance(one, ast.arg)}
        return bool(_LIKE.match(last)) or name in given or self._is_of_tests(value)

    def _is_of_tests(self, value: Any) -> bool:
        """True for a function, class or module of the tests."""
        module = sys.modules.get(str(getattr(value, "__module__", "")))
        code: Any = getattr(inspect.unwrap(value), "__code__", None) if callable(value) else None
        files = [getattr(code, "co_filename", ""), *(getattr(one, "__file__", "") for one in (module, value))]
        return any(str(one).startswith(self.root) for one in files)


@dataclass(frozen=True, slots=True)
class _Said:
    """What the text of a test says: the lines of its assertions ``behind`` one that raises, of a statement that does
    ``nothing``, and of the first that ``asserts``, 0 for none; and the ``others`` that may assert, or raise."""

    function: _Function
    behind: tuple[int, ...]
    nothing: int
    asserts: int
    others: tuple[ast.AST, ...]


@cache
def _said(code: types.CodeType) -> _Said | None:
    """What the text of a test says; None where it is not found."""
    function = defined(code)
    if not isinstance(function, _Function) or function.name != code.co_name:
        return None
    every = nodes_of(function)
    nothing = next((one.lineno for one in every if isinstance(one, ast.Expr) and _does_nothing(one)), 0)
    asserts = (one for one in every if isinstance(one, ast.Assert) or (isinstance(one, ast.Call) and _only_says(one)))
    others = tuple(one for one in every if isinstance(one, ast.Raise | ast.Assert | ast.Call))
    return _Said(function, tuple(_behind(function)), nothing, next((one.lineno for one in asserts), 0), others)


def _says_nothing(node: ast.Assert) -> bool:
    """True for an assertion that holds whatever the code gives, or whose expected value is only its message."""
    full = isinstance(node.test, ast.Tuple | ast.List | ast.Set | ast.Dict) and any(ast.iter_child_nodes(node.test))
    return full or isinstance(node.test, _ALWAYS) or _is_value(node.msg)


def _is_never(node: ast.AST) -> bool:
    """True for ``assert False``, where a test must not come."""
    return isinstance(node, ast.Assert) and isinstance(node.test, ast.Constant) and not node.test.value


def _is_value(message: ast.expr | None) -> bool:
    return isinstance(message, ast.Constant) and type(message.value) in (int, float, bool, bytes)


def _only_says(call: ast.Call) -> bool:
    """True for a call of unittest's or pytest's that asserts less than it seems to."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    if name == "assertIsNotNone" and call.args and isinstance(call.args[0], ast.Compare):
        return True
    return name in _TRUTH and len(call.args) > 1 and _is_value(call.args[1])


def _does_nothing(statement: ast.Expr) -> bool:
    """True for ``pytest.raises(ValueError)`` that is no ``with``, and for a ``map`` that nobody goes through."""
    call = statement.value
    if not isinstance(call, ast.Call):
        return False
    if isinstance(call.func, ast.Name) and call.func.id in _LAZY:
        return True
    ends = len(call.args) < 2 and not any(one.arg == "callable" for one in call.keywords)
    return ends and last_name(call.func) in _RAISING


def _behind(function: _Function) -> Iterator[int]:
    """The lines of the assertions behind another line in a ``with pytest.raises(...)`` of a test."""
    left: list[ast.stmt] = list(function.body)
    while left:
        one = left.pop(0)
        if isinstance(one, ast.With):
            left += one.body
            calls = (item.context_expr for item in one.items if isinstance(item.context_expr, ast.Call))
            if any(last_name(call.func) in _RAISING for call in calls):
                yield from (later.lineno for later in one.body[1:] if isinstance(later, ast.Assert))


def _is_heeded(file: str, line: int) -> bool:
    """True if whoever takes the failure of an assertion there goes on to assert, or to raise, for it."""
    tree = tree_of(file)
    for one in ast.walk(tree) if tree is not None else ():
        if isinstance(one, ast.Try) and one.body[0].lineno <= line <= (one.body[-1].end_lineno or 0):
            inside = (part for handler in one.handlers for part in ast.walk(handler))
            if any(isinstance(part, ast.Assert | ast.Raise) or _asserts(part) for part in inside):
                return True
    return False


def _is_taken(file: str, line: int) -> bool:
    """True for a line in a ``try`` or ``with`` that is in no loop, in the function that it stands in."""
    tree = tree_of(file)
    around = [one for one in ast.walk(tree or ast.Module([], [])) if _holds(one, line)]
    own = next((at for at, one in reversed(list(enumerate(around))) if isinstance(one, _Function | ast.Lambda)), 0)
    inside = around[own:]
    loops = any(isinstance(one, ast.For | ast.While) for one in inside)
    return not loops and any(isinstance(one, ast.Try | ast.With) for one in inside)


def _holds(node: ast.AST, line: int) -> bool:
    kinds = (_Function, ast.Lambda, ast.For, ast.While, ast.Try, ast.With)
    return isinstance(node, kinds) and node.lineno <= line <= (node.end_lineno or 0)


def _asserts(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and bool(_LIKE.match(last_name(node.func)))

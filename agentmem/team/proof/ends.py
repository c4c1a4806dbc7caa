"""Where an exception of the code's ends: in an ``except`` of the tests, in ``pytest.raises`` or its like, or elsewhere.

The judge runs it by itself, without the rest of agentmem. Python takes some exceptions for an answer (an ``IndexError``
ends a loop over what has ``__getitem__``, an ``AttributeError`` is the default of ``getattr``), and so do libraries: by
one the code would end a test's own function in the middle, with whatever answer that has then.

Nothing has to be known of who takes one. An exception leads to the frames that it went through, and the last of them is
where it ended: it was taken there, or by what called that frame, which is no Python then.
"""

import ast
import builtins
import contextlib
import dis
import sys
import types
import unittest.case
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from agentmem.team.proof.arguments import tree_of
from agentmem.team.proof.syntax import named

_MANY = 200  # exceptions that are kept of one test, before those that ended well are let go
_HERE = str(Path(__file__).parent)
_STOPS = (StopIteration, StopAsyncIteration)
"""These have rules of their own: see "stops"."""
_GIVING = (
    ("/click/testing.py", "invoke"),
    ("<frozen importlib._bootstrap>", "_handle_fromlist"),
    ("/pkgutil.py", "resolve_name"),
    ("/unittest/mock.py", "_dot_lookup"),
    ("/_pytest/monkeypatch.py", "resolve"),
)
"""Functions that give an exception to the test as a part of their answer, or as another error: file and name."""
_CALLED = frozenset({"__init__", "__call__", "__enter__", "__exit__", "__aenter__", "__aexit__", "__post_init__"})
"""Special methods in whose callers nothing takes an exception for an answer."""
_Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


class EndsOfErrors:
    """The exceptions of the code's of one test, up to its end. ``root`` is the folder of the tests."""

    def __init__(self, root: str) -> None:
        self.root = f"{root}/"
        self.open: dict[int, BaseException] = {}

    def install(self) -> None:
        """Hear of the exceptions that ``with`` statements take in which a test names them."""
        kinds = {contextlib.suppress, type(pytest.raises(Exception)), unittest.case._AssertRaisesContext}
        for kind in kinds | {one for one in (getattr(pytest, "RaisesGroup", None),) if one is not None}:
            self._hear(kind)

    def _hear(self, kind: Any) -> None:
        leave = kind.__exit__

        def left(manager: Any, kind: Any, error: Any, trace: Any) -> Any:
            took = leave(manager, kind, error, trace)
            if took and error is not None and sys._getframe(1).f_code.co_filename.startswith(_HERE):
                self.open.pop(id(error), None)  # and none that a test has in its hands meanwhile
            elif took and error is not None:
                self.take(error)
            return took

        kind.__exit__ = left

    def left(self, error: BaseException) -> None:
        """A context manager of the code's takes an exception: that of a single call, which has no more to do there."""
        trace = error.__traceback__
        if trace is not None and trace.tb_frame.f_code.co_filename.startswith(self.root) and _is_alone(trace):
            self.take(error)

    def raised(self, error: BaseException) -> BaseException:
        """An exception of the code's, which is about to be raised here."""
        error.__dict__["_far_answer"] = True  # told apart from what interrupts the judge
        if len(self.open) >= _MANY:
            ill = [(key, one) for key, one in self.open.items() if self._ended(one)]
            self.open = dict(ill[: _MANY // 2])
        self.open[id(error)] = error
        return error

    def asked(self, error: BaseException, question: list[Any]) -> None:
        """An exception is the answer of an object of the code's to a question of Python's: it ends where that was."""
        kinds = AttributeError if question[0] == "get" else IndexError if question == ["do", "getitem"] else ()
        if not isinstance(error, kinds):
            return
        frame: types.FrameType | None = sys._getframe(1)
        while frame is not None and frame.f_code.co_filename.startswith(_HERE):
            frame = frame.f_back
        if frame is not None and _asks(frame, error, frame.f_code.co_filename.startswith(self.root)):
            self.take(error)

    def settle(self) -> str:
        """What was taken for an answer since the last time, "" for nothing."""
        every, self.open = list(self.open.values()), {}
        return next((told for one in every if (told := self._ended(one))), "")

    def take(self, error: BaseException) -> None:
        """An exception was taken by name, and so were those that led to it."""
        left, seen = [error], set[int]()
        while left:
            one = left.pop()
            if id(one) in seen:
                continue
            seen.add(id(one))
            self.open.pop(id(one), None)
            left += [cause for cause in (one.__cause__, one.__context__) if cause is not None]
            left += one.exceptions if isinstance(one, BaseExceptionGroup) else ()

    def _ended(self, error: BaseException) -> str:
        """Where an exception was taken for an answer; "" for one that the tests took, or a proxy's own question."""
        trace = error.__traceback__
        if isinstance(error, _STOPS) or trace is None:
            return "" if isinstance(error, _STOPS) else type(error).__name__
        frame, file = trace.tb_frame, trace.tb_frame.f_code.co_filename
        name = frame.f_code.co_name
        if file.startswith(self.root):
            well = _is_handled(trace, error)
        elif file.startswith(_HERE) and name == "_lend":  # where the code takes it, or will raise it on
            well = all(map(_is_plain, self._of_tests(trace)))
        else:
            well = any(file.endswith(end) and name == one for end, one in _GIVING)
        where = "" if file.startswith(_HERE) else f", in {name} of {file.rpartition('/')[2]}"
        return "" if well else f"{type(error).__name__}{where}"

    def _of_tests(self, trace: types.TracebackType | None) -> Iterator[types.FrameType]:
        while trace is not None:
            if trace.tb_frame.f_code.co_filename.startswith(self.root):
                yield trace.tb_frame
            trace = trace.tb_next


def _asks(frame: types.FrameType, error: BaseException, own: bool) -> bool:
    """True for a frame that asks an object whether it has an attribute, or goes through one that has only items."""
    code, at = frame.f_code, frame.f_lasti
    while at > 0 and dis.opname[code.co_code[at]] == "CACHE":
        at -= 2
    does = dis.opname[code.co_code[at]]
    if isinstance(error, IndexError):
        return not does.startswith("BINARY")
    if does == "IMPORT_FROM" or not does.startswith(("CALL", "PRECALL")):
        return does == "IMPORT_FROM"
    if not own:
        return bool({"getattr", "hasattr"} & set(code.co_names))
    first, last, begin, end = list(code.co_positions())[at // 2]
    inside = ((first or 0, begin or 0), (last or 0, end or 0))
    calls = (one for one in ast.walk(_function(code) or ast.Module([], [])) if isinstance(one, ast.Call))
    return any(inside[0] <= _start(one) and _end(one) <= inside[1] and _has_default(one) for one in calls)


def _has_default(call: ast.Call) -> bool:
    name = call.func.id if isinstance(call.func, ast.Name) else ""
    return name == "hasattr" or (name == "getattr" and len(call.args) > 2)


def is_checked(error: BaseException, root: str) -> bool:
    """True for an assertion of the code's that fails a test by a statement which is no more than a call of the code."""
    asserts = isinstance(error, AssertionError) or type(error).__qualname__ in ("Failed", "Skipped")
    if not (asserts and getattr(error, "_far_answer", False)):
        return False
    trace, last = error.__traceback__, None
    while trace is not None:
        last = trace if trace.tb_frame.f_code.co_filename.startswith(f"{root}/") else last
        trace = trace.tb_next
    function = _function(last.tb_frame.f_code) if last is not None else None
    if last is None or function is None:
        return True
    at = _place(last)
    return any(isinstance(one, ast.Expr) and _start(one) <= at < _end(one) for one in ast.walk(function))


def _is_handled(trace: types.TracebackType, error: BaseException) -> bool:
    """True if an exception that came no further than a frame of the tests was in a ``try`` there which takes it."""
    frame = trace.tb_frame
    function, at = _function(frame.f_code), _place(trace)
    if function is None:
        return False
    for one in ast.walk(function):
        if isinstance(one, ast.Try | ast.TryStar) and _start(one.body[0]) <= at < _end(one.body[-1]):
            groups = isinstance(one, ast.TryStar)
            fits = (handler for handler in one.handlers if groups or _takes(handler.type, frame, error))
            handler = next(fits, None)
            if handler is not None and not (_is_of_python(function) and _raises_on(handler)):
                return True
    return False


def _is_alone(trace: types.TracebackType) -> bool:
    """True where a frame of the tests is in a ``with`` that holds one call, and no assertion."""
    function, at = _function(trace.tb_frame.f_code), _place(trace)
    around = [
        one.body
        for one in (ast.walk(function) if function is not None else ())
        if isinstance(one, ast.With | ast.AsyncWith) and _start(one.body[0]) <= at < _end(one.body[-1])
    ]
    return bool(around) and len(around[-1]) == 1 and isinstance(around[-1][0], ast.Expr | ast.Assign | ast.Return)


def _takes(kind: ast.expr | None, frame: types.FrameType, error: BaseException) -> bool:
    """True if an ``except`` takes an exception, or where that cannot be said."""
    for one in kind.elts if isinstance(kind, ast.Tuple) else [kind]:
        found = _value(frame, one.id) if isinstance(one, ast.Name) else None
        if not isinstance(found, type | tuple) or isinstance(error, found):
            return True
    return False


def _value(frame: types.FrameType, name: str) -> Any:
    return {**vars(builtins), **frame.f_globals, **frame.f_locals}.get(name)


def _is_of_python(function: ast.AST) -> bool:
    """True for a function that Python calls by itself, and of which it may take an exception: a special method."""
    if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
        return False
    special = function.name[:2] == function.name[-2:] == "__" and function.name not in _CALLED
    return special or any("property" in name.lower() for one in function.decorator_list for name in named(one))


def _raises_on(handler: ast.ExceptHandler) -> bool:
    return any(isinstance(one, ast.Raise) for one in ast.walk(handler))


def _is_plain(frame: types.FrameType) -> bool:
    """True for a function of the tests that does nothing with an answer but to give it back."""
    if frame.f_code.co_name == "<lambda>":
        return True
    function = _function(frame.f_code)
    body = getattr(function, "body", [])[-1:] if function is not None else []
    return bool(body) and isinstance(body[0], ast.Return) and len(getattr(function, "body", [])) == 1


def _function(code: types.CodeType) -> ast.AST | None:
    """The definition of a code in its file; None for what can hold no ``try``, or has no file."""
    return _defined(code.co_filename, code.co_name, code.co_firstlineno)


@cache
def _defined(file: str, name: str, first: int) -> ast.AST | None:
    tree = tree_of(file)
    if tree is None or name == "<module>":
        return tree
    fits = (one for one in ast.walk(tree) if isinstance(one, _Function) and one.name == name)
    return max((one for one in fits if _first(one) == first), key=lambda one: one.lineno, default=None)


def _first(node: _Function) -> int:
    return min([node.lineno, *(one.lineno for one in node.decorator_list)])


def _place(trace: types.TracebackType) -> tuple[int, int]:
    """Where in its file a frame was when the exception came there."""
    positions = list(trace.tb_frame.f_code.co_positions())
    line, _, column, _ = positions[trace.tb_lasti // 2] if trace.tb_lasti // 2 < len(positions) else (None,) * 4
    return line or trace.tb_lineno, column or 0


def _start(node: ast.stmt | ast.expr) -> tuple[int, int]:
    return node.lineno, node.col_offset


def _end(node: ast.stmt | ast.expr) -> tuple[int, int]:
    return node.end_lineno or 0, node.end_col_offset or 0

"""Notes what the code changes of a test's own containers, and marks a test that goes on to expect by them.

The judge runs it by itself, without the rest of agentmem.
"""

import ast
import builtins
import threading
import types
from collections.abc import Iterator, Sequence
from typing import Any

from agentmem.team.proof.arguments import defined, first_line, frames_inside, place_of, span, spans
from agentmem.team.proof.mixing import Reading, methods_of, names_in, reading_of
from agentmem.team.proof.origins import CHANGED, WRITTEN, Changes, Origins, unwrapped
from agentmem.team.proof.reading import used_names
from agentmem.team.proof.reasons import Marks
from agentmem.team.proof.values import containers

__all__ = ["Changes", "note", "settle"]

_COMPREHENSIONS = {
    "<listcomp>": ast.ListComp,
    "<setcomp>": ast.SetComp,
    "<dictcomp>": ast.DictComp,
    "<genexpr>": ast.GeneratorExp,
}
_WRAPPED = 4  # decorators around a test
_MANY = 200  # attributes of an object, or variables, that are looked at


def note(changed: Sequence[Any], changes: Changes, marks: Marks) -> None:
    """The code has changed these containers of the test's: whoever called it is read from there on."""
    if changed:
        try:
            _note(changed, changes, marks)
        except Exception as error:  # it is read by its text, which may be any
            marks.passing.setdefault("argument", type(error).__name__)


def _note(changed: Sequence[Any], changes: Changes, marks: Marks) -> None:
    changes.begin(marks.test)
    wide = not marks.testing or marks.test == 0
    new = changes.add([part for one in changed for part in containers(one)])
    found, inside = "", False
    for one in frames_inside(changes.inside):
        inside |= one.f_code.co_name.startswith("test")
        found = found or _read(one, changes)
    if found:
        marks.passing.setdefault("argument", found)
        if wide:
            marks.lasting.setdefault("argument", found)
    changes.threads |= threading.current_thread() is not threading.main_thread()
    if wide or not inside:
        changes.keep(new, wide=wide)


def _read(frame: types.FrameType, changes: Changes) -> str:
    """What a function that is running compares from here on with what was changed; "" for nothing."""
    code = frame.f_code
    if (key := (code, frame.f_lasti)) in changes.read:
        return ""
    changes.read.add(key)
    whole, place = defined(code), place_of(frame)
    if whole is None or place is None:
        return code.co_name
    held = dict(list(frame.f_locals.items())[:_MANY])
    _note_holders(held, (code.co_filename, first_line(whole)), changes)
    node: ast.AST = whole
    if kind := _COMPREHENSIONS.get(code.co_name):
        inner = (one for one in ast.walk(whole) if isinstance(one, kind) and spans(one, place[0]))
        node = max(inner, key=lambda one: span(one)[0], default=whole)
    loops = (one for one in ast.walk(whole) if isinstance(one, ast.For) and span(one) == place)
    place = next((span(one.iter) for one in loops), place)
    reading = Reading(changes, node, names_in(held, frame.f_globals, vars(builtins)), place)
    reading.methods = methods_of(code.co_filename)
    return reading.read().found


def _note_holders(held: dict[str, Any], key: tuple[str, int], changes: Changes) -> None:
    """Which variables, and attributes of the tests' objects in them, hold what was changed."""
    known = changes.locals.setdefault(key, {})
    for name, one in held.items():
        if (origins := changes.of(one)) >= CHANGED:
            known[name] = known.get(name, WRITTEN) | CHANGED
        elif origins:
            for attribute, part in _attributes(one):
                if changes.of(part) >= CHANGED:
                    changes.put[attribute] = changes.put.get(attribute, WRITTEN) | CHANGED


def _attributes(value: Any) -> list[tuple[str, Any]]:
    try:
        own = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return []
    return list(own.items())[:_MANY] if type(own) is dict else []


def settle(item: Any, changes: Changes, marks: Marks) -> None:
    """A test has run: it is read whole where something was changed before it, or where it did not wait for that."""
    try:
        changes.begin(marks.test)
        founds = list(_of_fixtures(item, changes)) if changes.changed.keys() - changes.earlier.keys() else []
        if changes.earlier:
            every, changes.changed, changes.touched = changes.changed, changes.earlier, False
            found = _of_test(item, changes)
            founds += [found] if changes.outside or changes.touched else []
            changes.changed = every
        for found in filter(None, founds):
            marks.passing.setdefault("argument", found)
    except Exception as error:
        marks.passing.setdefault("argument", type(error).__name__)


def _of_test(item: Any, changes: Changes) -> str:
    function: Any = getattr(item, "function", None)
    for _ in range(_WRAPPED):
        function = unwrapped(getattr(function, "__func__", function))
    if not changes.is_inside(function):
        return str(item.name)
    owner = getattr(item, "instance", None)
    method = owner is not None and not isinstance(owner, types.ModuleType)
    reading = reading_of(changes, function, [owner] if method else [])
    if reading is None:
        return str(item.name)
    given: dict[str, Any] = getattr(item, "funcargs", None) or {}
    parameters = getattr(getattr(item, "callspec", None), "params", {})
    outer = reading.value_of
    reading.suspects, reading.absorbed = changes.threads, {}
    reading.value_of = lambda name: given[name] if name in given else outer(name)
    for name, one in given.items():
        if name in reading.bound and name not in parameters:
            reading.bound[name] |= _of_fixture(item, name, one, changes)
    return reading.read().found


def _of_fixture(item: Any, name: str, value: Any, changes: Changes) -> Origins:
    """The origins of what a fixture gave, which may have been made of what was changed before."""
    known = getattr(getattr(item, "_fixtureinfo", None), "name2fixturedefs", {}).get(name, ())
    function = getattr(known[-1], "func", None) if known else None
    reading = reading_of(changes, function, []) if changes.is_inside(function) else None
    if reading is None:
        return changes.of(value)
    given: dict[str, Any] = item.funcargs
    outer = reading.value_of
    reading.value_of = lambda name: given[name] if name in given else outer(name)
    reading.read()
    return changes.of(value) | reading.returned


def _of_fixtures(item: Any, changes: Changes) -> Iterator[str]:
    """What is compared in a fixture when the test has ended, or in a method of its class that ends it."""
    known = getattr(getattr(item, "_fixtureinfo", None), "name2fixturedefs", {})
    functions = [one.func for every in known.values() for one in every]
    owner = getattr(item, "instance", None)
    ends = ("tearDown", "teardown_method", "asyncTearDown", "doCleanups", "tearDownClass", "teardown_class")
    functions += [getattr(type(owner), name, None) for name in ends] if owner is not None else []
    names, own = used_names(str(item.path), str(getattr(item, "originalname", None) or item.name)), vars(item.module)
    functions += [inner for name in names if (inner := unwrapped(own.get(name))) is not own.get(name)]
    for one in functions:
        if changes.is_inside(one) and (reading := reading_of(changes, one, [])) is not None:
            reading.suspects = True
            yield reading.read().found

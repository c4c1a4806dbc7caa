"""Whether a test still uses a thing of its own that the code has changed.

The judge runs it by itself, without the rest of agentmem. It is asked for objects that the code has changed by their
own methods (touched.py); what the code changed of containers is followed by what they hold (changing.py). A comparison
with a value that is written down, as in ``assert cart.rows == [1, 2]``, is the judge's own and stays so.
"""

import ast
import types
from collections.abc import Iterator, Mapping
from typing import Any, TypeGuard

from agentmem.team.proof.arguments import Place, defined, frames_inside, place_of, span, spans
from agentmem.team.proof.uses import Uses

_LOOPS = (ast.For, ast.AsyncFor, ast.While)
_DEEP, _MANY = 3, 200  # containers in containers that are searched for a value, and the items of each


def still_used(value: Any, root: str, kind: type[Uses] = Uses) -> str:
    """The name by which a test in the folder ``root`` goes on using a value, or what holds it; "" if none does.

    That the value is changed is tested too: only a use beside the code counts, as ``kind`` finds it in the text.
    """
    for frame in frames_inside(f"{root}/"):
        for name, one in list(frame.f_locals.items()):
            if (way := _way(one, value, 0)) is not None and _is_read(frame, name, way, kind):
                return name
        found = next((name for name, one in list(frame.f_globals.items()) if one is value), "")
        if found and _is_read(frame, found, "", kind):
            return found
    return ""


def _way(holder: Any, value: Any, depth: int) -> str | None:
    """The attribute by which something holds a value: "" for the value itself and for containers; else None."""
    if holder is value:
        return ""
    if depth >= _DEEP or isinstance(holder, types.ModuleType | type):
        return None
    if isinstance(holder, dict | list | tuple | set | frozenset):
        items = list(holder.values() if isinstance(holder, dict) else holder)[:_MANY]
        return "" if any(_way(one, value, depth + 1) is not None for one in items) else None
    own = getattr(type(holder), "__dictoffset__", 0) and not hasattr(type(holder), "_far_link")
    state = vars(holder) if own else {}
    if isinstance(state, Mapping):
        names = (name for name, one in list(state.items())[:_MANY] if _way(one, value, depth + 1) is not None)
        return next(names, None)
    return None


def _is_read(frame: types.FrameType, name: str, way: str, kind: type[Uses]) -> bool:
    """True if code behind the present place of a frame reads a name, except to compare it with what is written down.

    With a ``way`` only where it reads that attribute of the name.
    """
    place, function = place_of(frame), defined(frame.f_code)
    if place is None or function is None:
        return True
    begins, ends = next((span(one.iter) for one in ast.walk(function) if _is_loop(one, place)), place)
    around = [one for one in ast.walk(function) if isinstance(one, _LOOPS) and spans(one, begins)]
    text = kind(function, {**frame.f_globals, **frame.f_locals})
    for read in _reads(function, name, way):
        at = (read.lineno, read.col_offset)
        later = at >= ends or (bool(around) and not begins <= at < ends)
        later = later or text.is_held(read, begins, ends)
        if later and not text.is_safe(read) and not text.is_apart(read):
            return True
    return False


def _is_loop(node: ast.AST, place: tuple[Place, Place]) -> TypeGuard[ast.For | ast.AsyncFor]:
    """True for the loop that is a place: Python says so where it asks for the next item."""
    return isinstance(node, ast.For | ast.AsyncFor) and span(node) == place


def _reads(function: ast.AST, name: str, way: str) -> Iterator[ast.expr]:
    """The places that read a name, or an attribute of it."""
    for above in ast.walk(function):
        for one in ast.iter_child_nodes(above):
            if isinstance(one, ast.Attribute) and one.attr == way and _is_name(one.value, name):
                yield one
            elif _is_name(one, name) and not (way and isinstance(above, ast.Attribute)):
                yield one  # type: ignore[misc]  # a name is an expression


def _is_name(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load)

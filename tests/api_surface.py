"""The public names with their signatures, as the source has them: a line each, so that a change shows in a diff.

Write it anew, and look at what changed:

    python -m tests.api_surface > tests/api_surface.txt
"""

import ast
import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType

import agentmem

SNAPSHOT = Path(__file__).with_suffix(".txt")


def surface() -> str:
    """Every name of `agentmem.__all__`, in order, with what its classes have, also from hidden bases."""
    return "".join(f"{line}\n" for name in sorted(agentmem.__all__) for line in _lines(name))


def _lines(name: str) -> Iterator[str]:
    value = getattr(agentmem, name)
    if not (inspect.isclass(value) or inspect.isfunction(value)):
        yield f"{name}: {type(value).__name__}"
        return
    found = _defined(value)
    if isinstance(found, ast.ClassDef) and isinstance(value, type):
        yield f"class {name}({', '.join(map(ast.unparse, found.bases))})"
        for each in value.__mro__:
            if each.__module__.startswith("agentmem.") and (each is value or each.__name__ not in agentmem.__all__):
                yield from _members(_defined(each))
    elif isinstance(found, ast.FunctionDef | ast.AsyncFunctionDef):
        yield f"{name}{_signature(found)}"


def _defined(value: type | FunctionType) -> ast.stmt:
    tree = ast.parse(inspect.getsource(importlib.import_module(value.__module__)))
    return next(one for one in tree.body if getattr(one, "name", None) == value.__name__)


def _members(found: ast.stmt) -> Iterator[str]:
    for one in found.body if isinstance(found, ast.ClassDef) else ():
        if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name) and _public(one.target.id):
            yield f"  {one.target.id}: {ast.unparse(one.annotation)}{' = ...' if one.value else ''}"
        elif isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef) and (_public(one.name) or one.name == "__init__"):
            kinds = [ast.unparse(each) for each in one.decorator_list if "overload" in ast.unparse(each)]
            plain = [ast.unparse(each) for each in one.decorator_list if ast.unparse(each) in _SHOWN]
            yield f"  {''.join(f'@{kind} ' for kind in (*kinds, *plain))}{one.name}{_signature(one)}"


_SHOWN = frozenset({"property", "classmethod", "staticmethod", "cached_property"})


def _public(name: str) -> bool:
    return not name.startswith("_")


def _signature(found: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    returns = f" -> {ast.unparse(found.returns)}" if found.returns else ""
    return f"({ast.unparse(found.args)}){returns}"


if __name__ == "__main__":
    print(surface(), end="")

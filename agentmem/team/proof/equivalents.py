"""Makes equivalent mutants: the same program in other words, which honest tests cannot tell from the first.

The text is written anew from its syntax tree (so comments and layout go), and local variables get other names. Tests
that read the source, and code that looks at its own text, give themselves away by it.
"""

import ast
from collections.abc import Iterator

from agentmem.team.proof.syntax import syntax_of

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_SEES_NAMES = frozenset({"locals", "vars", "eval", "exec", "dir", "globals"})


def equivalent(text: str | bytes) -> str | None:
    """The same Python module in other words; None if it is no Python, or nothing can be said otherwise.

    Bytes are in the encoding that they name, as Python reads them.
    """
    try:
        tree = syntax_of(text)
        for function in [one for one in ast.walk(tree) if isinstance(one, _Function)]:
            _rename(function, _locals(function))
        made = ast.unparse(ast.fix_missing_locations(tree)) + "\n"
    except (SyntaxError, ValueError, RuntimeError, MemoryError):
        return None
    return made if made not in (text, *([text.decode("utf-8", "replace")] if isinstance(text, bytes) else [])) else None


def _locals(function: _Function) -> frozenset[str]:
    """The local variables that can be renamed: bound by plain assignment, and named in no other way."""
    nodes = list(ast.walk(function))
    if any(isinstance(one, ast.Name) and one.id in _SEES_NAMES for one in nodes):
        return frozenset()
    bound = {one.id for one in nodes if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)}
    return frozenset(name for name in bound - set(_otherwise(nodes)) if not name.startswith("__"))


def _otherwise(nodes: list[ast.AST]) -> Iterator[str]:
    """The names that are bound or declared in another way than by assignment."""
    for one in nodes:
        if isinstance(one, ast.arg):
            yield one.arg
        elif isinstance(one, ast.Global | ast.Nonlocal):
            yield from one.names
        elif isinstance(one, ast.Import | ast.ImportFrom):
            yield from ((alias.asname or alias.name).partition(".")[0] for alias in one.names)
        elif isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.ExceptHandler):
            yield one.name or ""
            if isinstance(one, ast.ClassDef):  # its assignments are attributes
                yield from (name.id for name in ast.walk(one) if isinstance(name, ast.Name))
        elif isinstance(one, ast.MatchAs | ast.MatchStar | ast.MatchMapping):
            yield (one.rest if isinstance(one, ast.MatchMapping) else one.name) or ""


def _rename(function: _Function, names: frozenset[str]) -> None:
    taken = {one.id for one in ast.walk(function) if isinstance(one, ast.Name)}
    for one in ast.walk(function):
        if isinstance(one, ast.Name) and one.id in names and f"{one.id}_" not in taken:
            one.id = f"{one.id}_"

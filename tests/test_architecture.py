"""The shape of the package: the directions of imports, and the lengths of modules and functions."""

import ast
import re
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "agentmem"

LAYERS: tuple[frozenset[str], ...] = (
    frozenset({"distribution", "lazy", "kvsources"}),
    frozenset({"types", "retrieval", "errors"}),
    frozenset({"checking"}),
    frozenset({"tokens", "images", "scrub", "visible", "config", "assets", "closing", "health"}),
    frozenset({"objects", "loopback"}),
    frozenset({"object_store"}),
    frozenset({"sandbox", "pages", "kvcache"}),
    frozenset({"transcript"}),
    frozenset({"context"}),
    frozenset({"compaction"}),
    frozenset({"recall", "models", "meter"}),
    frozenset({"memory", "answers"}),
    frozenset({"routing"}),
    frozenset({"menu"}),
    frozenset({"runtime"}),
    frozenset({"team"}),
    frozenset({"replay"}),
    frozenset({"integrations"}),
    frozenset({"mcp"}),
    frozenset({"demo", "report", "testing"}),
    frozenset({"fleet"}),
    frozenset({"ui"}),
    frozenset({"cli", "__init__", "__main__"}),
)
"""From the bottom up. A part imports what is below it, and within itself."""

ONE_PART = ({"types", "retrieval"}, {"tokens", "images"})
"""Values, and counting, are each one part in two modules."""

FOREIGN = ("langgraph", "langchain", "anthropic", "openai")
FREE_OF_FOREIGN = ("transcript", "context", "compaction", "kvcache", "pages", "sandbox")

MODULES = sorted(PACKAGE.rglob("*.py"))


def imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, anywhere in it, except for type checkers alone."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def part(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def level(name: str) -> int:
    return next(at for at, layer in enumerate(LAYERS) if name in layer)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_downward(path: Path) -> None:
    """A module imports its own part and the layers below, never a sibling part or a layer above."""
    own = part(path)
    if own in ("__init__", "__main__"):
        return
    for name in imports(path):
        pieces = name.split(".")
        if pieces[0] != "agentmem" or len(pieces) < 2 or pieces[1] == own:
            continue
        if any({own, pieces[1]} <= one for one in ONE_PART):
            continue
        if (PACKAGE / pieces[1]).exists() or (PACKAGE / f"{pieces[1]}.py").exists():
            assert level(pieces[1]) < level(own), f"{own} imports {name}"


@pytest.mark.parametrize("name", FREE_OF_FOREIGN)
def test_the_core_knows_no_framework(name: str) -> None:
    """Context, cache rules and pages import no agent framework and no provider's SDK."""
    found = {one.split(".")[0] for path in (PACKAGE / name).rglob("*.py") for one in imports(path)}
    assert not [one for one in found if one.startswith(FOREIGN)]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_modules_and_functions_stay_short(path: Path) -> None:
    """A module has at most 450 lines, a function at most 40."""
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= 450
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno < 40, f"{node.name} is too long"


def test_only_config_reads_the_environment() -> None:
    """One module reads the environment; the others get values. Counting tokens sets tiktoken's folder there.

    The two processes of a proof are programs of their own, and tell each other what tests change in it.
    """
    readers = {
        str(path.relative_to(PACKAGE))
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv", "putenv")
    }
    assert readers <= {"config.py", "tokens.py", "team/proof/judge.py", "team/proof/around.py", "team/proof/subject.py"}


PRINTS = {"print", "Console", "echo", "secho", "confirm", "prompt", "__stdout__", "__stderr__"}
"""The names that write to a terminal without `agentmem.cli.output`."""


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_all_that_is_printed_goes_through_one_module(path: Path) -> None:
    """No module prints by itself or makes a console, because texts of models and files could steer the terminal."""
    own = str(path.relative_to(PACKAGE))
    if own in ("cli/output.py", "cli/output.py"):
        return
    used = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            used.add(node.func.id)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            base = ast.unparse(node.func.value)
            used |= {node.func.attr} if base in ("typer", "click", "rich") else set()
            used |= {"print"} if node.func.attr == "write" and base in ("sys.stdout", "sys.stderr") else set()
    imported = {name.rpartition(".")[2] for name in imports(path) if name.startswith(("typer.", "click", "rich.print"))}
    assert not (used | imported) & (PRINTS - ({"Console"} if own.startswith("meter/") else set())) - _MAY.get(
        own, set()
    )


_MAY = {"cli/__init__.py": {"print"}, "cli/exits.py": set[str](), "cli/output.py": PRINTS, "cli/watch.py": {"confirm"}}
"""The exceptions: our own words before anything is loaded, and `confirm` where it is output's own."""
_MAY |= {f"cli/{name}.py": {"confirm"} for name in ("history", "reports", "trust")} | {"config.py": {"confirm"}}


def test_no_circle_of_imports() -> None:
    """No imports form a circle, not even inside functions. Imports for type checkers alone do not count."""
    modules = {_dotted(path): path for path in MODULES}
    graph = {name: {one for one in _imported(path, modules) if one != name} for name, path in modules.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"a circle: {' > '.join(error.args[1])}")


def _dotted(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")


def _imported(path: Path, modules: Mapping[str, Path]) -> Iterator[str]:
    """The modules of agentmem that a module imports at run time."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    unseen = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node not in unseen:
            names = (f"{node.module}.{alias.name}" for alias in node.names)
            yield from (name if name in modules else str(node.module) for name in names)


def test_one_name_one_class() -> None:
    """No two public classes of the package share a name, so a name is never ambiguous."""
    places: dict[str, list[str]] = {}
    for path in MODULES:
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places.setdefault(node.name, []).append(str(path.relative_to(PACKAGE)))
    assert not {name: found for name, found in places.items() if len(found) > 1}


def test_every_module_that_the_map_names_is_there() -> None:
    """Every module that ARCHITECTURE.md names exists in the package or in the tests."""
    names = set(re.findall(r"`([\w/]+\.py)`", (PACKAGE.parent / "ARCHITECTURE.md").read_text(encoding="utf-8")))
    have = {path.name for path in MODULES}
    gone = {name for name in names if Path(name).name not in have and not (PACKAGE.parent / name).exists()}
    assert names and not gone

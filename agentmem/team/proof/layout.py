"""How a project lies in its folder: which files are tests, under which names its code is imported, and by which Python.

It is read from the old code, so that no change can move it.
"""

import configparser
import os
import shlex
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from agentmem.sandbox import Sandbox
from agentmem.team import rights

_FOLDERS = frozenset({"tests", "test"})
_ROOTS = ("", "src", "lib")
_KEPT = ("python_files", "python_classes", "python_functions", "xfail_strict")
"""pytest's settings of the old code that the judge keeps: they say what is a test."""
_LAUNCHERS = frozenset({"pytest", "py.test", "python", "python3"})


@dataclass(frozen=True, slots=True)
class ProjectLayout:
    """``tops`` are the code's top names, ``own_modules`` modules of tests inside them; paths are relative.

    ``programs`` are the names by which the project can be started, ``hidden`` the folders of git's repositories in it:
    their history may hold the tests. ``late`` are top names that the change adds: they stand for the code only where
    the tests' Python has nothing of that name, so that no change can put itself in the place of a library.
    ``around`` are packages of the code with tests inside.
    """

    python: Path
    tops: frozenset[str]
    own_modules: frozenset[str]
    code_paths: tuple[str, ...]
    test_paths: tuple[str, ...]
    places: tuple[str, ...]
    options: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    programs: frozenset[str] = frozenset()
    late: frozenset[str] = frozenset()
    around: frozenset[str] = frozenset()

    def is_test(self, path: str) -> bool:
        """True if a file belongs to the tests: by the globs, by its folder, or as a conftest."""
        *above, name = path.split("/")
        return name == "conftest.py" or bool(_FOLDERS & set(above)) or rights.matches(path, self.places)

    @property
    def packages_around(self) -> list[str]:
        """The packages of the code with tests inside, by their names; outer ones first."""
        roots = sorted((f"{one}/" for one in self.code_paths if one), key=len, reverse=True)
        inside = ((path, next((one for one in roots if path.startswith(one)), "")) for path in self.around)
        return sorted(path.removeprefix(root).replace("/", ".") for path, root in inside)


def layout_of(base: Sandbox, check: str, environment: Mapping[str, str], places: Sequence[str]) -> ProjectLayout:
    """The layout of the old code in ``base``, for the command ``check``. ``places`` are the globs of test paths."""
    settings = _settings(base)
    places = tuple(places)
    bare = ProjectLayout(Path(sys.executable), frozenset(), frozenset(), (), (), places)
    files = [path for path in base.files("**/*.py") if not path.startswith(".")]
    roots = [*_ROOTS, *_listed(settings.get("pythonpath"))]
    code = [path for path in files if not bare.is_test(path)]
    tests = [path for path in files if bare.is_test(path)]
    tops = _outside_python(code, roots)
    tops -= _beside(tests, tops)
    own = {name for path in tests for name in _modules(path, roots) if name.partition(".")[0] in tops}
    return ProjectLayout(
        python_of(check, base, environment),
        tops,
        frozenset(own),
        tuple(root for root in dict.fromkeys(roots) if not root or any(path.startswith(f"{root}/") for path in code)),
        ("", *sorted({path.rpartition("/")[0] for path in tests} - {""})),
        places,
        tuple(part for name in _KEPT if settings.get(name) for part in ("-o", f"{name}={_flat(settings[name])}")),
        tuple(repositories(base.source)),
        tops | _scripts(base),
        around=frozenset(above for path in tests for above in _above(path) if f"{above}/__init__.py" in code),
    )


def _above(path: str) -> Iterator[str]:
    """The folders that a file lies in, but for the topmost."""
    while path := path.rpartition("/")[0]:
        yield path


def with_change(layout: ProjectLayout, fix: Sandbox) -> ProjectLayout:
    """The layout with the top names that the code in ``fix`` has besides."""
    code = [path for path in fix.files("**/*.py") if not path.startswith(".") and not layout.is_test(path)]
    return replace(layout, late=_outside_python(code, (*_ROOTS, *layout.code_paths)) - layout.tops)


def with_tests(layout: ProjectLayout, files: Iterable[str], fix: Sandbox) -> ProjectLayout:
    """The layout with the folders of more files of tests for the code in ``fix``: they import what lies beside them."""
    python = [path for path in files if path.endswith(".py")]
    roots = [*_ROOTS, *layout.code_paths]
    beside = _beside(python, layout.tops | layout.late)
    layout = replace(layout, tops=layout.tops - beside, late=layout.late - beside)
    tops = layout.tops | layout.late
    own = {name for path in python for name in _modules(path, roots) if name.partition(".")[0] in tops}
    folders = sorted({path.rpartition("/")[0] for path in python})
    paths = tuple(dict.fromkeys((*layout.test_paths, *folders)))
    above = {one for path in python for one in _above(path) if not layout.is_test(f"{one}/__init__.py")}
    around = layout.around | {one for one in above if fix.exists(f"{one}/__init__.py")}
    return replace(layout, test_paths=paths, own_modules=layout.own_modules | own, around=around)


def _beside(tests: Iterable[str], names: frozenset[str]) -> frozenset[str]:
    """Those of the names that are modules beside a file of tests: pytest finds these before the project's own."""
    files = {path for path in tests if path.endswith(".py")}
    folders = {path.rpartition("/")[0] for path in files}
    outside = {folder for folder in folders if folder and f"{folder}/__init__.py" not in files}
    return frozenset(
        name for name in names for folder in outside if {f"{folder}/{name}.py", f"{folder}/{name}/__init__.py"} & files
    )


def _outside_python(code: Iterable[str], roots: Iterable[str]) -> frozenset[str]:
    return frozenset(top for top in _tops(code, roots) if top not in sys.stdlib_module_names)


def repositories(root: Path) -> Iterator[str]:
    """The folders named ``.git`` below a folder: its own, and those of repositories in it."""
    for above, folders, _ in os.walk(root):
        yield from (os.path.relpath(f"{above}/{one}", root) for one in folders if one.casefold() == ".git")
        folders[:] = [one for one in folders if one.casefold() != ".git"]


def _scripts(base: Sandbox) -> frozenset[str]:
    """The commands that the project installs, by its pyproject.toml."""
    try:
        said = (
            tomllib.loads(base.read("pyproject.toml").decode("utf-8", "replace"))
            if base.exists("pyproject.toml")
            else {}
        )
    except tomllib.TOMLDecodeError:
        return frozenset()
    tables = [said.get("project"), said.get("tool", {}).get("poetry") if isinstance(said.get("tool"), dict) else None]
    found = [one.get(name) for one in tables if isinstance(one, dict) for name in ("scripts", "gui-scripts")]
    return frozenset(str(name) for one in found if isinstance(one, dict) for name in one)


def _tops(files: Iterable[str], roots: Iterable[str]) -> Iterable[str]:
    """The names that can be imported from the roots: modules, and folders with Python files."""
    for root in dict.fromkeys(roots):
        for path in files:
            if not root or path.startswith(f"{root}/"):
                first = path.removeprefix(f"{root}/" if root else "").partition("/")[0].removesuffix(".py")
                if first.isidentifier() and first not in (*_ROOTS, "setup", "conftest"):
                    yield first


def _modules(path: str, roots: Iterable[str]) -> Iterable[str]:
    """The names under which a file of tests, and the folders of tests above it, may be imported."""
    for root in dict.fromkeys(roots):
        if not root or path.startswith(f"{root}/"):
            parts = (
                path.removeprefix(f"{root}/" if root else "").removesuffix(".py").removesuffix("/__init__").split("/")
            )
            first = next((at for at, part in enumerate(parts) if part in _FOLDERS), len(parts) - 1)
            yield from (".".join(parts[: count + 1]) for count in range(first, len(parts)))


_FIND = """
found=$(command -v "$1") || exit 1
for one in "$(dirname "$found")/python" "$(dirname "$found")/python3"; do
    [ -x "$one" ] && echo "$(cd "$(dirname "$one")" && pwd)/$(basename "$one")" && exit 0
done
exit 1
"""


def python_of(check: str, base: Sandbox, environment: Mapping[str, str]) -> Path:
    """The Python that a check runs pytest with behind the walls, as far as its words tell; else this one."""
    for word in _words(check):
        name = word.rpartition("/")[2]
        if name in _LAUNCHERS or name.startswith("python3."):
            ran = base.run(["/bin/sh", "-c", _FIND, "sh", word], env=environment, writable=())
            return Path(ran.output.strip().splitlines()[-1]) if ran.ok else Path(sys.executable)
    return Path(sys.executable)


def _words(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError:
        return command.split()


def _settings(base: Sandbox) -> dict[str, Any]:
    """pytest's settings in the old code, from the file that pytest would read first."""
    for name in ("pytest.ini", ".pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg"):
        if not base.exists(name):
            continue
        text = base.read(name).decode("utf-8", "replace")
        found = (
            _toml(text) if name.endswith(".toml") else _ini(text, "tool:pytest" if name == "setup.cfg" else "pytest")
        )
        if found is not None:
            return found
    return {}


def _toml(text: str) -> dict[str, Any] | None:
    try:
        found = tomllib.loads(text).get("tool", {}).get("pytest", {})
        found = {**found, **found.get("ini_options", {})} if isinstance(found, dict) else {}
    except (tomllib.TOMLDecodeError, TypeError):
        return None
    return found or None


def _ini(text: str, section: str) -> dict[str, Any] | None:
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(text)
    except configparser.Error:
        return None
    return dict(parser[section]) if section in parser else None


def _listed(value: Any) -> list[str]:
    given = value.split() if isinstance(value, str) else value if isinstance(value, list) else []
    paths = [os.path.normpath(str(one)) for one in given]
    return ["" if path == "." else path for path in paths if not path.startswith(("/", ".."))]


def _flat(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)

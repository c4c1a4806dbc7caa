"""README is true: its program runs, its commands and files exist."""

import re
import subprocess
import sys
from pathlib import Path

from agentmem.replay.recordings import FORMATS

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_program_runs(tmp_path: Path) -> None:
    """README's program runs as it stands, and prints an answer."""
    [program] = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "There are seven. 2 None\n"


def test_the_commands_exist() -> None:
    """Every command that README names exists."""
    shown = subprocess.run(
        [sys.executable, "-c", "from agentmem.cli import main; main()", "--help"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    named = set(re.findall(r"(?:`|\$ |&& )agentmem ([a-z-]+)", README))
    assert named
    assert not [name for name in named if not re.search(rf"│ {name}\s", shown)]


def test_every_format_stands_in_the_table() -> None:
    """README says of each format that is read what it is checked on."""
    rows = re.findall(r"^\| (`[a-z-]+`(?:, `[a-z-]+`)*) \|", README, re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`([a-z-]+)`", row)}
    assert FORMATS.keys() <= named


def test_the_links_lead_somewhere() -> None:
    """Every relative link leads to a file of this checkout."""
    targets = re.findall(r"\]\((?!http)([^)#]+)\)", README)
    assert targets
    assert not [target for target in targets if not (ROOT / target).exists()]


def test_nothing_is_left_to_fill_in() -> None:
    """README, ARCHITECTURE and CHANGELOG have no placeholder."""
    pages = [ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CHANGELOG.md")]
    assert not [page.name for page in pages if re.search(r"<!--|TODO|TBD", page.read_text(encoding="utf-8"))]

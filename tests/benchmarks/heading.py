"""What every benchmark says: first what ran, on which commit, data and settings; last its figures, as JSON."""

import atexit
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]

_said: dict[str, Any] = {}
_figures: dict[str, Any] = {}


def heading(name: str, data: str, **settings: object) -> None:
    """Print the lines that make a measurement repeatable, and the line of JSON when the benchmark ends."""
    print(f"{name}\n  commit: {commit()}\n  data: {data}")
    for key, value in settings.items():
        print(f"  {key.replace('_', ' ')}: {value}")
    if not _said:
        atexit.register(_print_record)
        _said.update(schema=1, benchmark=Path(sys.argv[0]).stem, commit=commit(), data=data, settings=settings)


def record_figures(**figures: object) -> None:
    """Keep figures for that line. A name may be told twice: the later one counts."""
    _figures.update(figures)


def _print_record() -> None:
    print(json.dumps({**_said, "figures": _figures}, default=str), flush=True)


def commit() -> str:
    """The commit of this checkout, with a + when files differ from it; "unknown" outside a repository."""
    try:
        return _git("rev-parse", "--short", "HEAD") + ("+" if _git("status", "--porcelain", "-uno") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()

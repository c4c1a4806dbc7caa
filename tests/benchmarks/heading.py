"""What every benchmark says first: what ran, on which commit, on which data and with which settings."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def heading(name: str, data: str, **settings: object) -> None:
    """Print the lines that make a measurement repeatable."""
    print(f"{name}\n  commit: {commit()}\n  data: {data}")
    for key, value in settings.items():
        print(f"  {key.replace('_', ' ')}: {value}")


def commit() -> str:
    """The commit of this checkout, with a + when files differ from it; "unknown" outside a repository."""
    try:
        return _git("rev-parse", "--short", "HEAD") + ("+" if _git("status", "--porcelain", "-uno") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()

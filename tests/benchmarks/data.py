"""Where a benchmark's recordings are: below the folder given with --data. Without them it is skipped, and says so."""

import argparse
from pathlib import Path
from typing import NoReturn

DATA = Path("../shared/data")
"""Where they are by default, seen from a checkout."""
SKIPPED = 77
"""What a benchmark ends with that could not run here (the exit code that automake's tests have for it)."""


def data_file(about: str | None, name: str | Path) -> Path:
    """The recording ``name``, for a benchmark without options of its own; ``about`` is what --help says."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--data", type=Path, default=DATA, help=f"the folder that holds {name}")
    return recording(parser.parse_args().data, name)


def skip(why: str) -> NoReturn:
    """End the benchmark as one that cannot run here."""
    print(f"skipped: {why}")
    raise SystemExit(SKIPPED)


def recording(folder: Path, name: str | Path) -> Path:
    """The recording ``name`` below ``folder``; where it is missing, the benchmark ends as skipped."""
    path = folder / name
    if not path.is_file():
        skip(f"{path} is missing; give the folder that holds {name} with --data")
    return path

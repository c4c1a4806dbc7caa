"""What a warehouse has given so far, over all processes and restarts, in a small file of its folder."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from agentmem.types import KvSources

FILE = "totals.json"


def read_totals(folder: Path) -> dict[str, Any]:
    """The sums: ``requests``, tokens by where they came from, ``seconds_saved``. Zeros if the file cannot be read."""
    try:
        said = json.loads((folder / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        said = {}
    known = {"requests": 0, **asdict(KvSources())}
    if not isinstance(said, dict):
        return known
    return {name: said[name] if _is_number(said.get(name)) else zero for name, zero in known.items()}


def add_totals(folder: Path, more: Mapping[str, Any]) -> None:
    """Add to the sums. The caller holds the folder."""
    sums = {name: round(value + more.get(name, 0), 3) for name, value in read_totals(folder).items()}
    part = folder / f"part-{FILE}"
    part.write_text(json.dumps(sums), encoding="utf-8")
    part.replace(folder / FILE)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)

"""Importers: a Notion-like export of 1,000 pages in under 5 s, a vault of 500, and every round trip, listed.

python -m tests.benchmarks.importing [--pages 1000] [--rounds 3] [--json FILE]
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Any

from agentmem.pages.importing.exporting import export_pages
from agentmem.pages.importing.formats import import_pages
from agentmem.pages.workspace import Workspace
from tests.benchmarks.heading import heading, record_figures
from tests.pages.importing import made

MOST_SECONDS = 5.0
VAULT = 500
EVERY = 25
"""Of so many pages one is looked at for links that lead nowhere."""
TARGET = "1,000 pages of a Notion-like export in under 5 s (the fastest of the rounds), a vault of 500, nothing dropped"


def timed(place: Path, source: Path, rounds: int) -> tuple[Workspace, dict[str, Any]]:
    """The seconds of the fastest import into a new workspace, and of the same import again."""
    first, again = list[float](), list[float]()
    for number in range(rounds):
        root = place / f"pages-{source.stem}-{number}"
        workspace = Workspace(root, create=True)
        began = time.perf_counter()
        result = import_pages(workspace, source)
        first.append(time.perf_counter() - began)
        began = time.perf_counter()
        unchanged = import_pages(workspace, source)
        again.append(time.perf_counter() - began)
        if number < rounds - 1:
            workspace.close()
            shutil.rmtree(root)
    changed = len(unchanged.created) + len(unchanged.updated) + unchanged.attachments
    told = {"created": len(result.created), "attachments": result.attachments, "not_imported": dict(result.refused)}
    looked_at = workspace.names()[::EVERY]
    broken = sum(link.broken for name in looked_at for link in workspace.links(name))
    told |= {
        "fenced": dict(result.fenced),
        "broken_links": broken,
        "looked_at": len(looked_at),
        "changed_again": changed,
    }
    return workspace, told | {"seconds": min(first), "seconds_again": min(again)}


def back(files: dict[str, bytes], there: dict[str, bytes]) -> dict[str, Any]:
    """What a round trip kept byte for byte, changed and lost."""
    return {
        "files": len(files),
        "same_bytes": sum(there.get(name) == data for name, data in files.items()),
        "changed": [name for name, data in files.items() if name in there and there[name] != data],
        "missing": [name for name in files if name not in there],
        "new": [name for name in there if name not in files],
    }


def notion(place: Path, pages: int, rounds: int) -> dict[str, Any]:
    files = made.notion_files(pages)
    workspace, found = timed(place, made.zipped(place / "Export.zip", files, "Export-Part-1.zip"), rounds)
    export_pages(workspace, place / "back.zip", format="notion", source="Export")
    with zipfile.ZipFile(place / "back.zip") as archive:
        there = {name: archive.read(name) for name in archive.namelist()}
    found["not_imported"] = f"{len(found['not_imported'])} views of databases, whose rows are all in the other CSV"
    workspace.close()
    return found | {"round_trip": back(files, there)}


def vault(place: Path, rounds: int) -> dict[str, Any]:
    files = made.vault(place / "vault", VAULT)
    workspace, found = timed(place, place / "vault", rounds)
    export_pages(workspace, place / "there", source="vault")
    root = place / "there"
    there = {one.relative_to(root).as_posix(): one.read_bytes() for one in root.rglob("*") if one.is_file()}
    workspace.close()
    return found | {"round_trip": back(files, there)}


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", help="not needed")
    parser.add_argument("--pages", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    heading(
        TARGET, "sources made here (tests/pages/importing/made.py)", pages=given.pages, rounds=given.rounds, vault=VAULT
    )
    with tempfile.TemporaryDirectory() as place:
        found = {"notion": notion(Path(place), given.pages, given.rounds), "obsidian": vault(Path(place), given.rounds)}
    for name, told in found.items():
        print(f"  {name}:")
        for key, value in told.items():
            print(f"    {key}: {value}")
    record_figures(**found)
    if given.json:
        given.json.write_text(json.dumps(found, indent=1))
    one, other = found["notion"], found["obsidian"]
    met = (
        one["seconds"] < MOST_SECONDS * given.pages / 1000
        and one["created"] == given.pages
        and one["broken_links"] == one["changed_again"] == other["changed_again"] == 0
        and one["round_trip"]["same_bytes"] == one["round_trip"]["files"]
        and other["round_trip"]["missing"] == [".obsidian/app.json"]
        and not other["round_trip"]["changed"]
    )
    print("met" if met else "MISSED")
    return int(not met)


if __name__ == "__main__":
    sys.exit(main())

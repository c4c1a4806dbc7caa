"""`agentmem pages import` and `agentmem pages export`: what people have elsewhere as pages, and pages back."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agentmem.cli.options import HERE, AsJson, Workspace
from agentmem.cli.output import notices, print_json, print_line

if TYPE_CHECKING:
    from agentmem.pages.importing.keeping import ImportResult

_SHOWN = 10


def import_pages(
    place: Annotated[Path, typer.Argument(metavar="SOURCE", help="A zip, a file or a folder.")],
    format: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="notion, notion-blocks, obsidian, html, documents, markdown. Default: seen."),
    ] = None,
    into: Annotated[str, typer.Option(metavar="FOLDER", help="The folder of the workspace for the pages.")] = "",
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="What the import is remembered by. By default SOURCE's name.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Also replace pages that were edited here.")] = False,
    workspace: Workspace = HERE,
    json: AsJson = False,
) -> None:
    """Import a Notion export, an Obsidian vault, HTML or documents. Run again, it changes only what has changed."""
    from agentmem.pages.importing import formats
    from agentmem.pages.workspace import Workspace as Pages

    with Pages(workspace, create=True) as opened, notices().status("Importing ..."):
        result = formats.import_pages(opened, place, format=format, into=into, name=name, overwrite=overwrite)
    if json:
        print_json({"schema": 1, **asdict(result)})
    else:
        _show(result)


def export_pages(
    place: Annotated[Path, typer.Argument(metavar="TO", help="A new folder, or a zip.")],
    format: Annotated[str, typer.Option(metavar="NAME", help="obsidian, notion or html.")] = "obsidian",
    folder: Annotated[str, typer.Option(metavar="FOLDER", help="Only the pages of this folder.")] = "",
    source: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only what this import brought, under the names it had there.")
    ] = None,
    workspace: Workspace = HERE,
    json: AsJson = False,
) -> None:
    """Export pages and attachments: as they are for Obsidian, as a zip for Notion, or as HTML."""
    from agentmem.pages.importing import exporting
    from agentmem.pages.workspace import Workspace as Pages

    with Pages(workspace) as opened, notices().status("Exporting ..."):
        result = exporting.export_pages(opened, place, format=format, folder=folder, source=source)
    if json:
        print_json({"schema": 1, "written": list(result.written), "refused": dict(result.refused)})
        return
    print_line(f"{len(result.written):,} files written to {place}.")
    _show_all("not exported", result.refused)


def _show(result: "ImportResult") -> None:
    print_line(
        f"{len(result.created):,} pages created, {len(result.updated):,} updated, {result.unchanged:,} files "
        f"unchanged, {result.attachments:,} attachments written."
    )
    _show_all("edited here, so left as they are (--overwrite replaces them)", dict.fromkeys(result.edited, ""))
    _show_all("no longer in the source, and left here", dict.fromkeys(result.gone, ""))
    _show_all("kept as fenced blocks, since markdown has no form for them", result.fenced)
    _show_all("links that lead nowhere", {page: ", ".join(links) for page, links in result.broken.items()})
    _show_all("not imported", result.refused)


def _show_all(title: str, found: Mapping[str, object]) -> None:
    if found:
        print_line(f"{title}: {len(found):,}")
    for name, why in list(found.items())[:_SHOWN]:
        print_line(f"  {name}{f': {why}' if why != '' else ''}")
    if len(found) > _SHOWN:
        print_line(f"  and {len(found) - _SHOWN:,} more: --json lists all")

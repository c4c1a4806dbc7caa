"""`agentmem pages ...`: show a workspace as the agent sees it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agentmem.cli.options import HERE, AsJson, Workspace
from agentmem.cli.output import notices, print_document, print_json, print_line

if TYPE_CHECKING:
    from agentmem.pages.markdown import Section
    from agentmem.pages.page import Page
    from agentmem.pages.workspace import Workspace as Pages

pages = typer.Typer(no_args_is_help=True, help="Look at a workspace's pages as the agent sees them.")

Address = Annotated[
    str, typer.Argument(metavar="PAGE", help="A page, or a section as in 'notes.md#Heading/Sub heading'.")
]


@pages.command()
def ls(
    folder: Annotated[str, typer.Argument(help="A folder of the workspace. By default all of it.")] = "",
    workspace: Workspace = HERE,
    json: AsJson = False,
) -> None:
    """List folders and pages with what they cost in tokens."""
    with _opened(workspace) as opened:
        if json:
            below = set(opened.names(folder))
            listed = [{"page": name, "tokens": tokens} for name, tokens in opened.tokens().items() if name in below]
            total = sum(opened.tokens()[name] for name in below)
            print_json({"schema": 1, "basis": "estimated", "pages": listed, "tokens": total})
        else:
            print_line(opened.listing(folder).rstrip("\n"))


@pages.command()
def show(
    page: Address,
    part: Annotated[int, typer.Option(min=1, help="The part to show of a long page.")] = 1,
    limit: Annotated[int, typer.Option(min=1, help="Tokens above which the outline is shown.")] = 6000,
    exact: Annotated[bool, typer.Option("--exact", help="Print the file's own text, whole.")] = False,
    workspace: Workspace = HERE,
    json: AsJson = False,
) -> None:
    """Show a page or section as the model reads it."""
    from agentmem.pages.address import split

    with _opened(workspace) as opened:
        text = opened.text(page) if exact else opened.render(page, limit=limit, part=part)
        if json:
            revision = opened.revision(split(page)[0])
            print_json({"schema": 1, "address": page, "revision": revision, "text": text})
        else:
            print_document(text, nl=not text.endswith("\n"))


@pages.command()
def outline(page: Address, workspace: Workspace = HERE, json: AsJson = False) -> None:
    """Show every heading of a page or section with its tokens."""
    from agentmem.pages.address import split

    with _opened(workspace) as opened:
        if json:
            name, path = split(page)
            found = opened.page(name)
            sections = [_section(found, one) for one in _inside(found, path)]
            print_json({"schema": 1, "basis": "estimated", "revision": found.revision, "sections": sections})
        else:
            print_line(opened.outline(page).rstrip("\n"))


@pages.command()
def find(
    words: Annotated[list[str], typer.Argument(help='What to look for; "quotes" keep words together.')],
    limit: Annotated[int, typer.Option(min=1, help="The most sections to list.")] = 10,
    workspace: Workspace = HERE,
    json: AsJson = False,
) -> None:
    """Find the sections that fit the words best."""
    with _opened(workspace) as opened:
        hits = opened.search(" ".join(words), limit=limit)
    if json:
        print_json({"schema": 1, "hits": [asdict(hit) | {"address": hit.address} for hit in hits]})
    for hit in () if json else hits:
        print_line(f"{hit.address}:{hit.line}: {hit.snippet or '(the words are in its name or its headings)'}")
    if not hits:
        notices().print("Nothing fits these words.", highlight=False)


def _inside(page: "Page", path: str | None) -> "list[Section]":
    span = page.span(path)
    return [one for one in page.sections if span.start <= one.start < span.end]


def _section(page: "Page", section: "Section") -> dict[str, Any]:
    from agentmem.pages import address
    from agentmem.tokens import count

    return {
        "address": address.join(page.name, address.of(section)),
        "title": section.title,
        "level": section.level,
        "line": section.line,
        "tokens": count(page.data[section.start : section.end].decode()),
    }


@contextmanager
def _opened(workspace: Path) -> "Iterator[Pages]":
    """Opens the workspace, and shows a status while a large one is read for the first time."""
    from agentmem.pages.workspace import Workspace as Pages

    opened = Pages(workspace)
    try:
        with notices().status("Reading pages ..."):
            opened.refresh()
        yield opened
    finally:
        opened.close()

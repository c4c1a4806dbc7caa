"""Exports pages: a vault or folder byte for byte, a zip in the form of Notion's export, or HTML."""

import csv
import io
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from html import escape
from pathlib import Path
from urllib.parse import quote, unquote

from agentmem.errors import ConfigError, WorkspaceError
from agentmem.pages.importing import notion
from agentmem.pages.importing.keeping import Kept, manifest
from agentmem.pages.importing.sources import joined, relative
from agentmem.pages.names import is_markdown
from agentmem.pages.workspace import Workspace

_CELL = re.compile(r"(?<!\\)\|")
_LINKED = re.compile(r"\[((?:\\.|[^\]\\])*)\]\(([^()\s]*(?:\([^()\s]*\)[^()\s]*)*)\)$")


@dataclass(frozen=True, slots=True)
class ExportResult:
    """The files that were written, and what could not be, with the reason."""

    written: tuple[str, ...]
    refused: Mapping[str, str]


Files = Mapping[str, bytes]
"""Files by their names here."""


def export_pages(
    workspace: Workspace, place: Path | str, *, format: str = "obsidian", folder: str = "", source: str | None = None
) -> ExportResult:
    """Write the pages and attachments of a folder, or of an import ``source``, to a new folder or zip.

        export_pages(workspace, "vault", format="obsidian", folder="notes")

    ``format``: "obsidian" copies every file as it is, "notion" makes a zip that Notion imports, with the names and ids
    of the import ``source``, "html" a page of HTML each. Raises ConfigError if ``place`` is there already.
    """
    if format not in EXPORTS:
        raise ConfigError(f"there is no format {format!r} to export to; there are {', '.join(EXPORTS)}")
    to = Path(place).expanduser()
    if to.exists() and not (to.is_dir() and not any(to.iterdir())):
        raise ConfigError(f"{to} exists already: name a new file or an empty folder")
    known = manifest(workspace, source) if source else {}
    if source and not known:
        raise ConfigError(f"nothing was imported here under the name {source!r}")
    wanted = [one.name for one in known.values()] if source else sorted(_below(workspace, folder))
    files, refused = dict[str, bytes](), dict[str, str]()
    for name in wanted:
        try:
            files[name] = workspace.file(name)
        except WorkspaceError as error:
            refused[name] = str(error)
    made = EXPORTS[format](files, known, folder)
    _write(to, made, zipped=format == "notion" or to.suffix.lower() == ".zip")
    return ExportResult(tuple(made), refused)


def _below(workspace: Workspace, folder: str) -> Iterator[str]:
    """The pages and attachments below a folder, without hidden ones and links."""
    root = workspace.root / folder
    for path in root.rglob("*"):
        name = path.relative_to(workspace.root).as_posix()
        if path.is_file() and not path.is_symlink() and not any(part.startswith(".") for part in name.split("/")):
            yield name


def _write(to: Path, files: Files, zipped: bool) -> None:
    if zipped:
        with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in files.items():
                archive.writestr(name, data)
        return
    for name, data in files.items():
        place = to / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)


def _as_they_are(files: Files, known: Mapping[str, Kept], folder: str) -> dict[str, bytes]:
    """Each file under its own name; those of an import under the name that it had in its source."""
    back = {one.name: key for key, one in known.items()}
    prefix = f"{folder}/" if folder else ""
    return {back.get(name, name).removeprefix(prefix): data for name, data in files.items()}


def _to_notion(files: Files, known: Mapping[str, Kept], folder: str) -> dict[str, bytes]:
    """Names with ids, links to them, and tables of databases as CSV: with all rows, and as the view that links name."""
    back = {one.name: key for key, one in known.items()}
    names = {name: back.get(name) or _with_id(name) for name in files}
    linked = {name: re.sub(f"{notion.ALL}$", ".csv", one) for name, one in names.items()}
    made = dict[str, bytes]()
    for name, data in files.items():
        if names[name].endswith(".csv") and is_markdown(name):
            made[names[name]] = made[linked[name]] = _csv(data.decode())
        elif is_markdown(name):
            made[names[name]] = notion.relinked(data.decode(), _back(name, linked)).encode()
        else:
            made[names[name]] = data
    return made


def _with_id(name: str) -> str:
    """A name with an id, as Notion gives one to each page; the same at every export."""
    stem, _, suffix = name.rpartition(".")
    return f"{stem} {sha256(name.encode()).hexdigest()[:32]}.{suffix}"


def _back(name: str, names: Mapping[str, str]) -> Callable[[str], str]:
    def mended(url: str) -> str:
        target, mark, anchor = url.partition("#")
        there = joined(name, unquote(target))
        if there not in names:
            return url
        return f"{quote(relative(names[name], names[there]), safe='/()!,')}{mark}{anchor}"

    return mended


def _csv(text: str) -> bytes:
    """The table of a database's page as CSV, with the byte-order mark that Notion writes."""
    table = [line for line in text.partition(notion.TABLE)[2].splitlines() if line.startswith("|")]
    rows = [[_text(cell.strip()) for cell in _CELL.split(line.strip()[1:-1])] for line in table]
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([*rows[:1], *rows[2:]])
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def _text(cell: str) -> str:
    linked = _LINKED.match(cell)
    plain = re.sub(r"\\([\[\]])", r"\1", linked[1]) if linked else cell
    return re.sub(r"\\([\\|])", r"\1", plain.replace("<br>", "\n"))


def _to_html(files: Files, known: Mapping[str, Kept], folder: str) -> dict[str, bytes]:
    """A page of HTML for each page, with links between them; attachments as they are."""
    from markdown_it import MarkdownIt

    writer = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    prefix = f"{folder}/" if folder else ""
    made = dict[str, bytes]()
    for name, data in files.items():
        here = name.removeprefix(prefix)
        if not is_markdown(name):
            made[here] = data
            continue
        text = notion.relinked(data.decode(), lambda url: re.sub(r"\.md(?=#|$)", ".html", url))
        title, body = escape(Path(name).stem), writer.render(text)
        head = f'<!doctype html>\n<html><head><meta charset="utf-8"><title>{title}</title></head>'
        page = f"{head}\n<body>\n{body}</body></html>\n"
        made[f"{here.rpartition('.')[0]}.html"] = page.encode()
    return made


EXPORTS: Mapping[str, Callable[[Files, Mapping[str, Kept], str], dict[str, bytes]]] = {
    "obsidian": _as_they_are,
    "notion": _to_notion,
    "html": _to_html,
}
"""The formats that pages are exported to."""

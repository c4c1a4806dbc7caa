"""Reads a Notion export (Markdown and CSV): a page each, databases as pages with a table, links between them mended."""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from urllib.parse import quote, unquote

from agentmem.pages.importing.sources import (
    Known,
    Names,
    Read,
    SourceFile,
    SourcePage,
    entries,
    joined,
    relative,
    safe_name,
    text_of,
)

_ID = re.compile(r"[ _]([0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?=$|\.|_all\b)")
ALL = "_all.csv"
"""How the name of a CSV with all rows ends; beside it stands one of the view that was shown."""

_LINK = re.compile(
    r"(?P<head>\]\()(?P<url><[^>\n]*>|[^()\s]*(?:\([^()\s]*\)[^()\s]*)*)(?P<tail>(?:\s+\"[^\"\n]*\")?\))"
)
_CODE = re.compile(r"^(?P<mark>`{3,}|~{3,}).*?(?:^(?P=mark)`*[ \t]*$|\Z)|`[^`\n]+`", re.MULTILINE | re.DOTALL)
_ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:|//|#|$", re.IGNORECASE)
TABLE = "<!-- database -->"
"""The line before the table of a database."""


def is_export(names: Iterable[str]) -> bool:
    """True if files have the ids that Notion's export writes into names."""
    return any(_ID.search(Path(name).stem + Path(name).suffix) for name in names)


def read(place: Path) -> Read:
    """The pages, databases and attachments of an export, which is a zip or an unpacked folder. Raises ConfigError."""
    found = dict(entries(place))
    made, names = Read(), Names()
    whole = {path.removesuffix(ALL) for path in found if path.endswith(ALL)}
    views = [path for path in found if _is_view(path, whole)]
    made.refused.update((path, f"its rows are all in {path.removesuffix('.csv')}{ALL}") for path in views)
    wanted = {path: data for path, data in found.items() if path not in views}
    known = {path: names.take(_here(path), _short_id(path)) for path in sorted(wanted, key=_order)}
    for path, data in wanted.items():
        text = text_of(data) if path.lower().endswith((".md", ".csv")) else None
        if text is None:
            made.files.append(SourceFile(path, known[path], data))
        elif path.lower().endswith(".csv"):
            made.pages.append(SourcePage(path, known[path], _database(path, text, known)))
        else:
            made.pages.append(SourcePage(path, known[path], _linked(path, text, known, made)))
    return made


def _is_view(path: str, whole: set[str]) -> bool:
    """True for the CSV of a database's current view, beside one with all rows; it has no row that the other lacks."""
    return path.endswith(".csv") and not path.endswith(ALL) and path.removesuffix(".csv") in whole


def _order(path: str) -> tuple[int, str]:
    """Pages get their plain names first, then databases, so that a page's folder and table do not take its name."""
    return (not path.lower().endswith(".md"), path)


def _here(path: str) -> str:
    """The name of a file of the export here: without ids; a database's table is a markdown page."""
    bare = "/".join(_ID.sub("", part) for part in path.split("/"))
    if path.lower().endswith(".csv"):
        bare = f"{bare.removesuffix(ALL).removesuffix('.csv')}.md"
    return safe_name(bare)


def _short_id(path: str) -> str:
    found = _ID.search(path.rpartition("/")[2])
    return found[1][:6] if found else ""


def _linked(path: str, text: str, known: Known, made: Read) -> str:
    """A page's text with its links to other files of the export as they are named here."""

    def mended(url: str) -> str:
        target, mark, anchor = url.partition("#")
        there = joined(path, unquote(target))
        there = f"{there.removesuffix('.csv')}{ALL}" if there not in known and there.endswith(".csv") else there
        if there in known:
            return f"{quote(relative(known[path], known[there]), safe='/()!,')}{mark}{anchor}"
        made.broken.setdefault(known[path], []).append(unquote(url))
        return url

    return relinked(text, mended)


def relinked(text: str, mended: Callable[[str], str]) -> str:
    """The text with each relative link as ``mended`` gives it; links in code and to the web stay."""

    def one(found: re.Match[str]) -> str:
        url = found["url"].strip("<>")
        return found[0] if _ELSEWHERE.match(url) else f"{found['head']}{mended(url)}{found['tail']}"

    return "".join(part if is_code else _LINK.sub(one, part) for part, is_code in _apart(text))


def _apart(text: str) -> Iterator[tuple[str, bool]]:
    """The text in parts, each with whether it is code."""
    at = 0
    for found in _CODE.finditer(text):
        yield text[at : found.start()], False
        yield found[0], True
        at = found.end()
    yield text[at:], False


def _database(path: str, text: str, known: Known) -> str:
    """A database as a page: its name, and a table whose rows lead to their pages."""
    rows = [row for row in csv.reader(io.StringIO(text, newline="")) if row]
    title = known[path].rpartition("/")[2].removesuffix(".md")
    if not rows:
        return f"# {title}\n\n{TABLE}\n"
    folder = path.removesuffix(".csv").removesuffix("_all")
    by_title = {_title(one): one for one in known if one.startswith(f"{folder}/") and one.endswith(".md")}
    bare = _ID.sub("", folder)
    by_title |= {_title(one): one for one in known if one.startswith(f"{bare}/") and one.endswith(".md")}
    width = max(map(len, rows))
    lines = [_row([*row, *[""] * (width - len(row))]) for row in rows]
    for at, row in enumerate(rows[1:], 1):
        if there := by_title.get(_as_title(row[0])):
            link = quote(relative(known[path], known[there]), safe="/()!,")
            lines[at] = _row([f"[{_plain(row[0])}]({link})", *map(_cell, row[1:])], raw=True)
    return "\n".join((f"# {title}", "", TABLE, "", lines[0], "|" + " --- |" * width, *lines[1:], ""))


def _title(path: str) -> str:
    return _as_title(_ID.sub("", path.rpartition("/")[2].removesuffix(".md")))


def _as_title(text: str) -> str:
    """A title as Notion writes it into a file's name: shortened, and without characters that names cannot hold."""
    return re.sub(r"[^\w]+", " ", text).strip().lower()[:40]


def _row(cells: Iterable[str], raw: bool = False) -> str:
    return f"| {' | '.join(cells if raw else map(_cell, cells))} |"


def _cell(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("\r\n", "<br>").replace("\n", "<br>")


def _plain(text: str) -> str:
    return _cell(text).replace("[", "\\[").replace("]", "\\]")

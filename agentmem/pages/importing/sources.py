"""What an importer reads: pages, attachments and losses, from a folder or an archive, within bounds."""

import json
import posixpath
import re
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

from agentmem.errors import ConfigError
from agentmem.pages.files import MAX_BYTES
from agentmem.pages.importing.markup import code
from agentmem.pages.names import folded

MOST_BYTES = 4_000_000_000
"""The most bytes that an archive may unpack to."""
MOST_FILES = 200_000
"""The most files of a source."""
KEPT_AS = "as-imported"
"""The language of a fenced block that keeps what has no form in markdown."""

_FORBIDDEN = re.compile(r'[<>:"|?*\\\x00-\x1f\x7f\u2028\u2029\ud800-\udfff]+')
_NUMBER_SIGN = str.maketrans("#", "＃")  # an address would take it for the start of a section
_LONGEST = 120  # characters of one part of a name


@dataclass(frozen=True, slots=True)
class SourcePage:
    """A page of a source: its ``key`` there (a path, an id), the name it gets here, and its markdown."""

    key: str
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class SourceFile:
    """An attachment of a source, byte for byte."""

    key: str
    name: str
    data: bytes


@dataclass(slots=True)
class Read:
    """A source as it was read. ``fenced`` counts what has no form in markdown and stands in fenced blocks, by kind;
    ``refused`` are files that could not be taken, with the reason; ``broken`` are links that lead nowhere, by page.
    """

    pages: list[SourcePage] = field(default_factory=list)
    files: list[SourceFile] = field(default_factory=list)
    fenced: Counter[str] = field(default_factory=Counter)
    refused: dict[str, str] = field(default_factory=dict)
    broken: dict[str, list[str]] = field(default_factory=dict)


def entries(place: Path) -> Iterator[tuple[str, bytes]]:
    """The files of a folder or a zip, by their paths, sorted; a zip inside a zip is opened. Raises ConfigError."""
    if place.is_dir():
        yield from _of_folder(place)
    elif place.is_file() and zipfile.is_zipfile(place):
        yield from _of_zip(place.read_bytes(), str(place))
    elif place.is_file():
        yield place.name, place.read_bytes()
    else:
        raise ConfigError(f"there is no file or folder {place} to import")


def _of_folder(place: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(place.rglob("*")):
        if path.is_file() and not path.is_symlink():
            yield path.relative_to(place).as_posix(), path.read_bytes()


def _of_zip(data: bytes, named: str, inner: bool = False) -> Iterator[tuple[str, bytes]]:
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            listed = [one for one in archive.infolist() if not one.is_dir()]
            if sum(one.file_size for one in listed) > MOST_BYTES or len(listed) > MOST_FILES:
                raise ConfigError(f"{named} unpacks to more than {MOST_BYTES:,} bytes or {MOST_FILES:,} files")
            for one in sorted(listed, key=lambda one: one.filename):
                read = archive.read(one)
                if one.filename.lower().endswith(".zip") and not inner:
                    yield from _of_zip(read, f"{named}/{one.filename}", inner=True)
                else:
                    yield one.filename, read
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, OSError) as error:
        raise ConfigError(f"{named} cannot be unpacked: {error}") from error


def text_of(data: bytes) -> str | None:
    """The text of a file, without a byte-order mark; None for one that is no UTF-8 text or too large for a page."""
    if len(data) > MAX_BYTES or b"\0" in data:
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None


def fence(kind: str, value: object, read: Read) -> str:
    """A fenced block with something that has no form in markdown, counted by kind."""
    read.fenced[kind] += 1
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=1)
    return code(text, f"{KEPT_AS} {kind}")


def safe_part(part: str) -> str:
    """One part of a page's name, in characters that every file system and every address takes."""
    plain = _FORBIDDEN.sub("-", part).translate(_NUMBER_SIGN).strip(" .-") or "untitled"
    if len(plain) > _LONGEST:
        stem, dot, suffix = plain.rpartition(".")
        end = f".{suffix}" if dot and len(suffix) <= 10 else ""
        plain = f"{(stem if end else plain)[: _LONGEST - len(end)].rstrip(' .')}{end}"
    return plain


def safe_name(path: str) -> str:
    """A page's name for a path in a source. It never leads out of the workspace, and is never hidden."""
    parts = [part for part in path.replace("\\", "/").split("/") if part not in ("", ".", "..")]
    return "/".join(map(safe_part, parts)) or "untitled"


@dataclass(slots=True)
class Names:
    """Gives names that differ, also where letter case makes no difference."""

    taken: set[str] = field(default_factory=set)

    def take(self, wanted: str, more: str = "") -> str:
        """``wanted``, or else with ``more`` or a number before its suffix."""
        stem, dot, suffix = wanted.rpartition(".")
        if not dot or "/" in suffix:
            stem, suffix = wanted, ""
        end = f".{suffix}" if suffix else ""
        number, name = 2, wanted
        while folded(name) in self.taken:
            name = f"{stem} ({more}){end}" if more and number == 2 else f"{stem} ({number}){end}"
            number += 1
        self.taken.add(folded(name))
        return name


def relative(page: str, target: str) -> str:
    """The way from a page to another file of the workspace."""
    return posixpath.relpath(target, posixpath.dirname(page) or ".")


def joined(page: str, target: str) -> str:
    """The path that a relative target means on a page; it may lead out and is then no page's."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(page), target))


Known = Mapping[str, str]
"""The names of a source's files here, by their keys."""

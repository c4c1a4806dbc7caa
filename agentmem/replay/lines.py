"""Reading big files line by line, packed or not, and saying which lines could not be read."""

import gzip
import io
import json
import lzma
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agentmem.replay.session import Skipped

_BROKEN = (EOFError, OSError, lzma.LZMAError, zlib.error)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a file that is a JSON object; ``number`` counts from 1."""

    number: int
    data: bytes
    value: dict[str, Any]


def opened(path: Path) -> io.BufferedIOBase:
    """The file's bytes, unpacked if its name ends in .xz or .gz."""
    if path.suffix == ".xz":
        return lzma.open(path, "rb")
    return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")


def lines(path: Path) -> Iterator[Line | Skipped]:
    """Every line of ``path`` as a JSON object, or why it is none. Empty lines are nothing."""
    number = 0
    try:
        with opened(path) as file:
            for number, data in enumerate(file, start=1):
                if data.strip():
                    value = parsed(data)
                    yield Skipped(str(path), number, value) if isinstance(value, str) else Line(number, data, value)
    except _BROKEN as error:
        yield Skipped(str(path), number + 1, f"the file cannot be read on from here: {error}")


def parsed(data: bytes) -> dict[str, Any] | str:
    """A line's JSON object, or in words what is wrong with it."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        return f"no JSON: {error}"
    return value if isinstance(value, dict) else f"a JSON object was expected, not {type(value).__name__}"


def document(path: Path) -> Any:
    """A whole file as one JSON value. Raises ValueError if it is none or cannot be unpacked."""
    try:
        with opened(path) as file:
            return json.load(file)
    except (*_BROKEN, RecursionError) as error:
        raise ValueError(str(error)) from error

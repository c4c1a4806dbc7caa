"""JSON beside a cache with the results of tuning, as files or objects. Each is replaced whole, so nobody sees half."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from agentmem.errors import ArchiveError, ConfigError
from agentmem.object_store import read_object, write_object
from agentmem.objects import ObjectAddress
from agentmem.pages import private

T = TypeVar("T")
RecordPlace = Path | ObjectAddress
"""Where records are: a folder, or a place in object storage."""


def read(place: RecordPlace, name: str, made: Callable[[Any], T], default: T) -> T:
    """The value that ``made`` makes from a record; ``default`` if there is none. Raises ConfigError."""
    try:
        text = _text(place, name)
        return default if text is None else made(json.loads(text))
    except (OSError, ValueError, TypeError, KeyError, ArchiveError) as error:
        raise ConfigError(
            f"{name} in {place} cannot be read: {error}. Tune the cache again, or delete the file."
        ) from error


def write(place: RecordPlace, name: str, record: object) -> None:
    """Replace a record with a new one. Raises ConfigError."""
    text = json.dumps(record, indent=1)
    try:
        if isinstance(place, ObjectAddress):
            write_object(place.below(name), text.encode())
            return
        draft = place / f"{name}.new"
        private.make_folder(place)
        private.write(draft, text)
        draft.replace(place / name)
    except (OSError, ArchiveError) as error:
        raise ConfigError(f"{name} in {place} cannot be written: {error}") from error


def _text(place: RecordPlace, name: str) -> str | None:
    if isinstance(place, ObjectAddress):
        found = read_object(place.below(name))
        return None if found is None else found.decode()
    path = place / name
    return path.read_text(encoding="utf-8") if path.exists() else None

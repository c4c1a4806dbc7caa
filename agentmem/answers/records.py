"""JSON files beside a cache with the results of tuning. Each is replaced whole, so no reader sees half of one."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from agentmem.errors import ConfigError
from agentmem.pages import private

T = TypeVar("T")


def read(path: Path, made: Callable[[Any], T], default: T) -> T:
    """The value that ``made`` makes from the file; ``default`` if there is none. Raises ConfigError."""
    if not path.exists():
        return default
    try:
        return made(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ConfigError(f"{path} cannot be read: {error}. Tune the cache again, or delete the file.") from error


def write(path: Path, record: object) -> None:
    """Replace the file with a new record. Raises ConfigError."""
    draft = path.with_name(f"{path.name}.new")
    try:
        private.make_folder(path.parent)
        private.write(draft, json.dumps(record, indent=1))
        draft.replace(path)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error}") from error

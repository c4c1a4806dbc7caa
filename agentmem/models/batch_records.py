"""What was sent in batches, in a folder of small files: so that a killed run finds its batch again."""

import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from agentmem.errors import ConfigError
from agentmem.types import Ttl


@dataclass(frozen=True, slots=True)
class BatchRecord:
    """One request: the digest of its body, when it was sent in a batch of ``size``, and the batch ("": not known).

    ``ttl`` is the lifetime of what it writes to the cache. ``done``: its reply was read.
    """

    digest: str
    at: float
    size: int
    batch: str = ""
    ttl: Ttl = "5m"
    done: bool = False


class BatchRecords:
    """The records in a folder, which is made with the first one. Each file is replaced as a whole."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, name: str) -> BatchRecord | None:
        """The record of a request, or None. Raises ConfigError for a file that is none."""
        path = self._path(name)
        try:
            given: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            return BatchRecord(**given)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError) as error:
            raise ConfigError(f"{path} is no record of a batch ({error}): remove it, and it is sent anew") from error

    def keep(self, name: str, record: BatchRecord) -> None:
        """Writes a record. Raises ConfigError if the folder cannot be written."""
        part = self._folder / f".{name}.{secrets.token_hex(4)}"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with part.open("x", encoding="utf-8") as file:
                json.dump(asdict(record), file)
                file.flush()
                os.fsync(file.fileno())
            part.replace(self._path(name))
        except OSError as error:
            raise ConfigError(f"what is sent in batches cannot be written down in {self._folder}: {error}") from error
        finally:
            part.unlink(missing_ok=True)

    def drop(self, name: str) -> None:
        """Removes a record, if it is there."""
        self._path(name).unlink(missing_ok=True)

    def forget(self, before: float) -> None:
        """Removes the records of requests that were sent before a time: their results are gone at the provider's."""
        for path in self._folder.glob("*.json"):
            found = self.find(path.stem)
            if found and found.at < before:
                path.unlink(missing_ok=True)

    def batches(self) -> frozenset[str]:
        """The batches that records name."""
        found = (self.find(path.stem) for path in self._folder.glob("*.json"))
        return frozenset(one.batch for one in found if one and one.batch)

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.json"

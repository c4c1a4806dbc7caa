"""Saved states of the engine in a folder, each with a seal: length, sha256, and the weights and engine that made it.

The engine reads a saved state without a check, and a damaged file ends its process. So a state is handed over only as a
private copy that was checked against its seal.
"""

import hashlib
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from agentmem.checking import TEXT, shown
from agentmem.errors import ConfigError, ModelRejected

SEAL = ".seal"
_CHUNK = 1 << 20
_MOST = 4096
"""The most bytes of a seal."""


@dataclass(frozen=True, slots=True)
class States:
    """The saved caches in a folder. ``maker`` identifies the engine and its weights."""

    folder: Path
    maker: str

    @contextmanager
    def saving(self, name: str) -> Iterator[str]:
        """Gives a temporary name to save under. After the block the file is sealed and has its own name, or is gone."""
        target, part = self._place(name), self.folder / f"part-{secrets.token_hex(8)}"
        seal = part.with_name(f"{part.name}{SEAL}")
        try:
            yield part.name
            part.chmod(0o600)
            size, sha256 = _measured(part)
            seal.touch(0o600)
            seal.write_text(json.dumps({"bytes": size, "sha256": sha256, "maker": self.maker}), encoding="utf-8")
            _seal_of(target).unlink(
                missing_ok=True
            )  # a file without a seal is refused, which is better than a file with an old seal
            part.replace(target)
            seal.replace(_seal_of(target))
        except OSError as error:
            raise ModelRejected(f"the cache could not be saved as {name} in {self.folder}: {error}") from error
        finally:
            part.unlink(missing_ok=True)
            seal.unlink(missing_ok=True)

    @contextmanager
    def restoring(self, name: str) -> Iterator[str]:
        """Gives the name of a checked copy of the file, which exists inside the block. Raises ModelRejected."""
        source, copy = self._place(name), self.folder / f"part-{secrets.token_hex(8)}"
        try:
            seal = _read_seal(source)
            if seal.get("maker") != self.maker:
                raise ModelRejected(f"the saved cache {name} was made with other weights or another engine: {_AGAIN}")
            found = _measured(source, copy)
            if found != (seal.get("bytes"), seal.get("sha256")):
                raise ModelRejected(f"the saved cache {name} is not as it was saved: {_AGAIN}")
            yield copy.name
        except FileNotFoundError as error:
            raise ModelRejected(f"there is no saved cache {name} in {self.folder}: {_AGAIN}") from error
        except OSError as error:
            raise ModelRejected(f"the saved cache {name} in {self.folder} cannot be read: {error}") from error
        finally:
            copy.unlink(missing_ok=True)

    def _place(self, name: str) -> Path:
        plain = TEXT.fits(name) and name == Path(name).name and name.isprintable() and not name.endswith(SEAL)
        if not plain or not name or name.startswith((".", " ", "part-")) or len(name.encode("utf-8", "replace")) > 200:
            raise ConfigError(f"{shown(name)} cannot name a saved cache: give a plain file name, such as team.bin")
        return self.folder / name


_AGAIN = "send the prompt again instead, and save it anew"


def states_in(folder: Path, weights: Path) -> States:
    """The saved caches in a folder; a missing folder is made."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"the folder for saved caches cannot be made: {error}") from error
    return States(folder, f"{_known(weights)} {_engine()}")


def _known(weights: Path) -> str:
    """A digest that identifies weights without reading all of a large file: their size and both ends."""
    digest, size = hashlib.sha256(), weights.stat().st_size
    with weights.open("rb") as file:
        digest.update(file.read(_CHUNK))
        file.seek(max(0, size - _CHUNK))
        digest.update(file.read(_CHUNK))
    return f"{size}-{digest.hexdigest()[:32]}"


def _engine() -> str:
    try:
        return version("xllamacpp")
    except PackageNotFoundError:
        return "unknown"


def _seal_of(path: Path) -> Path:
    return path.with_name(f"{path.name}{SEAL}")


def _read_seal(path: Path) -> dict[str, object]:
    if not path.exists():
        raise FileNotFoundError(path)
    try:
        with _seal_of(path).open("rb") as file:
            seal = json.loads(file.read(_MOST))
    except (FileNotFoundError, ValueError) as error:
        raise ModelRejected(f"the saved cache {path.name} has no seal that can be read: {_AGAIN}") from error
    if not isinstance(seal, dict):
        raise ModelRejected(f"the saved cache {path.name} has no seal that can be read: {_AGAIN}")
    return seal


def _measured(path: Path, copy: Path | None = None) -> tuple[int, str]:
    """The length and the sha256 of a file; ``copy`` is the path for a copy, made on the way."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as source, (copy or Path(os.devnull)).open("wb") as sink:
        if copy:
            copy.chmod(0o600)
        while chunk := source.read(_CHUNK):
            digest.update(chunk)
            size += sink.write(chunk)
    return size, digest.hexdigest()

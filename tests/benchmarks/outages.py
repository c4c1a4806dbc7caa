"""What goes wrong around a fleet: a small disk, and a link between two network namespaces. Both need root."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NETWORK = "10.77.26"
"""Of the link: the database's end is .1, the worker's .2. It is seen in the two namespaces alone."""
NAMES = ("agentmem-db", "agentmem-work")


class OutageUnavailable(Exception):
    """This machine, or this user, cannot have such an outage; the text says why."""


@contextmanager
def small_disk(megabytes: int) -> Iterator[Path]:
    """A file system of its own in memory. Raises OutageUnavailable."""
    folder = Path(tempfile.mkdtemp(prefix="agentmem-disk-"))
    try:
        _run("mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0755", "agentmem", str(folder))
    except OutageUnavailable:
        folder.rmdir()
        raise
    try:
        yield folder
    finally:
        _run("umount", "-l", str(folder))
        folder.rmdir()


def fill(folder: Path) -> Path:
    """Leave no byte free on a file system; returns the file that holds all of them."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as out:
        for size in (1 << 20, 1 << 12):
            try:
                while True:
                    out.write(bytes(size))
            except OSError:
                continue
    return filler


class Link:
    """A pair of network namespaces with one cable between them."""

    def down(self) -> None:
        """Pull the cable: nothing is passed on, and nobody is told."""
        _run("ip", "-n", NAMES[0], "link", "set", "cable", "down")

    def up(self) -> None:
        """Put it back."""
        _run("ip", "-n", NAMES[0], "link", "set", "cable", "up")

    def worker(self, *command: str) -> list[str]:
        """A command that runs at the worker's end."""
        return ["ip", "netns", "exec", NAMES[1], *command]

    def database(self, *command: str) -> list[str]:
        """A command that runs at the database's end."""
        return ["ip", "netns", "exec", NAMES[0], *command]


@contextmanager
def link() -> Iterator[Link]:
    """The two namespaces, which are gone at the end. Raises OutageUnavailable."""
    made = list[str]()
    try:
        for name in NAMES:
            _run("ip", "netns", "add", name)
            made.append(name)
        ends = ["cable", "netns", NAMES[0], "type", "veth", "peer", "name", "cable", "netns", NAMES[1]]
        _run("ip", "link", "add", *ends)
        for number, name in enumerate(NAMES, 1):
            _run("ip", "-n", name, "addr", "add", f"{NETWORK}.{number}/24", "dev", "cable")
            _run("ip", "-n", name, "link", "set", "cable", "up")
            _run("ip", "-n", name, "link", "set", "lo", "up")
        yield Link()
    finally:
        for name in made:
            subprocess.run(["ip", "netns", "del", name], check=False)


def _run(*command: str) -> None:
    if os.geteuid() != 0:
        raise OutageUnavailable(f"only root may run {command[0]}")
    if shutil.which(command[0]) is None:
        raise OutageUnavailable(f"there is no {command[0]} here")
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise OutageUnavailable(f"{' '.join(command)}: {ran.stderr.strip()}")


def module(name: str, *arguments: str) -> tuple[str, ...]:
    """The command that runs a module of the benchmarks."""
    return sys.executable, "-m", f"tests.benchmarks.{name}", *arguments

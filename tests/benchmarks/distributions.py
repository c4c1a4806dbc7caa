"""Source distributions of real packages, which carry their own tests: fetched by name and version, and unpacked.

A folder that holds some is used as it is. Else pip downloads those of a table into build/, once, and they are unpacked
there; where the registry cannot be reached the benchmark is skipped, and says why.
"""

import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.data import skip
from tests.benchmarks.heading import ROOT

SHARES = ("h11==0.16.0", "parse==1.22.4", "semver==3.1.2", "toolz==1.2.0", "webcolors==25.10.0")
"""Whose own tests are run apart from their code."""

PAIRS = (
    *("addict==2.4.0", "furl==2.1.4", "h11==0.16.0", "humanize==4.17.0", "hyperlink==21.0.0", "inflect==7.6.0"),
    *("iniconfig==2.3.1", "itsdangerous==2.2.0", "jsonpointer==3.12", "more-itertools==11.2.1", "natsort==8.4.0"),
    *("parse==1.22.4", "python-slugify==9.2.0", "schema==0.7.8", "semver==3.1.2", "tabulate==0.10.0"),
    *("tinydb==4.9.0", "tomlkit==0.15.2", "toolz==1.2.0", "uritemplate==4.2.0", "webcolors==25.10.0"),
)
"""Of which faults are taken back. The rule: pure Python, a distribution that carries its tests, tests that run with
nothing but what these benchmarks have installed, and in less than half a minute. What became of their pairs had no say.
"""

FOLDER = ROOT / "build" / "distributions"
_SECONDS = 180.0  # for one download, with what pip builds to learn its name and version


def distributions(given: Path | None, table: Sequence[str], folder: Path = FOLDER) -> list[Path]:
    """The unpacked distributions in the folder that was given, else those of the table. Ends the benchmark without."""
    if given is not None and (found := unpacked(given)):
        return found
    return [fetched(one, folder) for one in table]


def unpacked(folder: Path) -> list[Path]:
    """The unpacked source distributions in a folder."""
    return sorted({one.parent.resolve() for kind in ("pyproject.toml", "setup.py") for one in folder.glob(f"*/{kind}")})


def fetched(requirement: str, folder: Path) -> Path:
    """The unpacked distribution of ``name==version`` below ``folder``, downloaded where it is not there yet."""
    place = folder / requirement.replace("==", "-").replace("-", "_")
    if not (found := unpacked(place)):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as new:
            unpack(_downloaded(requirement, Path(new)), Path(new) / "unpacked")
            (Path(new) / "unpacked").rename(place)
        found = unpacked(place)
    if len(found) != 1:
        skip(f"the distribution of {requirement} is no folder with a pyproject.toml or a setup.py")
    return found[0]


def _downloaded(requirement: str, folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--no-binary", ":all:", "--no-deps", "--quiet"]
    command += ["--disable-pip-version-check", "--dest", str(folder), requirement]
    try:
        ran = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        skip(f"{requirement} was not downloaded within {_SECONDS:.0f} seconds")
    files = list(folder.glob("*.tar.gz"))
    if ran.returncode or len(files) != 1:
        said = (ran.stderr.strip() or ran.stdout.strip() or "no source distribution").splitlines()[-1]
        skip(f"{requirement} could not be downloaded: {said}")
    return files[0]


def unpack(archive: Path, folder: Path) -> None:
    """Unpack an archive into a new folder: files and folders inside it only, and no link that leads out of it."""
    folder.mkdir()
    with tarfile.open(archive) as opened:
        opened.extractall(folder, filter="data")

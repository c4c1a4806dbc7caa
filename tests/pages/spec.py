"""The examples of the CommonMark specification, from the npm package that carries them; fetched, never committed."""

import json
import re
import shutil
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

import platformdirs

PACKAGE, VERSION = "commonmark-spec", "0.31.2"
EXAMPLES = 652

_FENCE = "`" * 32
_EXAMPLE = re.compile(rf"^{_FENCE} example\n(.*?)^\.\n(.*?)^{_FENCE}$", re.MULTILINE | re.DOTALL)
_FETCH_SECONDS = 120


class SpecUnavailable(Exception):
    """The specification could not be fetched. The text says why."""


@dataclass(frozen=True, slots=True)
class Example:
    """One example: the markdown, and the HTML that the specification requires."""

    markdown: str
    html: str


def examples() -> list[Example]:
    """All examples of the specification. Raises SpecUnavailable without npm or a registry."""
    text = specification().read_text(encoding="utf-8")
    found = [Example(*(part.replace("→", "\t") for part in match.groups())) for match in _EXAMPLE.finditer(text)]
    assert len(found) == EXAMPLES
    return found


def specification() -> Path:
    """The file spec.txt, fetched into the user's cache the first time."""
    folder = platformdirs.user_cache_path("agentmem") / f"{PACKAGE}-{VERSION}"
    if not (folder / "spec.txt").is_file():
        npm = shutil.which("npm")
        if npm is None:
            raise SpecUnavailable("npm is not installed, and the CommonMark examples come in an npm package")
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            _fetched(npm, Path(scratch)).replace(folder / "spec.txt")
    return folder / "spec.txt"


def top_headings(html: str) -> list[int]:
    """The levels of the headings in ``html`` that are not in a list or quote."""
    reader = _Headings()
    reader.feed(html)
    return reader.levels


def _fetched(npm: str, scratch: Path) -> Path:
    command = [npm, "pack", "--json", "--pack-destination", str(scratch), f"{PACKAGE}@{VERSION}"]
    try:
        done = subprocess.run(command, cwd=scratch, capture_output=True, text=True, timeout=_FETCH_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SpecUnavailable(f"npm could not fetch {PACKAGE}: {error}") from None
    if done.returncode:
        raise SpecUnavailable(f"npm could not fetch {PACKAGE}: {done.stderr.strip()[-300:]}")
    archive = scratch / _name(done.stdout)
    with tarfile.open(archive) as packed:
        packed.extract("package/spec.txt", scratch, filter="data")
    return scratch / "package" / "spec.txt"


def _name(output: str) -> str:
    """The archive's name in the output of ``npm pack --json``: a list, or since npm 12 an object by package."""
    value = json.loads(output)
    entries = list(value.values()) if isinstance(value, dict) else value
    return str(entries[0]["filename"])


class _Headings(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.levels: list[int] = []
        self._depth = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if re.fullmatch(r"h[1-6]", tag) and not self._depth:
            self.levels.append(int(tag[1]))
        self._depth += tag in ("li", "blockquote")

    def handle_endtag(self, tag: str) -> None:
        self._depth -= tag in ("li", "blockquote")

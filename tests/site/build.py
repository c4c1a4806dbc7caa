"""Makes the site: written pages, generated ones and linked sources in one folder, then zensical, then the checks.

    python -m tests.site [FOLDER]     # build/site by default; `make docs` installs what it needs

Nothing is fetched, neither while it is built nor by the pages.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.site.blocks import unmarked
from tests.site.checks import problems
from tests.site.command_line import command_line
from tests.site.order import COPIED, DOCS, LAST, ROOT, parts
from tests.site.python_reference import python_reference

_LINK = re.compile(r"(!?\[[^\]]*\]\()(?!https?:|mailto:|#|<)([^)\s#]+)(#[^)\s]*)?\)")
_FENCED = re.compile(r"(^```.*?^```$|`[^`\n]*`)", re.MULTILINE | re.DOTALL)
_LANGUAGES = {".py": "python", ".md": "markdown", ".toml": "toml", ".json": "json", ".txt": "text", ".yml": "yaml"}


class Site:
    """The folder that zensical reads: pages, and the sources that they link to as pages of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sources: set[str] = set()

    def page(self, name: str, text: str, at: Path) -> None:
        """Write the page ``name``; its links are seen from ``at``, the folder where the text stands."""
        pieces = _FENCED.split(unmarked(text))
        linked = [piece if odd % 2 else self._linked(piece, name, at) for odd, piece in enumerate(pieces)]
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(linked), encoding="utf-8")

    def _linked(self, text: str, name: str, at: Path) -> str:
        def rewritten(found: re.Match[str]) -> str:
            target = self._target(found[2].replace("\\_", "_"), at)
            return f"{found[1]}{os.path.relpath(target, Path(name).parent)}{found[3] or ''})"

        return _LINK.sub(rewritten, text)

    def _target(self, link: str, at: Path) -> str:
        """Where a link leads on the site, as a path below its root."""
        path = Path(os.path.normpath(at / link))
        inside = path.relative_to(ROOT).as_posix()
        if inside == "README.md":
            return "index.md"
        if inside in COPIED:
            return COPIED[inside]
        if path.is_relative_to(DOCS):
            return path.relative_to(DOCS).as_posix()
        if path.is_dir() and (path / "README.md").is_file() and f"{inside}/README.md" in COPIED:
            return COPIED[f"{inside}/README.md"]
        self.sources.add(inside)
        return f"source/{inside}.md"

    def write_sources(self) -> None:
        """A page for each source that is linked: its text, or the names in a folder."""
        for inside in sorted(self.sources):
            path, place = ROOT / inside, self.folder / "source" / f"{inside}.md"
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(f"# {inside}\n\n{_shown(path)}", encoding="utf-8")


def _shown(path: Path) -> str:
    if path.is_dir():
        names = sorted(one.name for one in path.iterdir() if not one.name.startswith((".", "__")))
        return "".join(f"- `{name}`\n" for name in names)
    return f"`````{_LANGUAGES.get(path.suffix, 'text')}\n{path.read_text(encoding='utf-8').rstrip()}\n`````\n"


def assembled(folder: Path) -> list[tuple[str, list[str]]]:
    """All pages in ``folder``; the navigation, part by part."""
    site, navigation = Site(folder), [(part, list(pages)) for part, pages in parts()]
    for _, pages in navigation:
        for name in pages:
            site.page(name, (DOCS / name).read_text(encoding="utf-8"), (DOCS / name).parent)
    for source, name in COPIED.items():
        site.page(name, (ROOT / source).read_text(encoding="utf-8"), (ROOT / source).parent)
    made = {"command-line.md": command_line(), **python_reference()}
    for name, text in made.items():
        site.page(name, text, DOCS)
    for kind in ("png", "svg"):
        for picture in DOCS.rglob(f"*.{kind}"):
            place = folder / picture.relative_to(DOCS)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(picture, place)
    shutil.copyfile(Path(__file__).with_name("site.css"), folder / "site.css")
    site.write_sources()
    for part, pages in navigation:
        if part == LAST:
            pages.extend([*made, *COPIED.values()])
    return navigation


def settings(navigation: list[tuple[str, list[str]]]) -> str:
    """The settings of zensical, as TOML: no fonts, no addresses from outside."""
    nav = ", ".join(f"{{ {json.dumps(part)} = {json.dumps(pages)} }}" for part, pages in navigation)
    template = Path(__file__).with_name("zensical.toml").read_text(encoding="utf-8")
    return template.replace("nav = []", f"nav = [{nav}]").replace("PACKAGE", str(ROOT))


def build(place: Path) -> Mapping[str, list[str]]:
    """Build the site in ``place``/site: what is wrong with it, by page. Raises where zensical fails."""
    shutil.rmtree(place, ignore_errors=True)
    navigation = assembled(place / "docs")
    (place / "zensical.toml").write_text(settings(navigation), encoding="utf-8")
    command = [str(Path(sys.executable).with_name("zensical")), "build", "--strict"]
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"zensical: {done.stdout}{done.stderr}")
    return problems(place / "site")


def main() -> int:
    place = Path(sys.argv[1] if len(sys.argv) > 1 else "build/site").resolve()
    found = build(place)
    for page, wrong in found.items():
        for one in wrong:
            print(f"{page}: {one}")
    pages = sum(1 for _ in (place / "site").rglob("*.html"))
    print(f"{place / 'site'}: {pages} pages, {sum(map(len, found.values()))} problems")
    return int(bool(found))

"""What must hold of the built site: every link leads somewhere, and nothing is fetched from elsewhere."""

from collections.abc import Mapping
from functools import cache
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote, urlsplit

FETCHING = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "srcset", "video": "src"}
"""Elements that fetch something, with the attribute that says what."""
_STILL = ("canonical", "next", "prev", "alternate")


class _Links(HTMLParser):
    """The ids of a page, where it leads, what it fetches, and its headings."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.headings: list[int] = []
        self.bare_pictures = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = dict(attrs)
        self.ids |= {one for key in ("id", "name") if (one := has.get(key))}
        if tag == "a" and (href := has.get("href")):
            self.links.append(href)
        fetched = has.get(FETCHING.get(tag, ""))
        if fetched and not (tag == "link" and has.get("rel") in _STILL):
            self.fetched.append(fetched)
        if len(tag) == 2 and tag[0] == "h" and tag[1].isdigit():
            self.headings.append(int(tag[1]))
        self.bare_pictures += tag == "img" and has.get("alt") is None


@cache
def _read(path: Path) -> _Links:
    found = _Links()
    found.feed(path.read_text(encoding="utf-8"))
    return found


def problems(site: Path) -> Mapping[str, list[str]]:
    """What is wrong, by page; nothing for a page that is right."""
    _read.cache_clear()
    every = {path.relative_to(site).as_posix(): _wrong(path) for path in sorted(site.rglob("*.html"))}
    return {page: wrong for page, wrong in every.items() if wrong}


def _wrong(path: Path) -> list[str]:
    if path.name == "404.html":
        return []
    page = _read(path)
    wrong = [f"broken link {link}" for link in page.links if not _leads(path, link)]
    wrong += [f"fetches {one}" for one in page.fetched if urlsplit(one).netloc]
    wrong += [f"fetches {one}, which is not there" for one in page.fetched if not _leads(path, one.split()[0])]
    wrong += [f"{page.headings.count(1)} first headings"] if page.headings.count(1) != 1 else []
    skipped = any(after - before > 1 for before, after in pairwise(page.headings))
    wrong += ["a heading skips a level"] if skipped else []
    wrong += ["a picture without a text"] if page.bare_pictures else []
    return wrong


def _leads(page: Path, link: str) -> bool:
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return True
    target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
    target = target / "index.html" if target.is_dir() else target
    if not target.is_file():
        return False
    return not parts.fragment or target.suffix != ".html" or unquote(parts.fragment) in _read(target).ids

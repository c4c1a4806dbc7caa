"""Links between pages: where they stand, what they lead to, and which are broken."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from posixpath import dirname, join, normpath
from urllib.parse import unquote

from agentmem.errors import WorkspaceError
from agentmem.pages import address
from agentmem.pages.endings import NEWLINE
from agentmem.pages.forms import form
from agentmem.pages.index import kept_under
from agentmem.pages.markdown import LARGE, Section
from agentmem.pages.names import MARKDOWN, MDX, canonical, dialect, is_markdown
from agentmem.pages.page import Page
from agentmem.pages.spelling import by_form, spelled
from agentmem.pages.store import PageStore
from agentmem.pages.targets import Target, targets

_EXTERNAL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:|//")
_LONGEST_LINE = 2_000  # characters of a line of a large page that is looked at
_SUFFIX = re.compile("(?:" + "|".join(map(re.escape, (*MARKDOWN, MDX))) + ")$", re.IGNORECASE)
_TRIES = ("{}", "{}.md", "{}/index.md", "{}/README.md", "{}.markdown", "{}.mdx", "{}/index.mdx", "{}.qmd")
"""What a link's path may leave out, in the order in which it is tried."""

_Anchors = tuple[dict[str, Section], dict[str, Section]]


@dataclass(frozen=True, slots=True)
class Reference:
    """A link as it is written: its line, its text, its target, and whether it is ``[[Page]]``."""

    line: int
    text: str
    target: str
    wiki: bool


@dataclass(frozen=True, slots=True)
class Link:
    """A link and what it leads to.

    ``to`` is the page or file it leads to, a folder's name with a slash at its end, or None; ``section`` the path of
    the section there. ``broken``: there is no such page, or no such section in it.
    """

    page: str
    line: int
    text: str
    target: str
    to: str | None
    section: str | None
    broken: bool


class Resolver:
    """Finds what links lead to. ``exists`` says whether a path that is no page is a file, a folder or nothing."""

    def __init__(
        self,
        names: Mapping[str, object],
        sections: Callable[[str], Sequence[Section]],
        exists: Callable[[str], str | None],
    ) -> None:
        self._names, self._sections, self._exists = names, sections, exists
        self._anchors: dict[str, _Anchors] = {}
        self._titles: dict[str, str] = {}
        self._beside: dict[tuple[str, str], str] = {}
        self._forms = {form(name): name for name in names if not name.isascii()}
        for name in sorted(names, key=lambda name: (name.count("/"), name)):
            self._titles.setdefault(_stem(name), name)
            self._beside.setdefault((_stem(name), dirname(name)), name)

    def resolve(self, page: str, reference: Reference) -> Link:
        """The link that a reference on ``page`` is."""
        anchor = reference.target.partition("#")[2]
        to = self.destination(page, reference)
        section = self._anchor(to, unquote(anchor), reference.wiki) if to and anchor else None
        broken = to is None or bool(anchor and section is None and is_markdown(to))
        return Link(page, reference.line, reference.text, reference.target, to, section, broken)

    def destination(self, page: str, reference: Reference) -> str | None:
        """The page, file or folder that a reference on ``page`` leads to."""
        path = reference.target.partition("#")[0].strip()
        if not path:
            return page
        if reference.wiki:
            return self._relative("", path) or self._relative(dirname(page), path) or self._called(page, path)
        return self._relative(dirname(page), unquote(path.partition("?")[0]))

    def _relative(self, folder: str, path: str) -> str | None:
        full = normpath(path.lstrip("/") if path.startswith("/") else join(folder, path))
        if full == ".." or full.startswith("../"):
            return None
        full = "" if full == "." else full
        names = [pattern.format(full).lstrip("/") for pattern in _TRIES]
        return next(filter(None, map(self._page, names)), None) or self._exists(full)

    def _page(self, name: str) -> str | None:
        return name if name in self._names else self._forms.get(form(name))

    def _called(self, page: str, title: str) -> str | None:
        """The page of this file name, wherever it is: in the same folder if one is there, else nearest the top."""
        stem = _stem(title)
        return self._beside.get((stem, dirname(page))) or self._titles.get(stem)

    def _anchor(self, to: str, anchor: str, wiki: bool) -> str | None:
        if to not in self._anchors:
            self._anchors[to] = _anchors(self._sections(to) if is_markdown(to) else ())
        slugs, titles = self._anchors[to]
        found = slugs.get(anchor) or titles.get(address.squash(anchor))
        return address.of(found) if found else None


def references(page: Page) -> tuple[Reference, ...]:
    """The links of a markdown page that stay in the workspace, in order."""
    return tuple(reference(one) for one in _targets(page) if leads_inside(one))


def reference(target: Target) -> Reference:
    """A link without the place where it is written."""
    return Reference(target.line, target.text, target.target, target.kind == "wiki")


def leads_inside(target: Target) -> bool:
    """Whether a link's target is in the workspace, not on the web."""
    return bool(target.target) and not _EXTERNAL.match(target.target)


def _targets(page: Page) -> Iterator[Target]:
    """Where links stand; of a page that is too large to parse, those in its short lines."""
    if len(page.data) <= LARGE:
        yield from targets(page.data, dialect(page.name))[0]
        return
    for before, text in enumerate(NEWLINE.split(page.data.decode("utf-8-sig"))):
        if len(text) <= _LONGEST_LINE and ("](" in text or "[[" in text):
            found, _ = targets(text.strip().encode(), dialect(page.name))
            yield from (one._replace(line=one.line + before) for one in found)


def dump(found: Sequence[Reference]) -> str:
    """As JSON text."""
    return json.dumps([[one.line, one.text, one.target, one.wiki] for one in found], separators=(",", ":"))


def load(text: str) -> tuple[Reference, ...]:
    """What `dump` wrote."""
    return tuple(Reference(*one) for one in json.loads(text))


def _anchors(sections: Sequence[Section]) -> _Anchors:
    """The sections of a page by GitHub's anchors, and by the letters of their titles, the first of each."""
    titles: dict[str, Section] = {}
    for section in sections:
        titles.setdefault(address.squash(section.title), section)
    titles.pop("", None)
    return _slugs(sections), titles


def _slugs(sections: Sequence[Section]) -> dict[str, Section]:
    """GitHub's anchors: lower case, punctuation dropped, spaces as hyphens, -1, -2 ... on repeated ones."""
    slugs: dict[str, Section] = {}
    counts: dict[str, int] = {}
    for section in sections:
        slug = address.slug(section.title)
        times = counts[slug] = counts.get(slug, -1) + 1
        slugs.setdefault(f"{slug}-{times}" if times else slug, section)
    return slugs


def _stem(name: str) -> str:
    last = name.rpartition("/")[2]
    return address.squash(_SUFFIX.sub("", last))


_FACT = "links"


def links(store: PageStore, name: str) -> tuple[Link, ...]:
    """The links on a page that stay in the workspace."""
    now = resolver(store)
    return tuple(now.resolve(name, one) for one in referred(store, [name]).get(name, ()))


def backlinks(store: PageStore, name: str) -> tuple[Link, ...]:
    """The links on other pages that lead to a page."""
    now = resolver(store)
    others = [page for page in sorted(store.index.revisions) if page != name]
    return tuple(
        now.resolve(page, one)
        for page, found in referred(store, others).items()
        for one in found
        if now.destination(page, one) == name
    )


def resolver(store: PageStore, moved: str | None = None, to: str | None = None) -> Resolver:
    """What links lead to; where a page is about to be ``moved``, what they will lead to then."""
    names = {to if name == moved and to else name: name for name in store.index.revisions}

    def sections(name: str) -> tuple[Section, ...]:
        digest = store.index.digest_of(names[name]) if name in names else None
        return digest.tree.sections if digest else ()

    inside = cache(lambda folder: by_form(store.files, folder))

    @cache
    def exists(path: str) -> str | None:
        """A file that is no page, or a folder (with a slash): links may lead there too."""
        try:
            named = spelled(store.files, canonical(path), existing=False, inside=inside)
            found = store.files.locate(named)
            real = store.files.root / found
        except WorkspaceError:
            return None
        if found == moved:
            return None
        return f"{named or '.'}/" if real.is_dir() else named if real.exists() else None

    return Resolver(names, sections, exists)


def referred(store: PageStore, names: Iterable[str]) -> dict[str, tuple[Reference, ...]]:
    """What each of these markdown pages refers to."""
    known = {name: store.index.revisions[name] for name in names if name in store.index.revisions}
    keys = {name: kept_under(name, revision) for name, revision in known.items() if is_markdown(name)}
    found = {key: load(text) for key, text in store.index.cache.facts(_FACT, set(keys.values())).items()}
    fresh = {}
    for name, key in keys.items():
        page = None if key in found else store.read_if_there(name)
        if page:
            now = kept_under(name, page.revision)
            fresh[now] = found[key] = found[now] = references(page)
    if fresh:
        store.index.cache.keep_facts(_FACT, {key: dump(one) for key, one in fresh.items()})
    return {name: found[key] for name, key in keys.items() if key in found}

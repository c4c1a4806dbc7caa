"""What a page's new name means for links: those that would lead elsewhere or nowhere are mended, byte for byte."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from posixpath import basename, dirname, relpath
from urllib.parse import quote

from agentmem.pages import links
from agentmem.pages.links import Link, Reference, Resolver, leads_inside, reference, references
from agentmem.pages.names import dialect
from agentmem.pages.page import Page, make
from agentmem.pages.store import PageStore
from agentmem.pages.targets import WIKI, Kind, Target, targets

_SUFFIX = re.compile(r"\.[^./]+$")
_INDEX = ("index", "README")
_SAFE = "/!$*,;:@~+=-._"
_OTHERWISE = re.compile(r"%[89A-Fa-f][0-9A-Fa-f]")  # a letter that is no ASCII, percent-encoded
_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:")


@dataclass(frozen=True, slots=True)
class Mend:
    """A link that was mended: where (its page's name now, its line), what it named before, and what it names now."""

    page: str
    line: int
    before: str
    now: str


@dataclass(frozen=True)  # no slots: a page has none
class Moved(Page):
    """A page under its new name, and what became of links.

    ``mended`` are the links that were rewritten, ``revisions`` the new revisions of the pages on which they stand,
    ``left`` the links (as they were) that would need it and could not be.
    """

    mended: tuple[Mend, ...] = ()
    left: tuple[Link, ...] = ()
    revisions: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MovePlan:
    """The new bytes of each page that changes, by its name before the move; the links that are mended, or left."""

    pages: dict[str, tuple[Page, bytes]]
    mended: tuple[Mend, ...]
    left: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class _Move:
    """Links before and after: ``old`` will be ``new``."""

    old: str
    new: str
    before: Resolver
    after: Resolver

    def named(self, name: str) -> str:
        """What a page is called after the move."""
        return self.new if name == self.old else name

    def wanted(self, page: str, one: Reference) -> str | None:
        """What a link on ``page`` must lead to after the move."""
        to = self.before.destination(page, one)
        return self.named(to) if to else None

    def leads(self, page: str, one: Reference) -> bool:
        """Whether the link, as it is, leads to the same page after the move; one that is broken may stay so."""
        wanted = self.wanted(page, one)
        return wanted is None or self.after.destination(self.named(page), one) == wanted


def plan(store: PageStore, page: Page, new: str) -> MovePlan:
    """What is to be mended when ``page`` is moved. The index is up to date."""
    move = _Move(page.name, new, links.resolver(store), links.resolver(store, page.name, new))
    pages, mended, left = dict[str, tuple[Page, bytes]](), list[Mend](), list[Link]()
    for name, found in links.referred(store, sorted(store.index.revisions.keys() | {page.name})).items():
        if all(move.leads(name, one) for one in found):
            continue
        current = page if name == page.name else store.read_if_there(name)
        if current is None:
            continue
        data, here = _mended(move, current)
        mends = here if _holds(move, current, data) else []
        if mends:
            pages[name] = current, data
            mended += mends
        kept = current if not mends else make(name, data)
        left += _left(move, current, kept)
    return MovePlan(pages, tuple(mended), tuple(left))


def _mended(move: _Move, page: Page) -> tuple[bytes, list[Mend]]:
    found, defined = targets(page.data, dialect(page.name))
    data, done, parts, mends = page.data, 0, list[bytes](), list[Mend]()
    for one in sorted((*found, *defined), key=lambda one: one.start or 0):
        if one.start is None or one.end is None or one.start < done:
            continue
        if not leads_inside(one) or move.leads(page.name, reference(one)):
            continue
        written = data[one.start : one.end].decode()
        put = next(_candidates(move, page.name, one, written), None)
        if put is not None:
            parts += data[done : one.start], put.encode()
            done = one.end
            mends.append(Mend(move.named(page.name), one.line, written, put))
    return b"".join((*parts, data[done:])), mends


def _candidates(move: _Move, name: str, one: Target, written: str) -> Iterator[str]:
    """The target written anew, in the manner of the old one where that leads where it must."""
    wanted = move.wanted(name, reference(one))
    here, path = move.named(name), one.target.partition("#")[0].partition("?")[0].strip()
    behind = re.search(r"#" if one.kind == "wiki" else r"[#?]", written)
    rest = written[behind.start() :] if behind else ""
    lead = written[: len(written) - len(written.lstrip())]
    paths = _wiki_paths(path, wanted or "") if one.kind == "wiki" else _paths(path, wanted or "", here)
    for candidate in paths:
        put = lead + _WRITTEN[one.kind](candidate, written) + rest
        if move.after.destination(here, Reference(1, "", put, one.kind == "wiki")) == wanted:
            yield put


def _wiki_paths(path: str, wanted: str) -> list[str]:
    bare = _SUFFIX.sub("", wanted)
    short = [bare, wanted] if _SUFFIX.sub("", path) == path else [wanted, bare]
    named = [basename(one) for one in short]
    paths = [*short, *named] if "/" in path else [*named, *short]
    return [one for one in paths if WIKI.fullmatch(f"[[{one}]]") and "#" not in one]


def _paths(path: str, wanted: str, here: str) -> list[str]:
    """Relative to the page or to the top, as the old path was; without the suffix or index that it left out."""
    folder = wanted.endswith("/")
    base = f"/{wanted}" if path.startswith("/") else relpath(wanted or ".", dirname(here) or ".") + "/" * folder
    if (path.startswith("./") and not base.startswith("../")) or _SCHEME.match(base):
        base = f"./{base}"
    if folder:
        return [base if path.endswith("/") else base.rstrip("/"), base]
    if path.lower().endswith("".join(_SUFFIX.findall(wanted)).lower()) and _SUFFIX.search(wanted):
        return [base]
    if basename(_SUFFIX.sub("", base)) in _INDEX and basename(path) not in _INDEX:
        over = dirname(base) or "."
        return [f"{over}/" if path.endswith("/") else over, base]
    return [_SUFFIX.sub("", base), base]


def _quoted(path: str, written: str, safe: str = "") -> str:
    """A path as a URL: letters that are no ASCII stay as they are, unless the old target had them encoded."""
    if _OTHERWISE.search(written):
        return quote(path, safe=_SAFE + safe)
    return "".join(char if ord(char) > 0x7F and not char.isspace() else quote(char, safe=_SAFE + safe) for char in path)


_WRITTEN: dict[Kind, Callable[[str, str], str]] = {
    "wiki": lambda path, written: path,
    "plain": _quoted,
    "html": _quoted,
    "angled": lambda path, written: _quoted(path, written, safe="()'" if "%20" in written else " ()'"),
}
"""How a path is written as each kind of target."""


def _holds(move: _Move, page: Page, data: bytes) -> bool:
    """Whether the page has the same links as before, and those that were mended lead where they must."""
    old, new = references(page), references(make(page.name, data))
    return len(old) == len(new) and all(
        (was.line, was.wiki, _rest(was)) == (one.line, one.wiki, _rest(one))
        and (was.wiki or was.text == one.text)
        and (
            was.target == one.target
            or move.after.destination(move.named(page.name), one) == move.wanted(page.name, was)
        )
        for was, one in zip(old, new, strict=True)
    )


def _rest(one: Reference) -> str:
    return one.target.partition("#")[2]


def _left(move: _Move, page: Page, kept: Page) -> list[Link]:
    """The links of a page that would need mending still."""
    pairs: Sequence[tuple[Reference, Reference]] = list(zip(references(page), references(kept), strict=True))
    return [
        move.before.resolve(page.name, was)
        for was, one in pairs
        if (wanted := move.wanted(page.name, was)) and move.after.destination(move.named(page.name), one) != wanted
    ]


def moved(page: Page, old: str, plans: Sequence[MovePlan]) -> Moved:
    """The page that was moved, with what was done."""
    done = plans[-1] if plans else MovePlan({}, (), ())
    revisions = {
        page.name if name == old else name: make(name, data).revision for name, (_, data) in done.pages.items()
    }
    return Moved(page.name, page.data, page.revision, done.mended, done.left, revisions)

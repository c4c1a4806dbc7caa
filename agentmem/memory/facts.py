"""Facts that are remembered across threads: markdown pages that a person can edit, searched through a store.

    memory/users/anna/tea.md        ---
                                    sources: [main/12]
                                    remembered: 2026-11-23
                                    supersedes: [coffee]
                                    ---
                                    # tea

                                    Anna drinks Earl Grey, without milk.

The page is the truth. Pages that a person changed, added or deleted are read in before facts are searched.
"""

import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from itertools import count
from typing import Any
from urllib.parse import quote, unquote

import yaml
from langgraph.store.base import BaseStore, PutOp, SearchItem

from agentmem.errors import PageExists, PageNotFound, UnknownReference, WorkspaceError
from agentmem.pages.workspace import Workspace
from agentmem.transcript.journal import Journal
from agentmem.transcript.transcript import read_source
from agentmem.types import Clock

PLACE = "memory"
"""The folder of the workspace that holds the facts' pages."""
AT_ONCE = 1_000
"""So many of the store's facts are read at once, to compare them with their pages."""

_UNSAFE = re.compile(r"^\.|[%/\\:*?\"<>|#\x00-\x1f\x7f\u2028\u2029\ud800-\udfff]")
_PAGE = re.compile(r"(?:---\n(.*?)^---\n)?\s*(?:# [^\n]*\n)?\n*(.*)", re.DOTALL | re.MULTILINE)

Namespace = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact: its text and its sources (references, pages, people's words).

    ``supersedes`` names the facts of its namespace that it replaces; their sources are added to its own.
    ``superseded_by`` names the fact that replaced it.
    """

    namespace: Namespace
    name: str
    text: str
    sources: tuple[str, ...]
    remembered: str = ""
    supersedes: tuple[str, ...] = ()
    superseded_by: str = ""


class Facts:
    """The facts of a workspace. ``store`` makes them searchable, and may hold other items too.

    With the ``journal`` of the threads that facts come from, a fact whose source is an entry also says which connection
    that came from, and when ("github, 2026-11-30 09:15"): what a server said is told from what is one's own.

    Example:
        >>> facts = Facts(workspace, store)
        >>> facts.remember(("users", "anna"), "tea", "Anna drinks Earl Grey.", source="main/12")
        >>> [fact.text for fact in facts.search(("users", "anna"), "what does Anna drink?")]
    """

    def __init__(
        self, workspace: Workspace, store: BaseStore, *, clock: Clock = time.time, journal: Journal | None = None
    ) -> None:
        self._workspace, self._store, self._clock, self._journal = workspace, store, clock, journal

    def remember(
        self, namespace: Namespace, name: str, text: str, *, source: str, supersedes: str | None = None
    ) -> Fact:
        """Write a fact, with its source, to a page of its own. A fact that it ``supersedes`` stays and names it.

        The same text again adds its source to the fact. Raises WorkspaceError if name, text or source is empty,
        PageExists if another fact has the name, PageNotFound if the fact to supersede does not exist.
        """
        if not (name and text.strip() and source.strip()):
            raise WorkspaceError("A fact needs a name, a text and a source.")
        old = self._on_page(namespace, supersedes) if supersedes else None
        sources = dict.fromkeys((source, *self._came(source), *(old.sources if old else ())))
        day = f"{datetime.fromtimestamp(self._clock(), UTC):%Y-%m-%d}"
        fact = Fact(namespace, name, text.strip(), tuple(sources), day, (supersedes,) if supersedes else ())
        try:
            self._workspace.write(page_of(namespace, name), page(fact), overwrite=False)
        except PageExists as error:
            fact = self._again(fact, error)
        if old:
            self._workspace.write(page_of(namespace, old.name), page(replace(old, superseded_by=name)))
        self.refresh()
        return fact

    def _came(self, source: str) -> tuple[str, ...]:
        """The connection that an entry came from, and when, if the source is such an entry."""
        if self._journal is None:
            return ()
        try:
            came = read_source(self._journal.entry(source))
        except UnknownReference:
            return ()  # a page, or a person's words
        return (came,) if came else ()

    def _again(self, fact: Fact, error: PageExists) -> Fact:
        """The fact that is there already, with the sources of the one that says the same added to its own."""
        known = self._on_page(fact.namespace, fact.name)
        if known.text != fact.text:
            raise PageExists(
                f"There is a fact '{fact.name}' already. Keep the new one under another name that supersedes it."
            ) from error
        both = replace(
            known,
            sources=tuple(dict.fromkeys((*known.sources, *fact.sources))),
            supersedes=tuple(dict.fromkeys((*known.supersedes, *fact.supersedes))),
        )
        if both != known:
            self._workspace.write(page_of(fact.namespace, fact.name), page(both))
        return both

    def get(self, namespace: Namespace, name: str) -> Fact | None:
        """The fact as its page has it now; None if there is none."""
        try:
            return self._on_page(namespace, name)
        except PageNotFound:
            return None

    def search(self, namespace: Namespace, question: str, limit: int = 8, *, superseded: bool = False) -> list[Fact]:
        """The best matching facts of a namespace and below, best first. Superseded ones only if asked for."""
        self.refresh()
        wanted = {"fact": True} if superseded else {"fact": True, "superseded_by": ""}
        found = self._store.search((PLACE, *namespace), query=question, limit=limit, filter=wanted)
        return [_from_value(item.value) for item in found]

    def forget(self, namespace: Namespace, name: str) -> None:
        """Delete a fact and its page. Raises PageNotFound."""
        self._workspace.delete(page_of(namespace, name))
        self.refresh()

    def refresh(self) -> int:
        """Read in the pages that changed. Returns the number of changed facts."""
        held = {(item.namespace, item.key): item.value.get("revision") for item in self._held()}
        pages = {place_of(name): name for name in self._workspace.names(PLACE) if name.endswith(".md")}
        gone = [(place, None) for place in held if place not in pages]
        revisions = {place: self._workspace.revision(name) for place, name in pages.items()}
        changed = [place for place, revision in revisions.items() if held.get(place) != revision]
        puts = [PutOp(*place, self._kept(place, revisions[place]), index=["text"]) for place in changed]
        if ops := [*puts, *(PutOp(*place, None) for place, _ in gone)]:
            self._store.batch(ops)  # a write of its own for each would cost as much as all of them
        return len(ops)

    def _kept(self, place: tuple[Namespace, str], revision: str) -> dict[str, Any]:
        """What the store has of the fact on a page."""
        namespace, name = place
        return {"fact": True, "revision": revision, **asdict(self._on_page(namespace[1:], name))}

    def _held(self) -> Iterator[SearchItem]:
        """All facts that the store has."""
        for offset in count(step=AT_ONCE):
            found = self._store.search((PLACE,), filter={"fact": True}, limit=AT_ONCE, offset=offset, refresh_ttl=False)
            yield from found
            if len(found) < AT_ONCE:
                return

    def _on_page(self, namespace: Namespace, name: str) -> Fact:
        address = page_of(namespace, name)
        return read(self._workspace.page(address).text, namespace, name, address)


def page_of(namespace: Namespace, name: str) -> str:
    """The page of a fact. Characters that file names cannot have are percent-encoded."""
    return "/".join((PLACE, *map(_safe, namespace), f"{_safe(name)}.md"))


def place_of(address: str) -> tuple[Namespace, str]:
    """The store's namespace and key for a page."""
    *folders, file = (unquote(part, errors="surrogatepass") for part in address.split("/"))
    return tuple(folders), file.removesuffix(".md")


def page(fact: Fact) -> str:
    """A fact as a page."""
    front: dict[str, Any] = {"sources": list(fact.sources), "remembered": fact.remembered}
    front |= {"supersedes": list(fact.supersedes)} if fact.supersedes else {}
    front |= {"superseded_by": fact.superseded_by} if fact.superseded_by else {}
    written = yaml.safe_dump(front, sort_keys=False, allow_unicode=True, default_flow_style=None)
    return f"---\n{written}---\n# {' '.join(fact.name.split())}\n\n{fact.text}\n"


def read(text: str, namespace: Namespace, name: str, address: str) -> Fact:
    """The fact on a page. A page without sources counts as its own source: a person wrote it."""
    found = _PAGE.fullmatch(text.replace("\r\n", "\n"))
    front = _front(found[1]) if found else {}
    return Fact(
        namespace,
        name,
        (found[2] if found else text).strip(),
        _names(front.get("sources")) or (address,),
        str(front.get("remembered") or ""),
        _names(front.get("supersedes")),
        str(front.get("superseded_by") or ""),
    )


def _front(text: str | None) -> Mapping[str, Any]:
    try:
        front = yaml.safe_load(text or "")
    except yaml.YAMLError:  # a person's mistake; the text is still used
        return {}
    return front if isinstance(front, dict) else {}


def _names(value: object) -> tuple[str, ...]:
    values = value if isinstance(value, list) else [] if value is None else [value]
    return tuple(map(str, values))


def _from_value(value: Mapping[str, Any]) -> Fact:
    lists = ("namespace", "sources", "supersedes")
    given: dict[str, Any] = {name: tuple(value[name]) for name in lists}
    given |= {name: value[name] for name in ("name", "text", "remembered", "superseded_by")}
    return Fact(**given)


def _safe(label: str) -> str:
    return _UNSAFE.sub(lambda found: _encoded(found[0]), label)


def _encoded(sign: str) -> str:
    return "%2E" if sign == "." else quote(sign, safe="", errors="surrogatepass")

"""The links of a whole workspace: what each page refers to, remembered by content."""

from collections.abc import Iterable
from functools import cache

from agentmem.errors import WorkspaceError
from agentmem.pages.index import kept_under
from agentmem.pages.links import Link, Reference, Resolver, dump, load, references
from agentmem.pages.markdown import Section
from agentmem.pages.names import canonical, is_markdown
from agentmem.pages.spelling import by_form, spelled
from agentmem.pages.store import PageStore

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

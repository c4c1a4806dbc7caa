"""The links of a whole workspace: what each page refers to, remembered by content."""

from collections.abc import Iterable
from pathlib import PurePosixPath

from agentmem.errors import WorkspaceError
from agentmem.pages.links import Link, Reference, Resolver, dump, load, references
from agentmem.pages.markdown import Section
from agentmem.pages.names import is_markdown
from agentmem.pages.store import Store

_FACT = "links"


def links(store: Store, name: str) -> tuple[Link, ...]:
    """The links on a page that stay in the workspace."""
    resolver = _resolver(store)
    return tuple(resolver.resolve(name, one) for one in _references(store, [name]).get(name, ()))


def backlinks(store: Store, name: str) -> tuple[Link, ...]:
    """The links on other pages that lead to a page."""
    resolver = _resolver(store)
    others = [page for page in sorted(store.index.revisions) if page != name]
    return tuple(
        resolver.resolve(page, one)
        for page, found in _references(store, others).items()
        for one in found
        if resolver.destination(page, one) == name
    )


def _resolver(store: Store) -> Resolver:
    def sections(name: str) -> tuple[Section, ...]:
        digest = store.index.digest_of(name)
        return digest.tree.sections if digest else ()

    def exists(path: str) -> str | None:
        """A file that is no page, or a folder (with a slash): links may lead there too."""
        try:
            real = store.files.root / store.files.locate(path)
        except WorkspaceError:
            return None
        return str(PurePosixPath(path)) + "/" if real.is_dir() else path if real.exists() else None

    return Resolver(store.index.revisions, sections, exists)


def _references(store: Store, names: Iterable[str]) -> dict[str, tuple[Reference, ...]]:
    """What each of these markdown pages refers to."""
    revisions = {name: store.index.revisions[name] for name in names if name in store.index.revisions}
    wanted = {name: revision for name, revision in revisions.items() if is_markdown(name)}
    known = {key: load(text) for key, text in store.index.cache.facts(_FACT, set(wanted.values())).items()}
    fresh = {}
    for name, revision in wanted.items():
        page = None if revision in known else store.read_if_there(name)
        if page:
            fresh[page.revision] = known[revision] = known[page.revision] = references(page)
    if fresh:
        store.index.cache.keep_facts(_FACT, {revision: dump(found) for revision, found in fresh.items()})
    return {name: known[revision] for name, revision in wanted.items() if revision in known}

"""A folder of text files as a workspace: read, render, edit, link and search its pages."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from agentmem.closing import Closing
from agentmem.errors import ConfigError, PageExists, PageNotFound, SectionNotFound
from agentmem.pages import links, moves, render, search, splices
from agentmem.pages.files import encoded
from agentmem.pages.index import PageChange, PageIndex, totals
from agentmem.pages.links import Link
from agentmem.pages.listing import listed
from agentmem.pages.moves import Mend, Moved
from agentmem.pages.names import canonical
from agentmem.pages.page import Page, PageSpan, span, whole
from agentmem.pages.search import PageHit
from agentmem.pages.splices import replaced
from agentmem.pages.store import PageStore

__all__ = ["Link", "Mend", "Moved", "Page", "PageChange", "PageHit", "Workspace"]


class Workspace(Closing):
    """The pages in a folder: every text file below it that is not hidden.

    A page is named by its path, a section by an address (see agentmem.pages.address). Every read is of the file as
    it is now; every edit is made to the newest bytes under a lock that all processes share, is atomic, and raises a
    WorkspaceError, no byte changed, when it cannot be made. A revision given to an edit must be the page's current
    one (8 or more of its first digits will do), else StalePage shows what changed. May be used from several threads.
    """

    def __init__(self, root: str | Path, *, create: bool = False) -> None:
        folder = Path(root).expanduser()
        if create and not folder.exists():
            folder.mkdir(parents=True)
        if not folder.is_dir():
            raise ConfigError(f"The workspace '{folder}' is no folder. Make it, or give the path of one.")
        self._store = PageStore(folder)

    @property
    def root(self) -> Path:
        """The folder's real path."""
        return self._store.files.root

    def close(self) -> None:
        """Close the cache's file. A workspace that is used again opens it again."""
        self._store.index.close()

    # Reading

    def names(self, folder: str = "") -> tuple[str, ...]:
        """The pages below a folder, sorted. Hidden files, links and files whose suffix says binary are left out."""
        files = self._store.files
        return tuple(sorted(name for name, _ in files.walk(self._store.locate_file(folder))))

    def spelled(self, name: str) -> str:
        """The name of a file or folder as it stands on the disk, in whatever Unicode form it is asked for."""
        return self._store.locate_file(name)

    def page(self, name: str) -> Page:
        """A page as it is now. Raises PageNotFound, NotAPage or OutsideWorkspace."""
        return self._store.read(self._store.locate_page(name))

    def revision(self, name: str) -> str:
        """The content hash of a page: sha256, 64 hexadecimal digits."""
        return self.page(name).revision

    def text(self, address: str) -> str:
        """The exact text of a page or section."""
        page, where = self._store.found(address)
        return page.cut(where)

    def render(self, address: str, *, limit: int = 6000, part: int = 1, raw: bool = False) -> str:
        """A page or section for the model: a line with its address, revision and tokens, then its text.

        Over ``limit`` tokens it is an outline with the tokens of each section, or, without sections, numbered parts.
        Front matter, CSV and JSON read as lists and tables unless ``raw``.
        """
        page, where = self._store.found(address)
        return render.rendered(page, self._store.digest_of(page), where, limit, part, raw)

    def outline(self, name: str) -> str:
        """The outline of a page or section, however long: every heading with its tokens."""
        real, section = self._store.locate(name)
        revision, digest = self._store.digest(real)
        where = whole(digest.size) if section is None else span(real, digest.tree, section)
        head = render.header(real, revision, where, render.tokens_of(digest, where))
        lines = self._store.outline(real, revision, digest) if section is None else render.outline(digest, where)
        return f"{head}\n\n{lines}"

    def listing(self, folder: str = "", *, limit: int = 6000) -> str:
        """What stands in a folder: its folders with their pages and tokens, its pages with title, tokens and size."""
        where = self._store.locate_file(folder)
        if not (self.root / where).is_dir():
            raise PageNotFound(f"There is no folder '{folder}'. List '' to see what there is.")
        return self._store.indexed(lambda index: listed(self._store.files, index, where, limit))

    def tokens(self) -> Mapping[str, int]:
        """The tokens of every page, by name."""
        return MappingProxyType(self._store.indexed(totals))

    # Editing

    def write(self, name: str, text: str, *, revision: str | None = None, overwrite: bool = True) -> Page:
        """Make a page, or replace all of it. Raises PageExists where it exists and ``overwrite`` is false."""

        def written(page: Page | None) -> bytes:
            if page is not None and not overwrite:
                raise PageExists(f"'{page.name}' exists already. Edit it, or write it with overwriting allowed.")
            return encoded(name, text)

        return self._store.edit(self._store.locate_page(name, existing=False), written, revision)

    def replace(self, name: str, old: str, new: str, *, revision: str | None = None) -> Page:
        """Replace text that stands once in a page or section. Raises TextNotUnique where it does not."""
        encoded(name, old + new)
        return self._edit(name, lambda page, where: replaced(page, where, old, new), revision)

    def replace_section(self, address: str, text: str, *, revision: str | None = None) -> Page:
        """Replace what stands below a heading; the heading too, if the text begins with one of its level or above."""
        encoded(address, text)

        def spliced(page: Page, where: PageSpan) -> bytes:
            if where.path is None:
                raise SectionNotFound(f"'{page.name}' is a whole page: write it, or name a section of it.")
            return splices.section_replaced(page, where, text)

        return self._edit(address, spliced, revision)

    def append(self, address: str, text: str, *, revision: str | None = None) -> Page:
        """Add lines at the end of a page or section; a section's subsections stay behind them."""
        encoded(address, text)
        return self._edit(address, lambda page, where: splices.appended(page, where, text), revision)

    def move(self, name: str, to: str, *, revision: str | None = None) -> Moved:
        """Give a page another name, in another folder too. Raises PageExists where that name is taken.

        Links that would lead elsewhere by it are mended, on other pages and on the page itself: all of it or nothing.
        """
        plans = list[moves.MovePlan]()
        old = self._store.locate_page(name)
        new = self._store.locate_page(to, existing=False)
        new = canonical(to) if new == old else new  # the same name in another Unicode form

        def mending(page: Page) -> Mapping[str, tuple[Page, bytes]]:
            plans[:] = [moves.plan(self._store, page, new)]
            return plans[0].pages

        return moves.moved(self._store.move(old, new, revision, mending), old, plans)

    def delete(self, name: str, *, revision: str | None = None) -> None:
        """Remove a page."""
        self._store.delete(self._store.locate_page(name), revision)

    # Finding

    def links(self, name: str) -> tuple[Link, ...]:
        """The links on a page that stay in the workspace, broken ones marked."""
        real = self.page(name).name
        return self._store.indexed(lambda index: links.links(self._store, real))

    def backlinks(self, name: str) -> tuple[Link, ...]:
        """The links of other pages that lead to a page."""
        real = self.page(name).name
        return self._store.indexed(lambda index: links.backlinks(self._store, real))

    def search(self, query: str, *, limit: int = 10) -> tuple[PageHit, ...]:
        """The sections that match best, with the line of each that does. Quotes keep words together."""

        def found(index: PageIndex) -> tuple[PageHit, ...]:
            search.update(index.cache, dict(index.revisions), self._store.read_if_there)
            return search.search(index.cache, query, limit)

        return self._store.indexed(found)

    def refresh(self) -> tuple[PageChange, ...]:
        """Look at all files again, tell subscribers what others changed, and give it. The first look gives nothing."""
        return self._store.refresh()

    def subscribe(self, callback: Callable[[PageChange], None]) -> Callable[[], None]:
        """Have ``callback`` told of every changed page: at once if changed here, else when it is noticed.

        Gives the function that ends it.
        """
        return self._store.subscribe(callback)

    def _edit(self, address: str, change: Callable[[Page, PageSpan], bytes], revision: str | None) -> Page:
        name, section = self._store.locate(address)

        def changed(page: Page | None) -> bytes:
            if page is None:
                raise PageNotFound(self._store.missing(name))
            return change(page, page.span(section))

        return self._store.edit(name, changed, revision)

"""A folder of text files as a workspace: read, render, edit, link and search its pages."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from agentmem.closing import Closing
from agentmem.errors import ConfigError, PageExists, PageNotFound, SectionNotFound, WorkspaceError
from agentmem.pages import links, moves, render, search, splices
from agentmem.pages.files import encoded
from agentmem.pages.index import PageChange, PageIndex, totals
from agentmem.pages.links import Link
from agentmem.pages.listing import listed
from agentmem.pages.moves import Mend, Moved
from agentmem.pages.names import canonical, is_hidden, own
from agentmem.pages.page import Page, PageSpan, span, whole
from agentmem.pages.search import PageHit
from agentmem.pages.splices import replaced
from agentmem.pages.store import PageStore

__all__ = ["Link", "Mend", "Moved", "Page", "PageChange", "PageHit", "Workspace"]


MOST_FILE = 500_000_000
"""The most bytes of a file that is read as an attachment."""


class Workspace(Closing):
    r"""The pages in a folder: every text file below it that is not hidden.

    A page is named by its path, a section by an address (see agentmem.pages.address). Every read gives the file as it
    is now. Every edit is atomic, applies to the newest bytes, and holds a lock that all processes share. An edit that
    cannot be made raises a WorkspaceError and changes nothing. With ``revision`` (or at least 8 of its first digits) an
    edit requires that the page is still at that revision; else StalePage shows what changed. Threads may share it.

    Args:
        root: the folder.
        create: make the folder if it is missing.

    Raises:
        ConfigError: ``root`` is not a folder.

    Example:
        >>> with Workspace("notes", create=True) as workspace:
        ...     page = workspace.write("plan.md", "# Plan\n\n## Next\n\nShip it.\n")
        ...     page = workspace.append("plan.md#Next", "Then rest.", revision=page.revision)
        ...     print(workspace.render("plan.md#Next"))
    """

    def __init__(self, root: str | Path, *, create: bool = False) -> None:
        folder = Path(root).expanduser()
        if create and not folder.exists():
            folder.mkdir(parents=True)
        if not folder.is_dir():
            raise ConfigError(f"The workspace '{folder}' is not a folder. Make it, or give the path of one.")
        self._store = PageStore(folder)

    def __reduce__(self) -> tuple[type["Workspace"], tuple[str]]:
        """Its folder alone goes to another process, where it must exist."""
        return type(self), (str(self.root),)

    @property
    def root(self) -> Path:
        """The folder's real path."""
        return self._store.files.root

    def close(self) -> None:
        """Close the cache's file. The workspace can still be used; it opens the file again."""
        self._store.index.close()

    # Reading

    def names(self, folder: str = "") -> tuple[str, ...]:
        """The pages below a folder, sorted. Hidden files, links and files with a binary suffix are left out."""
        files = self._store.files
        return tuple(sorted(name for name, _ in files.walk(self._store.locate_file(folder))))

    def spelled(self, name: str) -> str:
        """The name of a file or folder as it is on the disk, asked for in any Unicode form."""
        return self._store.locate_file(name)

    def page(self, name: str) -> Page:
        """A page as it is now. Raises PageNotFound, NotAPage or OutsideWorkspace."""
        return self._store.read(self._store.locate_page(name))

    def revision(self, name: str) -> str:
        """The content hash of a page: sha256, 64 hexadecimal digits."""
        return self.page(name).revision

    def digest_of_file(self, name: str) -> str | None:
        """The sha256 of any file's bytes; None if there is none, or an empty one, or it cannot be read."""
        return self._store.files.digest(name)

    def file(self, name: str, most: int = MOST_FILE) -> bytes:
        """The bytes of any file that is not hidden, such as an attachment. Raises WorkspaceError."""
        if is_hidden(name):
            raise WorkspaceError(f"'{name}' is hidden, and is not read.")
        return self._store.files.raw(self._store.locate_file(name), most)[0]

    def kept(self, name: str, most: int) -> bytes:
        """The bytes of one of agentmem's own files in the workspace. Raises WorkspaceError."""
        return self._store.files.raw(own(name), most)[0]

    def keep(self, name: str, data: bytes) -> None:
        """Write one of agentmem's own files in the workspace, readable by its user alone."""
        self._store.files.put(own(name), data)

    def text(self, address: str) -> str:
        """The exact text of a page or section. Raises PageNotFound or SectionNotFound."""
        page, where = self._store.found(address)
        return page.cut(where)

    def render(self, address: str, *, limit: int = 6000, part: int = 1, raw: bool = False) -> str:
        """A page or section for the model: a line with its address, revision and tokens, then its text.

        Args:
            address: the page or section.
            limit: tokens. Longer text becomes an outline with the tokens of each section, or, if it has no sections,
                numbered parts.
            part: the part to return, from 1.
            raw: leave front matter, CSV and JSON as they are; else they become lists and tables.

        Raises WorkspaceError if there is no such part.
        """
        page, where = self._store.found(address)
        return render.rendered(page, self._store.digest_of(page), where, limit, part, raw)

    def outline(self, name: str) -> str:
        """The full outline of a page or section: every heading with its tokens."""
        real, section = self._store.locate(name)
        revision, digest = self._store.digest(real)
        where = whole(digest.size) if section is None else span(real, digest.tree, section)
        head = render.header(real, revision, where, render.tokens_of(digest, where))
        lines = self._store.outline(real, revision, digest) if section is None else render.outline(digest, where)
        return f"{head}\n\n{lines}"

    def listing(self, folder: str = "", *, limit: int = 6000) -> str:
        """The contents of a folder: its folders with their pages and tokens, its pages with title, tokens and size.

        ``limit`` is in tokens. Raises PageNotFound if there is no such folder.
        """
        where = self._store.locate_file(folder)
        if not (self.root / where).is_dir():
            raise PageNotFound(f"There is no folder '{folder}'. List '' to see what there is.")
        return self._store.indexed(lambda index: listed(self._store.files, index, where, limit))

    def tokens(self) -> Mapping[str, int]:
        """The tokens of every page, by name."""
        return MappingProxyType(self._store.indexed(totals))

    # Editing

    def write(self, name: str, text: str, *, revision: str | None = None, overwrite: bool = True) -> Page:
        """Make a page, or replace all of its text. Raises PageExists if it exists and ``overwrite`` is false."""

        def written(page: Page | None) -> bytes:
            if page is not None and not overwrite:
                raise PageExists(f"'{page.name}' exists already. Edit it, or write it with overwriting allowed.")
            return encoded(name, text)

        return self._store.edit(self._store.locate_page(name, existing=False), written, revision)

    def write_all(self, files: Mapping[str, bytes]) -> Mapping[str, str]:
        """Make or replace many files at once, pages and attachments, for an import whose source is still there.

        Each file is whole at every moment, but the disk is not waited for: a power cut may lose the last ones, and the
        same import makes them again. Names as for `write`; a file of bytes that are no text may have any suffix.
        Returns the reasons of those that were refused, by name.
        """
        return self._store.put_all(files)

    def replace(self, name: str, old: str, new: str, *, revision: str | None = None) -> Page:
        """Replace text that is in a page or section exactly once. Raises TextNotUnique if it is not.

        ``name`` is an address: of a page or of a section.
        """
        for text in (old, new):
            encoded(name, text)
        return self._edit(name, lambda page, where: replaced(page, where, old, new), revision)

    def replace_section(self, address: str, text: str, *, revision: str | None = None) -> Page:
        """Replace the text below a heading. Text that begins with a heading of its level or above replaces it too.

        Raises SectionNotFound if the address names a whole page.
        """
        encoded(address, text)

        def spliced(page: Page, where: PageSpan) -> bytes:
            if where.path is None:
                raise SectionNotFound(f"'{page.name}' is a whole page: write it, or name a section of it.")
            return splices.section_replaced(page, where, text)

        return self._edit(address, spliced, revision)

    def append(self, address: str, text: str, *, revision: str | None = None) -> Page:
        """Add lines at the end of a page or section. A section's subsections stay after them."""
        encoded(address, text)
        return self._edit(address, lambda page, where: splices.appended(page, where, text), revision)

    def move(self, name: str, to: str, *, revision: str | None = None) -> Moved:
        """Rename a page, also into another folder. Raises PageExists if the name is taken.

        Links that would then lead elsewhere are rewritten, in other pages and in the page itself: all or nothing.
        Returns the page with the links that were rewritten or left.
        """
        plans = list[moves.MovePlan]()
        old = self._store.locate_page(name)
        new = self._store.locate_page(to, existing=False)
        new = canonical(to) if new == old else new  # keep the Unicode form that was asked for

        def mending(page: Page) -> Mapping[str, tuple[Page, bytes]]:
            plans[:] = [moves.plan(self._store, page, new)]
            return plans[0].pages

        return moves.moved(self._store.move(old, new, revision, mending), old, plans)

    def delete(self, name: str, *, revision: str | None = None) -> None:
        """Delete a page."""
        self._store.delete(self._store.locate_page(name), revision)

    # Finding

    def links(self, name: str) -> tuple[Link, ...]:
        """The links of a page that stay in the workspace. Broken ones are marked."""
        real = self.page(name).name
        return self._store.indexed(lambda index: links.links(self._store, real))

    def backlinks(self, name: str) -> tuple[Link, ...]:
        """The links of other pages that lead to a page."""
        real = self.page(name).name
        return self._store.indexed(lambda index: links.backlinks(self._store, real))

    def search(self, query: str, *, limit: int = 10) -> tuple[PageHit, ...]:
        """The best matching sections, each with its best line. Quotes keep words together. ``limit`` is in hits."""

        def found(index: PageIndex) -> tuple[PageHit, ...]:
            revisions = dict(index.revisions)
            search.update(index.cache, revisions, self._store.read_if_there, lambda page: index.digest(page).tree)
            return search.search(index.cache, query, limit)

        return self._store.indexed(found)

    def refresh(self) -> tuple[PageChange, ...]:
        """Look at all files again, tell subscribers what others changed, and return it. The first look returns ()."""
        return self._store.refresh()

    def subscribe(self, callback: Callable[[PageChange], None]) -> Callable[[], None]:
        """Call ``callback`` for every changed page: at once if changed here, else when the change is noticed.

        Returns the function that stops it.
        """
        return self._store.subscribe(callback)

    def _edit(self, address: str, change: Callable[[Page, PageSpan], bytes], revision: str | None) -> Page:
        name, section = self._store.locate(address)

        def changed(page: Page | None) -> bytes:
            if page is None:
                raise PageNotFound(self._store.missing(name))
            return change(page, page.span(section))

        return self._store.edit(name, changed, revision)

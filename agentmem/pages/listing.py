"""Renders a folder of the workspace for the model. Only `workspace` uses it; `render` does pages."""

from collections.abc import Iterator

from agentmem.pages.files import Files
from agentmem.pages.index import PageIndex
from agentmem.tokens import count

_MOST_OTHERS = 10


def listed(files: Files, index: PageIndex, folder: str, limit: int) -> str:
    """A header line, a line for each folder, then one for each page, in at most ``limit`` tokens."""
    prefix = f"{folder}/" if folder else ""
    inside = {name.removeprefix(prefix): name for name in sorted(index.revisions) if name.startswith(prefix)}
    sizes = {name: _tokens(index, name) for name in inside.values()}
    head = f"{prefix or 'workspace'} ({len(inside):,} pages, {sum(sizes.values()):,} tokens)"
    lines = [*_folders(inside, sizes), *_pages(index, inside, sizes), *_others(files, folder, index)]
    return "\n".join([head, "", *_fitting(lines or ["(empty)"], limit - count(head))]) + "\n"


def _folders(inside: dict[str, str], sizes: dict[str, int]) -> Iterator[str]:
    groups: dict[str, list[int]] = {}
    for name, full in inside.items():
        if "/" in name:
            groups.setdefault(name.partition("/")[0], []).append(sizes[full])
    for name, tokens in sorted(groups.items()):
        pages = "1 page" if len(tokens) == 1 else f"{len(tokens):,} pages"
        yield f"- {name}/ ({pages}, {sum(tokens):,} tokens)"


def _pages(index: PageIndex, inside: dict[str, str], sizes: dict[str, int]) -> Iterator[str]:
    for name, full in inside.items():
        digest = index.digest_of(full)
        if "/" not in name and digest:
            title = f": {digest.title}" if digest.title else ""
            yield f"- {name}{title} ({sizes[full]:,} tokens, {_size(digest.size)})"


def _others(files: Files, folder: str, index: PageIndex) -> Iterator[str]:
    others = [name for name in files.others(folder) if name not in index.revisions]
    if others:
        shown = ", ".join(name.rpartition("/")[2] for name in others[:_MOST_OTHERS])
        more = f" and {len(others) - _MOST_OTHERS} more" if len(others) > _MOST_OTHERS else ""
        yield f"- not readable as pages: {shown}{more}"


def _tokens(index: PageIndex, name: str) -> int:
    digest = index.digest_of(name)
    return digest.tokens if digest else 0


def _size(size: int) -> str:
    return f"{size} bytes" if size < 1000 else f"{size / 1000:.1f} kB" if size < 1_000_000 else f"{size / 1e6:.1f} MB"


def _fitting(lines: list[str], room: int) -> Iterator[str]:
    for index, line in enumerate(lines):
        room -= count(line) + 1
        if room < 0:
            yield f"(and {len(lines) - index:,} more: list a folder, or search)"
            return
        yield line

"""A page as text for the model: one header line, then the text, an outline, or one part of what is too long."""

from collections.abc import Iterator, Sequence

from agentmem.errors import WorkspaceError
from agentmem.pages import address
from agentmem.pages.digest import Digest
from agentmem.pages.markdown import Section, Tree
from agentmem.pages.page import SHOWN, Page, Span
from agentmem.pages.tables import Shown, front_matter, shown
from agentmem.tokens import count

_DEEPEST = 6
_LEAST_ROOM = 20
_NOTE = "too long to show whole, so this is its outline; read sections by their address, such as"


def rendered(page: Page, digest: Digest, span: Span, limit: int, part: int, raw: bool = False) -> str:
    """The header line and the text of a span, in at most ``limit`` tokens (or what one line of a part needs).

    What is longer is shown as an outline where it has sections, else in numbered parts.
    """
    text = Shown(page.cut(span)) if raw else _shown(page, digest, span)
    head = header(page, span, _tokens(page, digest, span), text.kind)
    room = max(_LEAST_ROOM, limit - count(head))
    tree = digest.tree
    inside = _inside(tree, span)
    if count(text.text) <= room and part == 1:
        return f"{head}\n\n{text.text}"
    if inside and not raw:
        return _outline_fitting(page, digest, span, limit, part)
    return _part(page, digest, span, text, limit, part)


def header(page: Page, span: Span, tokens: int, note: str = "") -> str:
    """The line that names what is shown: address, revision and tokens."""
    more = f"; {note}" if note else ""
    return f"{address.join(page.name, span.path)} (revision {page.revision[:SHOWN]}, {tokens:,} tokens{more})"


def outline(page: Page, digest: Digest, span: Span, depth: int = _DEEPEST, over: int | None = None) -> str:
    """A line for each section of a span, indented, with its tokens, down to ``depth`` levels.

    Sections of more than ``over`` tokens also name the text of their own that stands before their subsections.
    """
    tree = digest.tree
    lines = list(_outline_lines(digest, tree, span, depth, over))
    front = _front(page, digest) if span.path is None else ""
    return "\n".join([*([front] if front else []), *lines]) + "\n"


def outlined(page: Page, digest: Digest, span: Span) -> str:
    """The header line and the whole outline of a span."""
    return f"{header(page, span, _tokens(page, digest, span))}\n\n{outline(page, digest, span)}"


def _shown(page: Page, digest: Digest, span: Span) -> Shown:
    if span.path is not None:
        return Shown(page.cut(span))
    front = _front(page, digest)
    if front:
        return Shown(front + page.data[digest.front :].decode(), "front matter shown as a list")
    return shown(page.name, page.text)


def _front(page: Page, digest: Digest) -> str:
    front = page.data[: digest.front].decode()
    return front_matter(front) if front.lstrip("\ufeff") else ""


def _tokens(page: Page, digest: Digest, span: Span) -> int:
    return digest.tokens if span.path is None else count(page.cut(span))


def _inside(tree: Tree, span: Span) -> list[int]:
    """The indexes of the sections that begin inside a span, not counting the span's own."""
    return [
        index
        for index, one in enumerate(tree.sections)
        if span.start <= one.start < span.end and not (span.whole and one.start == span.start)
    ]


def _outline_lines(digest: Digest, tree: Tree, span: Span, depth: int, over: int | None) -> Iterator[str]:
    totals, inside = digest.totals(tree), _inside(tree, span)
    base = len(span.section.path) if span.section else 0
    before = _own_before(digest, tree, span)
    if before:
        yield f"- {address.OWN} (the text before the first heading below): {before:,} tokens"
    for index in inside:
        section = tree.sections[index]
        level = len(section.path) - base
        if level <= depth:
            below = _deeper(tree, index) if level == depth else ""
            yield "  " * (level - 1) + f"- {_last(section)}: {totals[index]:,} tokens{below}"
            if over is not None and totals[index] > over and digest.own[index + 1] < totals[index]:
                yield "  " * level + f"- {address.OWN} (its own text): {digest.own[index + 1]:,} tokens"


def _own_before(digest: Digest, tree: Tree, span: Span) -> int:
    if span.path is None:
        return digest.own[0]
    starts = [one.start for one in tree.sections]
    return digest.own[starts.index(span.start) + 1] if span.whole else 0


def _last(section: Section) -> str:
    return address.steps(address.of(section))[-1]


def _deeper(tree: Tree, index: int) -> str:
    section = tree.sections[index]
    below = sum(section.start < one.start < section.end for one in tree.sections)
    return f" ({below} sections below)" if below else ""


def _outline_fitting(page: Page, digest: Digest, span: Span, limit: int, part: int) -> str:
    """The deepest outline that fits; the shallowest in parts where none does."""
    example = tuple(digest.tree.sections[index] for index in _inside(digest.tree, span)[:1])
    note = f"{_NOTE} '{address.join(page.name, address.of(example[0]))}'"
    head = header(page, span, _tokens(page, digest, span), note)
    room = max(_LEAST_ROOM, limit - count(head))
    for depth in range(_DEEPEST, 0, -1):
        lines = outline(page, digest, span, depth, over=limit)
        if count(lines) <= room and part == 1:
            return f"{head}\n\n{lines}"
    return _part(page, digest, span, Shown(outline(page, digest, span, 1, over=limit), note), limit, part)


def _part(page: Page, digest: Digest, span: Span, text: Shown, limit: int, part: int) -> str:
    tokens = _tokens(page, digest, span)
    longest = header(page, span, tokens, _noted(text.kind, 10**6, 10**6 + 1))
    parts = split(text, max(_LEAST_ROOM, limit - count(longest)))
    if not 1 <= part <= len(parts):
        whole = "one part" if len(parts) == 1 else f"parts 1 to {len(parts)}"
        raise WorkspaceError(f"'{address.join(page.name, span.path)}' has {whole}; there is no part {part}.")
    note = _noted(text.kind, part, len(parts)) if len(parts) > 1 else text.kind
    return f"{header(page, span, tokens, note)}\n\n{parts[part - 1]}"


def _noted(kind: str, part: int, parts: int) -> str:
    onward = f"; part {part + 1} goes on from here" if part < parts else ""
    return f"{kind + '; ' if kind else ''}part {part} of {parts}{onward}"


def split(text: Shown, room: int) -> list[str]:
    """The text in parts of at most ``room`` tokens, cut at line ends; a line that is longer is cut inside.

    The parts make up the text; a table's head stands on each of them.
    """
    body = text.text.removeprefix(text.head)
    room = max(1, room - count(text.head))
    parts, held, tokens = list[str](), list[str](), 0
    for line, size in _short_lines(body.splitlines(keepends=True), room):
        if held and tokens + size > room:
            parts.append(text.head + "".join(held))
            held, tokens = [], 0
        held.append(line)
        tokens += size
    return [*parts, text.head + "".join(held)] if held or not parts else parts


def _short_lines(lines: Sequence[str], room: int) -> Iterator[tuple[str, int]]:
    for line in lines:
        size = count(line)
        if size <= room or len(line) < 2:
            yield line, size
        else:
            middle = len(line) // 2
            yield from _short_lines((line[:middle], line[middle:]), room)

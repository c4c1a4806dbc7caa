"""Long texts in pieces that are short enough for a part of an answer, in time in proportion to their length."""

from collections.abc import Iterable, Iterator

from agentmem.tokens import count, exceeds

_TOGETHER = 400  # bytes of lines that are counted at once: counting each by itself takes most of the time


def sized(lines: Iterable[str], room: int) -> Iterator[tuple[str, int]]:
    """The text of ``lines`` in pieces of at most ``room`` tokens, with their tokens: short lines together, a line that
    is too long cut inside."""
    held, size, most = list[str](), 0, min(room, _TOGETHER)
    for line in lines:
        own = len(line.encode("utf-8", "surrogatepass"))
        if held and size + own > most:
            yield from _counted("".join(held), room)
            held, size = [], 0
        held.append(line)
        size += own
    if held:
        yield from _counted("".join(held), room)


def _counted(text: str, room: int) -> Iterator[tuple[str, int]]:
    if len(text) < 2 or not exceeds(text, room):
        yield text, count(text)
    else:
        middle = len(text) // 2
        yield from _counted(text[:middle], room)
        yield from _counted(text[middle:], room)

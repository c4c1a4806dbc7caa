"""Long texts in parts that fit into an answer."""

from agentmem.errors import BadArguments
from agentmem.pages.splitting import sized
from agentmem.tokens import pieces

PART = 6000
"""Tokens of one part."""


def part_of(text: str, part: int, limit: int = PART, least: int = 1) -> str:
    """Part ``part`` (from 1) of a text, cut between lines where it can be, below a line that says which it is.

    A text of one part comes back as it is; ``least`` is how many parts there are at least, for what comes with them.
    Raises BadArguments for a part that is not there.
    """
    parts = split(text, limit)
    parts += [""] * (least - len(parts))
    if part > len(parts):
        raise BadArguments(f"There is no part {part}: it ends with part {len(parts)}.")
    if len(parts) == 1:
        return text
    more = f"; part {part + 1} goes on from here" if part < len(parts) else ""
    return f"[part {part} of {len(parts)}{more}]\n\n{parts[part - 1]}"


def split(text: str, limit: int) -> list[str]:
    """The text in parts of at most ``limit`` tokens that join to the whole."""
    if len(text.encode("utf-8", "surrogatepass")) <= limit:
        return [text]  # a token has at least one byte
    parts, held, used = list[str](), list[str](), 0
    for piece, tokens in sized(pieces(text), limit):
        if used and used + tokens > limit:
            parts.append("".join(held))
            held, used = [], 0
        held.append(piece)
        used += tokens
    return [*parts, "".join(held)]

"""Line endings as markdown-it sees them (no form feed, no U+2028). Edits keep those of the page."""

import re

BOM = b"\xef\xbb\xbf"
"""UTF-8's byte-order mark, which some editors put before a file's text."""
NEWLINE = re.compile(r"\r\n?|\n")
NEWLINE_BYTES = re.compile(rb"\r\n?|\n")

_BLANKS = re.compile(rb"(?:[ \t]*(?:\r\n?|\n))*")


def ending(data: bytes) -> str | None:
    """The line ending of ``data``; None if it has none or several kinds."""
    found = set(NEWLINE_BYTES.findall(data))
    return found.pop().decode() if len(found) == 1 else None


def nearby(data: bytes, at: int) -> bytes:
    """The line break nearest before ``at``, else the first one after it; empty if ``data`` has none."""
    last = max(data.rfind(b"\n", 0, at), data.rfind(b"\r", 0, at))
    if last >= 0:
        return data[last - 1 : last + 1] if data[last - 1 : last + 1] == b"\r\n" else data[last : last + 1]
    behind = NEWLINE_BYTES.search(data, at)
    return behind[0] if behind else b""


def newline(data: bytes, at: int) -> bytes:
    """The line break to put into ``data`` at ``at``."""
    return nearby(data, at) or b"\n"


def encoded(text: str, like: bytes) -> bytes:
    """``text`` as UTF-8, with the line endings of ``like`` if that has only one kind."""
    style = ending(like)
    return (text if style is None else NEWLINE.sub(style, text)).encode()


def line_of(data: bytes, offset: int) -> int:
    """The number of the line that holds the byte at ``offset``, from 1."""
    return len(NEWLINE_BYTES.findall(data[:offset])) + 1


def ends_line(data: bytes) -> bool:
    """True if text added after ``data`` begins a new line."""
    return data in (b"", BOM) or data.endswith((b"\n", b"\r"))


def leading_blanks(data: bytes) -> bytes:
    """The blank lines at the start of ``data``."""
    match = _BLANKS.match(data)
    return match[0] if match else b""


def trailing_blanks(data: bytes) -> bytes:
    """The line break after the last line that is not blank, and the blank lines after it."""
    rest = data[len(data.rstrip(b" \t\r\n")) :]
    return rest.lstrip(b" \t")

r"""Text from models, tools, files and names, safe to look at: what would steer a terminal, or hide, is escaped.

A terminal obeys escape sequences (one of them writes the clipboard), and a reader believes what bidirectional controls
and characters of no width make of a line. Here they are ``\x1b``, ``\u202e`` and the like; all else stays as it is.
"""

import re

_SHOWN: tuple[tuple[str, str], ...] = (
    ("C0 controls but line feed and tab", r"[\0-\x08\x0b\x0c\x0e-\x1f]"),
    ("a carriage return unless it ends a line", r"\r(?!\n)"),
    ("DEL and C1 controls, among them the one-character CSI and OSC", r"[\x7f-\x9f]"),
    ("bidirectional controls", r"[\u061c\u200e\u200f\u202a-\u202e\u2066-\u206f]"),
    ("other separators of lines", r"[\u2028\u2029]"),
    ("characters of no width", r"[\xad\u034f\u115f\u17b4\u17b5\u180b-\u180e\u200b\u2060-\u2065\ufeff\ufff9-\ufffb]"),
    ("joiners but between letters or pictures that may need them", r"(?<![^\0-\x7f\u200c\u200d])[\u200c\u200d]"),
    ("the same", r"[\u200c\u200d](?![^\0-\x7f\u200c\u200d\ufe00-\ufe0f])"),
    ("variation selectors but on what varies", r"(?<![^\0-\x7f\u200b-\u200f\ufe00-\ufe0f])(?<![#*\d])[\ufe00-\ufe0f]"),
    ("the same, for ideographs", r"(?<![\u2e80-\u9fff\uf900-\ufaff\U00020000-\U000323af])[\U000e0100-\U000e01ef]"),
    ("tags, which spell out hidden text", r"[\U000e0000-\U000e007f]"),
    ("lone surrogates", r"[\ud800-\udfff]"),
)
"""What is shown as an escape: what it is, and the expression that finds it."""
_HIDDEN = re.compile("|".join(f"(?:{pattern})" for _, pattern in _SHOWN))


def visible(text: str) -> str:
    """``text`` with every character that a terminal would obey, or nobody would see, as a backslash escape."""
    return text if text.isascii() and text.isprintable() else _HIDDEN.sub(_escapes, text)


def visible_json(text: str) -> str:
    """The same for the text of a JSON document, which means what it meant: in it all such are parts of strings."""
    return text if text.isascii() else _HIDDEN.sub(_json_escapes, text)


def _escapes(match: re.Match[str]) -> str:
    return "".join(_escape(ord(one)) for one in match[0])


def _escape(code: int) -> str:
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _json_escapes(match: re.Match[str]) -> str:
    units = match[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))

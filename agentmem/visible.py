r"""Escapes the characters in a text that would steer a terminal, or that nobody would see.

A terminal obeys escape sequences (one of them writes the clipboard), and bidirectional controls and characters of no
width deceive a reader. Text from models, tools, files and names may hold them. They become ``\x1b``, ``\u202e`` and so
on; all other text stays as it is.
"""

import re

_SHOWN: tuple[tuple[str, str], ...] = (
    ("C0 controls except line feed and tab", r"[\0-\x08\x0b\x0c\x0e-\x1f]"),
    ("a carriage return unless it ends a line", r"\r(?!\n)"),
    ("DEL and C1 controls, among them the one-character CSI and OSC", r"[\x7f-\x9f]"),
    ("bidirectional controls", r"[\u061c\u200e\u200f\u202a-\u202e\u2066-\u206f]"),
    ("other line separators", r"[\u2028\u2029]"),
    ("characters of no width", r"[\xad\u034f\u115f\u17b4\u17b5\u180b-\u180e\u200b\u2060-\u2065\ufeff\ufff9-\ufffb]"),
    ("joiners, except between letters or pictures that may need them", r"(?<![^\0-\x7f\u200c\u200d])[\u200c\u200d]"),
    ("the same", r"[\u200c\u200d](?![^\0-\x7f\u200c\u200d\ufe00-\ufe0f])"),
    (
        "variation selectors but after what varies",
        r"(?<![^\0-\x7f\u200b-\u200f\ufe00-\ufe0f])(?<![#*\d])[\ufe00-\ufe0f]",
    ),
    ("the same, for ideographs", r"(?<![\u2e80-\u9fff\uf900-\ufaff\U00020000-\U000323af])[\U000e0100-\U000e01ef]"),
    ("tags, which spell out hidden text", r"[\U000e0000-\U000e007f]"),
    ("lone surrogates", r"[\ud800-\udfff]"),
)
"""The characters that are escaped: a description, and the expression that finds them."""
_HIDDEN = re.compile("|".join(f"(?:{pattern})" for _, pattern in _SHOWN))


def visible(text: str) -> str:
    """``text`` with a backslash escape for each character that a terminal would obey or nobody would see."""
    return text if text.isascii() and text.isprintable() else _HIDDEN.sub(_escapes, text)


def visible_json(text: str) -> str:
    """The same for a JSON document, with JSON's escapes. Only strings hold such characters, so it means the same."""
    return text if text.isascii() else _HIDDEN.sub(_json_escapes, text)


def _escapes(match: re.Match[str]) -> str:
    return "".join(_escape(ord(one)) for one in match[0])


def _escape(code: int) -> str:
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _json_escapes(match: re.Match[str]) -> str:
    units = match[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))

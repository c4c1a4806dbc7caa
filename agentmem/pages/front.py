"""Finds and checks front matter: YAML between ``---``, TOML between ``+++``, or a JSON object, at a page's start.

A block between ``---`` whose first line is not a key is text (two thematic breaks). A block with the right marks that
does not parse is still front matter, so that no line of it becomes a heading. `fault` says what is wrong with it.
"""

import json
import re
import tomllib
from collections.abc import Callable

import yaml

from agentmem.pages.endings import BOM, NEWLINE, NEWLINE_BYTES

_MOST_CHECKED = 100_000  # bytes: reading more as YAML can take seconds
_FENCED = re.compile(
    rb"(?:(?P<yaml>-{3,})|(?P<toml>\+{3}))[ \t]*(?:\r\n?|\n)"
    rb"(?P<inside>(?:.*?(?:\r\n?|\n))?)"
    rb"(?(yaml)(?:(?P=yaml)-*|\.{3})|\+{3})[ \t]*(?:\r\n?|\n|\Z)",
    re.DOTALL,
)
_OPENING = re.compile(rb"(-{3}|\+{3})[ \t]*(?:\r\n?|\n)")
_COMMENTS = rb"\s*(?:\#[^\r\n]*[\r\n]\s*)*"
_NAMED = rb"[^\s:\#\-\[{>|`!&*][^:\r\n]*:(?:\s|\Z)"
_KEY = re.compile(_COMMENTS + rb"(?:" + _NAMED + rb"|\#[^\r\n]*\Z|\Z)")
_SETS = re.compile(_NAMED + rb"|[\w.\"'-]+[ \t]*=")
"""Matches the line after an opening, if the block is meant to be front matter."""


def end(data: bytes) -> int:
    """The first byte after the front matter; without front matter, after the byte-order mark."""
    start = len(BOM) if data.startswith(BOM) else 0
    found = _fenced(data, start)
    return found.end() if found else _json_end(data, start) or start


def blanked(data: bytes) -> str:
    """A page's text with its front matter as empty lines, so that line numbers stay the same."""
    behind = end(data)
    return "\n" * len(NEWLINE_BYTES.findall(data[:behind])) + data[behind:].decode()


def listed(text: str) -> str:
    """A front matter block as a list: its own lines, with a dash before those of the outermost level."""
    lines = NEWLINE.split(text.removeprefix("\ufeff").strip())[1:-1]
    least = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    inner = least if text.removeprefix("\ufeff").startswith("{") else 0
    return "".join(f"{_item(line[inner:])}\n" for line in lines if line.strip())


def fault(data: bytes) -> str:
    """The mistake in a page's front matter, as words; empty for most pages."""
    start = len(BOM) if data.startswith(BOM) else 0
    found = _fenced(data, start)
    if found and len(found["inside"]) <= _MOST_CHECKED:
        kind = "YAML" if found["yaml"] else "TOML"
        wrong = _PARSERS[kind](found["inside"].decode())
        return f"front matter that is not {kind}{wrong}" if wrong is not None else ""
    opening = None if found else _OPENING.match(data, start)
    if opening and _SETS.match(data, opening.end()):
        return f"begins like front matter, but no line '{opening[1].decode()}' ends it, so it is read as text"
    return ""


def _fenced(data: bytes, start: int) -> re.Match[bytes] | None:
    if data[start : start + 3] not in (b"---", b"+++"):
        return None
    found = _FENCED.match(data, start)
    return found if found and (found["toml"] or _KEY.match(found["inside"])) else None


def _json_end(data: bytes, start: int) -> int:
    """The end of a JSON object that begins on the first line and is alone on its last; 0 if there is none."""
    first = NEWLINE_BYTES.search(data, start)
    if not first or data[start : first.start()].rstrip() != b"{":
        return 0
    text = data[start:].decode()
    try:
        _, behind = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return 0
    rest = re.compile(r"[ \t]*(?:\r\n?|\n|\Z)").match(text, behind)
    return start + len(text[: rest.end()].encode()) if rest else 0


def _item(line: str) -> str:
    nested = line[:1] in (" ", "\t", "-", "}", "]")
    return f"  {line}" if nested else f"- {line}"


def _yaml_fault(text: str) -> str | None:
    try:
        value = yaml.compose(text, yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        said = getattr(error, "problem", None) or str(error)
        return f" (line {mark.line + 2}: {said})" if mark else f" ({said})"
    except (ValueError, RecursionError) as error:
        return f" ({error})"
    return None if value is None or isinstance(value, yaml.MappingNode) else " (not a list of keys and values)"


def _toml_fault(text: str) -> str | None:
    try:
        tomllib.loads(NEWLINE.sub("\n", text))
    except (ValueError, RecursionError) as error:
        return f" ({error}, counted from the line below '+++')"
    return None


_PARSERS: dict[str, Callable[[str], str | None]] = {"YAML": _yaml_fault, "TOML": _toml_fault}
"""The parser of each kind. It gives the mistake as words, or None."""

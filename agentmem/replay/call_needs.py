"""What a tool call needs: the parts of its arguments that an agent must have read somewhere.

A part is a name (an identifier, a command, a word of a pattern), a folder, a file in its folder, or a line that must be
given verbatim. What an agent writes by itself, and what its tools and languages offer everybody, is no part: the tables
below say what that is.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from agentmem.types import Json


def named(words: str) -> frozenset[str]:
    """The words of a table."""
    return frozenset(words.split())


GENERATED = named(
    "new_string new_str new_text new_source content contents file_text insert_text replacement prompt description text"
    " message body title subject activeForm plan todos questions allowedPrompts thought reason explanation summary"
    " query answer code"
)
"""Arguments that an agent writes by itself."""
ENUMERATED = named(
    "output_mode status type subagent_type model operation mode state priority format edit_mode cell_type language kind"
    " level role unit replace_all"
)
"""Arguments whose values the tool's own description lists."""
SAID = named("-m --message -F --body -b --title -t --notes -n --description --comment -f --field --raw-field")
"""Options of commands whose values are written by the agent."""
FIELDS = named("--json --format --jq -q --template --pretty --date --output -o --color --sort --order")
"""Options of commands whose values name fields or forms that the command has."""
WRITERS = named("echo printf")
"""Commands all of whose words are written by the agent."""
PROGRAMS = named("jq awk sed perl python python3 node ruby sh bash")
"""Commands whose quoted words are programs in a language of their own, written by the agent."""
SEARCHES = named("grep rg egrep ag git")
"""Commands whose quoted words are patterns."""
MESSAGES = {"git": frozenset({"commit", "tag"}), "gh": frozenset({"api", "pr", "issue", "release"})}
"""Commands and what they are told first, where SAID holds: elsewhere these options have names as values."""
LANGUAGE = named(
    "awk basename bash cat chmod cmp cp cut date diff dirname do done echo elif else env eval exit export expr false fi"
    " find for function grep head if in kill less ln ls mkdir more mv null dev printf pwd read rm rmdir sed seq sh"
    " sleep sort source tail tee test then touch tr true uniq wait wc which while xargs stdin stdout stderr"
    " and as assert async await bool break byte case catch chan class const continue def default defer del enum error"
    " except extends extern final finally float from func goto implements import int interface is lambda let map match"
    " new nil none not null number object or package pass private protected public raise range return select self"
    " static string struct super switch this throw try type typeof undefined union use using var void with yield"
    " the all any are but can has have its may not one that they was will you"
)
"""Words of shells, POSIX utilities, programming languages and English that nobody has to read before using them."""

LEAST = 3
"""Characters of a name."""
PIECES = 6
"""Dotted pieces of a name that are looked at."""
SHORT = 200
"""Characters of an argument that no table knows, above which it is the agent's own text; so are several lines."""

PartKind = Literal["name", "folder", "file", "line"]


@dataclass(frozen=True, slots=True)
class CallPart:
    """One thing that a call needs.

    ``text`` is the name; the folder, as "a/b"; the file behind its folder's last name, as "b/c.py"; or the line.
    ``left`` and ``right`` say of a line that it may begin and end within a longer one.
    """

    kind: PartKind
    text: str
    left: bool = False
    right: bool = False


_PIECE = r"\w+(?:-\w+)*"
NAME = re.compile(rf"{_PIECE}(?:\.{_PIECE})*")
"""A name: words, joined by single dashes or dots."""
TOKEN = re.compile(r"[\w.~@/-]+")
"""What stands between characters that neither names nor paths have."""
_DROPPED = frozenset({"", ".", "..", "...", "~"})
_WORD = re.compile(r"\w")


def components(token: str) -> tuple[str, ...]:
    """The names of a path, from the first folder on; of anything else one name, or none."""
    names = token.lstrip("-").rstrip(".").split("/")
    return tuple(one for one in names if one not in _DROPPED)


def parts(value: Json) -> tuple[CallPart, ...]:
    """What the call in a frame of type tool_use needs, each once, in order. Numbers and switches are no parts."""
    given = value.get("input")
    return tuple(dict.fromkeys(_object(given))) if isinstance(given, Mapping) else ()


def _object(given: Mapping[str, Any]) -> Iterator[CallPart]:
    for key, one in given.items():
        if key not in GENERATED and key not in ENUMERATED:
            yield from _argument(READERS.get(key, _plain), one)


def _argument(read: "Reader", one: Any) -> Iterator[CallPart]:
    if isinstance(one, str):
        yield from read(one)
    elif isinstance(one, Mapping):
        yield from _object(one)
    elif isinstance(one, Sequence):
        for each in one:
            yield from _argument(read, each)


def _plain(text: str) -> Iterator[CallPart]:
    if len(text) <= SHORT and "\n" not in text.strip():
        yield from _words(text)


def _words(text: str) -> Iterator[CallPart]:
    """Names and paths in a text."""
    for token in TOKEN.findall(text):
        found = components(token)
        if len(found) > 1:
            yield CallPart("folder", "/".join(found[:-1]))
            yield CallPart("file", "/".join(found[-2:]))
        elif found:
            yield from _names(found[0])


def _names(word: str) -> Iterator[CallPart]:
    for name in NAME.findall(word):
        short = ".".join(name.split(".")[:PIECES])
        if len(short) >= LEAST and short.strip("_") and short.lower() not in LANGUAGE:
            yield CallPart("name", short)


_ESCAPED = re.compile(r"\\([a-zA-Z0-9])|\\(.)", re.DOTALL)


def _pattern(text: str) -> Iterator[CallPart]:
    """Names and paths in a regular expression or a glob, without what is escaped in it."""
    yield from _words(_ESCAPED.sub(lambda found: found[2] or " ", text))


def _address(text: str) -> Iterator[CallPart]:
    yield from _words(text.partition("://")[2] or text)


def _lines(text: str) -> Iterator[CallPart]:
    """Each line that has a word. The first may begin, and the last may end, within a longer line."""
    lines = text.split("\n")
    for at, line in enumerate(lines):
        if _WORD.search(line):
            yield CallPart("line", line, at == 0 and not line[0].isspace(), at == len(lines) - 1)


_HEREDOC = re.compile(r"<<-?\s*(['\"]?)(\w+)\1[^\n]*\n.*?^\s*\2\b", re.DOTALL | re.MULTILINE)
_SHELL = re.compile(r"((?:\"(?:\\.|[^\"\\])*\"|'[^']*'|\\.|[^\s\"'\\|;&()<>])+)|([|;&()\n]+)|[<>]+", re.DOTALL)
_QUOTES = "'\""


def _command(text: str) -> Iterator[CallPart]:
    """What the commands in a shell's line are told, and their own names."""
    words: list[str] = []
    for found in _SHELL.finditer(_HEREDOC.sub(" ", text)):
        if found[1]:
            words.append(found[1])
        elif found[2]:
            yield from _simple(words)
            words = []
    yield from _simple(words)


def _simple(words: Sequence[str]) -> Iterator[CallPart]:
    """One command: its name, and its arguments without options, and without what is written by the agent."""
    if not words:
        return
    yield from _words(words[0])
    name = words[0].rpartition("/")[2]
    if name in WRITERS:
        return
    says = len(words) > 1 and words[1] in MESSAGES.get(name, ())
    skip = False
    for word in words[1:]:
        option, _, given = word.partition("=")
        known = option in FIELDS or (says and option in SAID)
        if word.startswith("-"):
            skip = known and not given
            word = "" if known else given
        elif skip:
            skip, word = False, ""
        yield from _told(name, word)


def _told(name: str, word: str) -> Iterator[CallPart]:
    quoted = word[:1] in _QUOTES
    if "\n" in word or (quoted and name in PROGRAMS):
        return
    yield from (_pattern if quoted and name in SEARCHES else _words)(word.strip(_QUOTES))


Reader = Callable[[str], Iterator[CallPart]]

READERS: Mapping[str, Reader] = MappingProxyType(
    {
        **dict.fromkeys(("old_string", "old_str", "old_text", "search"), _lines),
        **dict.fromkeys(("command", "cmd", "script"), _command),
        **dict.fromkeys(("pattern", "regex", "glob"), _pattern),
        **dict.fromkeys(("url", "uri"), _address),
    }
)
"""How an argument of that name is read; all others are short texts of names and paths."""

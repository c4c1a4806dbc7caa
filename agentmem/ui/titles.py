"""The first words that a person said in a log: by them people know a session again."""

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from agentmem.kvcache.why.texts import one_line
from agentmem.replay.session import SkippedLine
from agentmem.replay.source import values

LENGTH = 140
_LOOKED = 60
"""Values of a file that are looked at."""
_LARGEST = 20_000_000
"""Bytes of a file that is one value: a larger one has no title."""
_DEEP = 6
_NOT_SAID = ("<", "Caveat:", "[Request interrupted", "# AGENTS.md", "Warmup")
"""How texts begin that a client writes in a person's name."""
_TEXTS = ("text", "input_text")


def title(path: Path) -> str:
    """The first words of a person in the log at ``path``; "" where none are found."""
    try:
        if path.suffix == ".db" or (path.suffix == ".json" and path.stat().st_size > _LARGEST):
            return ""
        for one in islice(values(path), _LOOKED):
            if not isinstance(one, SkippedLine):
                for text in _said(one.value, 0):
                    words = one_line(text[: 4 * LENGTH]).strip()
                    if words and not words.startswith(_NOT_SAID):
                        return (
                            words
                            if len(words) <= LENGTH
                            else f"{words[:LENGTH].rpartition(' ')[0] or words[:LENGTH]} …"
                        )
    except OSError:
        pass
    return ""


def _said(value: Any, depth: int) -> Iterator[str]:
    """The texts of a person's messages, wherever they stand in a value."""
    if depth > _DEEP:
        return
    if isinstance(value, Mapping):
        if value.get("role") == "user" or (value.get("type") == "user" and isinstance(value.get("content"), str)):
            yield from _texts(value.get("content"))
            return
        for each in value.values():
            yield from _said(each, depth + 1)
    elif isinstance(value, list):
        for each in value:
            yield from _said(each, depth + 1)


def _texts(content: Any) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    elif isinstance(content, list):
        for part in content:
            if isinstance(part, Mapping) and part.get("type") in _TEXTS and isinstance(part.get("text"), str):
                yield part["text"]

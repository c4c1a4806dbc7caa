"""The summary that every policy gets where it asks a model for one: the same short extract, of what it hands over only.

Half of it are the beginnings of the last paragraphs, newest first; the other half the names, paths and numbers that
occur most often. No model is asked, so figures repeat; a real summary would say it better.
"""

from collections import Counter
from collections.abc import Iterable, Iterator

from agentmem.replay.needed import names
from agentmem.tokens import count

LIMIT = 2_500
"""Tokens of a summary, at most."""

_BEGINNING = 200  # characters of each paragraph


def extract(texts: Iterable[str], limit: int = LIMIT) -> str:
    """A summary of ``texts``, given in order, in at most ``limit`` tokens."""
    given = list(texts)
    parts = [part for text in given for part in text.split("\n\n")]
    said = list(_fitting((_beginning(part) for part in reversed(parts)), limit // 2))
    found = Counter(name for text in given for name in names(text))
    ranked = (name for name, _ in sorted(found.items(), key=lambda item: (-item[1], item[0])))
    named = list(_fitting(ranked, limit - limit // 2 - 20))
    return "\n".join(["Said last:", *reversed(said), "Named most often:", *named])


def _beginning(text: str) -> str:
    return " ".join(text[: 2 * _BEGINNING].split())[:_BEGINNING]


def _fitting(lines: Iterable[str], limit: int) -> Iterator[str]:
    """The first lines that fit into ``limit`` tokens, each with its line break."""
    for line in lines:
        tokens = count(line) + 1
        if tokens > limit:
            return
        limit -= tokens
        if line:
            yield line

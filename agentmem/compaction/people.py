"""Finds the messages of people that are the open task, and the part of a long message that must stay.

A task is done when the model ended its turn after it. A message that only says to go on, or that corrects the work,
belongs to the task before it.
"""

import re
from collections.abc import Iterable, Sequence
from itertools import islice

from agentmem.compaction.statements import LONGEST, kind_of, machine, paragraphs, statements
from agentmem.tokens import count

_GO_ON = re.compile(
    r"^(?:(?:yes|yeah|yep|yup|y|ok|okay|sure|please|go on|go ahead|continue|proceed|do it|do so|right|correct|thanks|"
    r"thank you|good|great|nice|perfect|let's do it|ja|weiter|oui|continue|sí|si|sigue|да|继续|好|はい|続けて)"
    r"|(?:\d+|[a-d])(?:(?:,| and) ?\d+)*)?(?:[\s,.!]+(?:please|go on|go ahead|continue|do it|thanks|yes))*[\s.!]*$",
    re.IGNORECASE,
)
_ASKS = re.compile(
    r"^(?:please|can you|could you|would you|i want|i'd like|i need|let's|we need|bitte|peux-tu|请)\b", re.IGNORECASE
)
_MOST = 5
"""The most messages of one task after the first: the newest."""
_LONGEST = 600  # characters of a sentence
_SHORT = 12  # the most sentences of a message of which each counts
_TELLING = 4  # the fewest words of a sentence that tells something
GAP = "[…]"
"""A line of its own in place of a part of a message that is left out."""


def goes_on(text: str) -> bool:
    """True if a message asks for nothing new: it says to go on, picks an offered choice, or corrects."""
    return all(_GO_ON.match(sentence) or kind_of(sentence) for sentence in _sentences(text) or [text.strip()])


class Tasks:
    """Follows messages and the ends of turns. ``open`` are the entries of messages whose task is not done yet."""

    def __init__(self, open: Iterable[int] = (), *, ended: bool = False) -> None:
        self.open: tuple[int, ...] = tuple(open)
        self.turn_ended = ended

    def said(self, seq: int, text: str) -> None:
        """Take in a person's message."""
        if seq in self.open or machine(text) or not text.strip():
            return
        begins = self.turn_ended and not goes_on(text)
        self.open = (seq,) if begins else (*self.open[:1], *(*self.open[1:], seq)[-_MOST:])
        self.turn_ended = False

    def ended(self) -> None:
        """Take in the end of the model's turn."""
        self.turn_ended = True


def typed(blocks: Iterable[str]) -> str:
    """The text of a message's blocks that a person typed; a client may add blocks of its own."""
    return "\n\n".join(text for text in blocks if not machine(text))


def request(text: str) -> tuple[str, ...]:
    """The sentences with a message's request; its first line if it has none.

    They are the first and the last typed sentence, and those between that ask explicitly.
    """
    said = _sentences(text)
    if not said:
        return tuple(line.strip()[:200] for line in text.strip().splitlines()[:1])
    asks = (sentence for sentence in said[1:-1] if _ASKS.match(sentence))
    return tuple(dict.fromkeys((said[0], *islice(asks, _MOST), said[-1])))


def told(text: str) -> tuple[str, ...]:
    """The sentences of a short message that tell something, in no words that mark them: no question, and no request."""
    said = _sentences(text)
    return tuple(one for one in said if _tells(one)) if len(said) <= _SHORT else ()


def _tells(sentence: str) -> bool:
    asks = _ASKS.match(sentence) or _GO_ON.match(sentence) or sentence.endswith(("?", "？", ":", "："))
    return not asks and len(sentence.split()) >= _TELLING and len(sentence) <= LONGEST and not kind_of(sentence)


def essence(text: str, room: int) -> str:
    """The part of a message that must stay, word for word, in about ``room`` tokens.

    The request, and each correction and rule with the sentences beside it, always stay. Other typed text stays from the
    beginning on if there is room. Pasted text goes.
    """
    said = _sentences(text)
    wanted = {one.text for one in statements(text)} | set(request(text))
    if not said:
        return "\n".join((*request(text), GAP))
    marked = {at for at, sentence in enumerate(said) if sentence in wanted}
    chosen, left = set(marked), room - sum(count(said[at]) for at in marked)
    for at in (*_beside(marked, len(said)), *range(len(said))):
        size = count(said[at]) + 1
        if at not in chosen and size <= left:
            chosen.add(at)
            left -= size
    return _joined(said, chosen)


def _sentences(text: str) -> list[str]:
    """The sentences of a message; of a sentence that is too long, the beginning."""
    return [sentence[:_LONGEST] for paragraph in paragraphs(text) for sentence in paragraph]


def _beside(marked: Iterable[int], end: int) -> list[int]:
    return [near for at in sorted(marked) for near in (at - 1, at + 1) if 0 <= near < end]


def _joined(said: Sequence[str], chosen: Iterable[int]) -> str:
    runs = list[list[str]]()
    for at in sorted(chosen):
        if not at or at - 1 not in chosen:
            runs.append([])
        runs[-1].append(said[at])
    return f"\n{GAP}\n".join((*map(" ".join, runs), ""))

"""Questions within a conversation: a follow-up is made to stand alone by the model that answers it.

The model gets the last turns, the question, and one more line of instruction: to begin its reply with the question as
it would be asked without the conversation. That question is kept with the answer, so whoever asks it finds it again.
The follow-up itself is keyed by what it refers to, the question before it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from agentmem.answers.spelling import english, tokens
from agentmem.answers.values import Answer, AnswerScope, Source
from agentmem.answers.words import meaning

ALONE = "stands alone: "
"""Begins the name of the source that holds the question as it stands alone."""
TURNS = 6
"""The most turns that the model gets."""
LONGEST = 2_000
"""Characters of an answer that it gets of each."""
LINE = "Question:"
ASKED = (
    f"Begin your reply with a line `{LINE} ...` that repeats the question so that it stands alone, with what it refers "
    "to in the conversation put in by name. Then answer."
)
"""The line of instruction."""

_REFERS = frozenset(
    """it its he him his she her hers they them their theirs this that these those there then one ones same such other
    another both former latter above previous again instead also too so else why how""".split()  # noqa: SIM905
)
_OPENS = re.compile(r"^\W*(?:and|but|or|so|then|also|what about|how about|why not|what if|which one|ok|okay)\b", re.I)
_STANDALONE = re.compile(rf"\A\s*{LINE}\s*(.+?)\s*(?:\n|\Z)", re.IGNORECASE)
_LEAST = 2
"""Content words of a question that stands alone."""


@dataclass(frozen=True, slots=True)
class ConversationTurn:
    """A question of a conversation as it stands alone, and its answer."""

    question: str
    answer: str


def stands_alone(question: str) -> bool:
    """True if a question in a conversation surely refers to nothing before it: in doubt it is a follow-up."""
    own = tokens(question)
    refers = _REFERS - {"how", "why"} if len(own) > _LEAST + 1 else _REFERS
    clear = english(question) and refers.isdisjoint(own) and not _OPENS.match(question)
    return clear and len(meaning(question)) >= _LEAST


def told(turns: Sequence[ConversationTurn], question: str) -> str:
    """What the model is asked: the last turns, the question, and to make it stand alone."""
    said = "\n\n".join(f"Q: {one.question}\nA: {one.answer[:LONGEST]}" for one in turns[-TURNS:])
    return f"The conversation so far:\n\n{said}\n\nThe next question: {question}\n\n{ASKED}"


def split(answer: Answer) -> tuple[str, Answer]:
    """The question that stands alone ("" if the model gave none), and the answer without that line."""
    found = _STANDALONE.match(answer.text)
    if found is None:
        return "", answer
    return found[1], replace(answer, text=answer.text[found.end() :].strip())


class AskedInConversation:
    """One question of a conversation: where it is looked up, how it is answered, and the turn that it becomes."""

    def __init__(
        self, turns: Sequence[ConversationTurn], question: str, context: AnswerScope, *, alone: bool = False
    ) -> None:
        self._turns, self._question, self._context = turns, question, context
        self.follows = not alone and not stands_alone(question)
        self._alone = ""

    @property
    def known(self) -> bool:
        """False for a follow-up of which nobody knows what it follows. It is neither looked up nor kept."""
        return bool(self._turns) or not self.follows

    @property
    def named(self) -> bool:
        """True if the model gave the question as it stands alone."""
        return bool(self._alone)

    @property
    def context(self) -> AnswerScope:
        """The scope of the lookup: of a follow-up, with the question that it refers to."""
        if not self.follows or not self._turns:
            return self._context
        return replace(self._context, conversation=(*self._context.conversation, self._turns[-1].question))

    def asked(self, question: str) -> str:
        """What the model is asked."""
        return told(self._turns, question) if self.follows and self._turns else question

    def taken(self, given: "str | Answer") -> Answer:
        """The model's answer, with the question that stands alone among its sources."""
        answer = given if isinstance(given, Answer) else Answer(given)
        if not self.follows or not self._turns:
            return answer
        self._alone, answer = split(answer)
        return replace(answer, sources=(*answer.sources, Source(f"{ALONE}{self._alone}"))) if self._alone else answer

    def standalone(self, sources: Sequence[Source]) -> str:
        """The question as it stands alone: the model's, that of a kept answer, or else itself with what was before."""
        if not self.follows:
            return self._question
        kept = next((one.name.removeprefix(ALONE) for one in sources if one.name.startswith(ALONE)), "")
        before = f" (after: {self._turns[-1].question})" if self._turns else ""
        return self._alone or kept or f"{self._question}{before}"

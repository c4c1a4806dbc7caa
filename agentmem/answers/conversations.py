"""The conversations of a cache: the last turns of each, in RAM, because they may hold what nobody may keep."""

from collections import OrderedDict
from contextlib import suppress
from threading import Lock

from agentmem.answers.admission import Keeper
from agentmem.answers.asking import Answered
from agentmem.answers.conversation import TURNS, AskedInConversation, ConversationTurn
from agentmem.answers.lookup import Lookups
from agentmem.answers.values import AnswerScope
from agentmem.errors import AnswersError

MOST = 10_000
"""Conversations that are remembered. Of a forgotten one, follow-ups are answered and not kept."""

_Key = tuple[str, str, str]


class Conversations:
    """The turns of each conversation. Safe for several threads."""

    def __init__(self, lookups: Lookups) -> None:
        self._lookups = lookups
        self._turns: OrderedDict[_Key, tuple[ConversationTurn, ...]] = OrderedDict()
        self._lock = Lock()

    def begun(self, thread: str | None, question: str, context: AnswerScope) -> AskedInConversation:
        """The next question of a conversation; without a thread it stands alone, whatever its words."""
        if thread is None:
            return AskedInConversation((), question, context, alone=True)
        with self._lock:
            return AskedInConversation(self._turns.get(_key(thread, context), ()), question, context)

    def ended(
        self, thread: str | None, asked: AskedInConversation, answered: Answered, context: AnswerScope, keeper: Keeper
    ) -> None:
        """Remember the turn, and keep a new answer to a follow-up as that to the question that stands alone too."""
        if thread is None:
            return
        entry = answered.looked.entry
        sources = entry.sources if entry is not None else answered.answer.sources if answered.answer else ()
        question = asked.standalone(sources)
        if asked.follows and answered.kept and answered.answer is not None and asked.named:
            with suppress(AnswersError):  # the answer is given all the same
                keeper.keep(self._lookups.unsearched(question, context), answered.answer)
        key = _key(thread, context)
        with self._lock:
            self._turns[key] = (*self._turns.get(key, ()), ConversationTurn(question, answered.text))[-TURNS:]
            self._turns.move_to_end(key)
            while len(self._turns) > MOST:
                self._turns.popitem(last=False)


def _key(thread: str, context: AnswerScope) -> _Key:
    return context.tenant, context.user, thread

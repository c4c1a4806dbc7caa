"""What `ContextMiddleware` says by itself, once, about an agent around it that makes its work dear or vain."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from langchain_core.messages import AIMessage, AnyMessage

from agentmem.integrations.langchain_prefix import Prefix
from agentmem.integrations.langchain_state import CUTS, LEDGER
from agentmem.kvcache.prompts import Prompt
from agentmem.kvcache.rules import rules_for
from agentmem.kvcache.why.causes import CauseCase, explain, fix
from agentmem.kvcache.why.differences import differences, location, texts
from agentmem.kvcache.why.lineage import RequestPair
from agentmem.kvcache.why.observed import ObservedRequest
from agentmem.kvcache.why.texts import excerpts, one_line

_log = logging.getLogger("agentmem.langchain")
LOST = (
    "this conversation was compacted before, and comes again whole and without its cuts: they are in the agent's "
    "state, which no checkpointer keeps. It is compacted anew in each call. Give the agent a checkpointer and each "
    "conversation its thread_id"
)
CHANGES = (
    "the prompt changes with every request, so the cache is written again and again and not read: %s. "
    "agentmem.integrations.watched([...]) around the middlewares names the one that does it"
)
_OFTEN = 2
"""Requests in a row with another prompt each. One alone may be somebody's choice."""
_KEPT = 10_000
"""The most conversations that are remembered."""


@dataclass(frozen=True, slots=True)
class HeadBreak:
    """The first difference of two prompts: the place, both sides, the cause and the fix. ``cause`` may be ""."""

    place: str
    before: str
    after: str
    cause: str
    fix: str

    @property
    def short(self) -> str:
        """The cause and the place, for a row of the ledger."""
        return f"{self.cause or 'changed'} in {self.place}"

    @property
    def text(self) -> str:
        """All of it in words."""
        why = f" ({self.cause}: {self.fix})" if self.cause else ""
        return f"{self.place} was {self.before!r} and is {self.after!r}{why}"


class Hints:
    """Says each thing once for a middleware."""

    def __init__(self) -> None:
        self._cut: dict[bytes, None] = {}
        self._said: set[str] = set()

    def compacted(self, state: Mapping[str, Any], messages: Sequence[AnyMessage]) -> None:
        """Takes in that a conversation was cut; its ``state`` may have lost an earlier cut."""
        if not messages:
            return
        key = sha256(repr(messages[0].content).encode("utf-8", "replace")).digest()
        begun = any(isinstance(one, AIMessage) for one in messages)
        if key in self._cut and begun and not state.get(CUTS) and not state.get(LEDGER):
            self._say(LOST)
        self._cut[key] = None
        if len(self._cut) > _KEPT:
            del self._cut[next(iter(self._cut))]

    def sent(self, changed: int, found: HeadBreak | None) -> int:
        """Takes in what changed in a request's prompt. Returns in how many requests in a row something did."""
        if found is None:
            return 0
        if changed + 1 >= _OFTEN:
            self._say(CHANGES, found.text)
        return changed + 1

    def _say(self, text: str, *facts: str) -> None:
        if text not in self._said:
            self._said.add(text)
            _log.warning(text, *facts)


def head_break(before: Prefix | None, now: Prefix) -> HeadBreak | None:
    """The first difference of two prompts' model, tools and system; None without any."""
    if before is None or before.frames == now.frames:
        return None
    pair = RequestPair(_observed(before, 1), _observed(now, 2))
    found = next(differences(pair), None)
    if found is None:
        return None
    cause = next(iter(explain(CauseCase(pair, found))), None)
    segment, block = location(found, pair.now)
    one, other = map(one_line, excerpts(*texts(found)))
    where = segment if block is None else f"{segment}, block {block}"
    return HeadBreak(where, one, other, cause.name if cause else "", fix(cause, pair) if cause else "")


def _observed(prefix: Prefix, number: int) -> ObservedRequest:
    """A request of the prompt alone."""
    tools, system = (tuple(one for one in prefix.frames if one.segment == name) for name in ("tool", "system"))
    prompt = Prompt(prefix.profile.name, tools, system, (), {}, ())
    return ObservedRequest(number, float(number), prompt, rules_for(prefix.profile.provider, prefix.profile.name))

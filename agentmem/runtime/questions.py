"""Answers questions to an agent through the answer cache, from the workspace and without changing anything.

An answer remembers its pages: those that were read or listed by name, those that a search showed, and the pinned ones.
A change of one of them removes it from the cache.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import asdict
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from uuid import uuid4

from agentmem.answers.values import Answer, AnswerScope, Source
from agentmem.errors import WorkspaceError
from agentmem.kvcache.frames import canonical
from agentmem.menu import builtin
from agentmem.menu.menu import default_menu
from agentmem.menu.tool import Menu, Tool
from agentmem.pages.address import split
from agentmem.pages.workspace import Workspace
from agentmem.runtime.events import Result
from agentmem.runtime.opening import instructions
from agentmem.transcript.journal import Journal
from agentmem.transcript.transcript import read_blocks, read_message
from agentmem.types import Entry, Model, ModelProfile, Options, Text, ToolCall, ToolResult

if TYPE_CHECKING:
    from agentmem.answers.asking import Answered
    from agentmem.answers.audit import AuditedAnswer
    from agentmem.answers.cache import AnswerCache

_HIT = re.compile(r"^- (.+?) \(line \d+\): ", re.MULTILINE)
_CHANGED = "changed while it was read"


class AnsweringAgent(Protocol):
    """The parts of an agent that asking needs."""

    menu: Menu
    workspace: Workspace
    model: Model
    journal: Journal
    _system: str
    _pinned: tuple[str, ...]
    _options: Options

    @property
    def answers(self) -> "AnswerCache": ...

    def run(self, task: str, *, thread: str, allow: Sequence[str]) -> Result: ...

    async def arun(self, task: str, *, thread: str, allow: Sequence[str]) -> Result: ...


class AnswersQuestions:
    """The part of an Agent that answers questions. ``answers`` may be set to a cache of your own."""

    workspace: Workspace
    _opened: ExitStack
    _answers_in: tuple[Path | str, str | None]

    @cached_property
    def answers(self) -> "AnswerCache":
        """The cache of answers, in ``.agentmem/answers`` in the workspace or at the address that was given."""
        from agentmem.answers.cache import AnswerCache

        where, database = self._answers_in
        made = AnswerCache(where, database=database, workspace=self.workspace)
        return self._opened.enter_context(closing(made))

    def ask(
        self: AnsweringAgent, question: str, *, tenant: str = "", user: str = "", thread: str | None = None
    ) -> "Answered":
        """The answer to a question about the workspace: from the cache, or made now with tools that only read.

            answered = agent.ask("How do I return shoes?")
            print(answered.text, answered.how)

        A new answer is a run in a new thread. ``tenant`` keeps the answers of tenants apart. Answers from a user's
        records are kept for the ``user`` who asks alone. ``thread`` names a conversation: its follow-ups ("and for
        children?") are answered with its last turns, and kept as questions that stand alone. Raises what `run` raises.
        """
        context = context_of(self, tenant, user)
        return self.answers.ask(question, partial(answered, self), context=context, thread=thread)

    def check_answers(
        self: AnsweringAgent, *, tenant: str = "", most: int = 20, max_usd: float = 1.0
    ) -> "list[AuditedAnswer]":
        """Answer the questions again that were unchecked for the longest time; evict answers that no longer agree.

        At most ``most`` are checked, for about ``max_usd`` dollars, by what the answers cost before.
        """
        return self.answers.check(partial(answered, self), context=context_of(self, tenant), most=most, max_usd=max_usd)

    async def aask(
        self: AnsweringAgent, question: str, *, tenant: str = "", user: str = "", thread: str | None = None
    ) -> "Answered":
        """As `ask`."""

        async def answering(question: str) -> Answer:
            with changes(self.workspace) as changed:
                result = await self.arun(question, thread=uuid4().hex, allow=readers(self.menu))
            return answer_of(self, result, changed)

        return await self.answers.aask(question, answering, context=context_of(self, tenant, user), thread=thread)


def answered(agent: AnsweringAgent, question: str) -> Answer:
    """A new answer, from a run in a new thread."""
    with changes(agent.workspace) as changed:
        result = agent.run(question, thread=uuid4().hex, allow=readers(agent.menu))
    return answer_of(agent, result, changed)


def context_of(agent: AnsweringAgent, tenant: str, user: str = "") -> AnswerScope:
    """The scope of an answer besides the question and the pages: model, instructions, tools and options."""
    return _scope(agent.model.profile, agent.menu, agent._system, agent._options, tenant, user)


def scope_at_defaults(profile: ModelProfile, tenant: str) -> AnswerScope:
    """The scope of the answers of an agent that was made with a model and nothing else."""
    return _scope(profile, default_menu(), instructions(None), Options(), tenant)


def _scope(
    profile: ModelProfile, menu: Menu, system: str, options: Options, tenant: str, user: str = ""
) -> AnswerScope:
    told = {"system": system, "tools": menu.definitions(), "options": asdict(options)}
    return AnswerScope(tenant, f"{profile.provider}:{profile.name}", canonical(told).decode(), user=user)


def readers(menu: Menu) -> list[str]:
    """The tools that change at most the thread's own plan."""
    return [one.name for one in menu.tools if one.effect == "read" or one.function is builtin.plan]


@contextmanager
def changes(workspace: Workspace) -> Iterator[set[str]]:
    """The pages that change during the block, by anyone."""
    changed: set[str] = set()
    workspace.refresh()
    unsubscribe = workspace.subscribe(lambda change: changed.add(change.page))
    try:
        yield changed
        workspace.refresh()
    finally:
        unsubscribe()


def answer_of(agent: AnsweringAgent, result: Result, changed: set[str]) -> Answer:
    """A run's answer, with the facts that decide if it may be kept. One of a fallback is none of this model's."""
    entries = list(agent.journal.entries(result.thread))
    calls = {call.id: call for entry in entries if entry.kind == "assistant" for call in read_message(entry).calls}
    pages = dict.fromkeys((*agent._pinned, *_read(agent.workspace, calls, entries)))
    return Answer(
        result.text,
        sources=tuple(_source(agent.workspace, page, changed) for page in pages),
        complete=result.status == "done" and not any(entry.kind == "reconfigure" for entry in entries),
        effects=tuple(_effects(agent.menu, calls, entries)),
        reads=tuple(dict.fromkeys(kind for one in _called(agent.menu, calls) for kind in one.reads)),
        usd=result.cost_usd,
        tokens=sum(one.input_tokens + one.output_tokens for one in result.usage),
    )


def _read(workspace: Workspace, calls: dict[str, ToolCall], entries: Sequence[Entry]) -> Iterator[str]:
    """The pages that calls name or that a search has shown."""
    for call in calls.values():
        for given in (call.parsed or {}).values():
            if isinstance(given, str) and (name := _page(workspace, given)):
                yield name
    for entry in entries:
        for block in read_blocks(entry) if entry.kind == "tool_result" else ():
            if isinstance(block, ToolResult) and block.call_id in calls and calls[block.call_id].name == "find":
                texts = (one.text for one in block.content if isinstance(one, Text))
                yield from (split(hit)[0] for text in texts for hit in _HIT.findall(text))


def _page(workspace: Workspace, given: str) -> str | None:
    """The page that an argument names, or None."""
    with suppress(WorkspaceError, OSError, ValueError):
        return workspace.page(split(given)[0]).name
    return None


def _source(workspace: Workspace, page: str, changed: set[str]) -> Source:
    with suppress(WorkspaceError):
        if page not in changed:
            return Source(page, workspace.revision(page), page=True)
    return Source(page, _CHANGED, page=True)


def _effects(menu: Menu, calls: dict[str, ToolCall], entries: Sequence[Entry]) -> Iterator[str]:
    """The tools with an effect that have begun."""
    allowed = readers(menu)
    started = (calls.get(entry.value["call_id"]) for entry in entries if entry.kind == "tool_started")
    yield from dict.fromkeys(call.name for call in started if call is not None and call.name not in allowed)


def _called(menu: Menu, calls: dict[str, ToolCall]) -> Iterator[Tool]:
    """The tools that were called. A read has no entry of its start."""
    names = {one.name for one in calls.values()}
    yield from (one for one in menu.tools if one.name in names)

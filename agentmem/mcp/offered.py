"""The tools that a workspace offers to clients: its pages, what its runs have seen, its kept answers, its costs."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from agentmem.answers.home import checked, home_in, home_of
from agentmem.answers.values import AnswerScope
from agentmem.closing import Closing
from agentmem.errors import ConfigError, ToolError
from agentmem.mcp.tenants import Tenant
from agentmem.menu import toolbox
from agentmem.menu.builtin import PART, part_of, recalled
from agentmem.menu.making import tool
from agentmem.menu.menu import built_in
from agentmem.menu.permissions import Reach
from agentmem.menu.tool import Menu, Tool, ToolContext
from agentmem.pages.names import HOME
from agentmem.pages.workspace import Workspace
from agentmem.runtime import steering
from agentmem.runtime.tool_calls import REFUSED, refused
from agentmem.transcript.journal import Journal, open_journal
from agentmem.transcript.storage import locate
from agentmem.types import Image, Text, ToolCall, ToolResult

if TYPE_CHECKING:
    from agentmem.answers.cache import AnswerCache

Scopes = Callable[[str], Sequence[AnswerScope]]
"""The scopes in which a tenant's answers are looked up."""

Part = Annotated[int, Field(ge=1)]
_PAGES, _CHANGES = ("find", "read", "list"), ("write", "edit")


def whole_tenant(tenant: str) -> tuple[AnswerScope, ...]:
    """The scope of answers that depend on nothing but the tenant."""
    return (AnswerScope(tenant=tenant),)


class Offer(Closing):
    """What a workspace offers, opened once for all who ask. ``write`` lets tenants write that may.

    ``answers`` is the address s3://bucket/prefix of the answers that hosts share, kept in the ``database``.
    """

    def __init__(
        self,
        workspace: Path | str,
        *,
        database: Path | str | None = None,
        answers: str | None = None,
        write: bool = False,
        scopes: Scopes = whole_tenant,
        reach: Reach = Reach(steering="refuse"),
    ) -> None:
        self.root = Path(workspace).expanduser()
        self.write, self._scopes, self._reach = write, scopes, reach
        self._database = database or self.root / HOME / "agentmem.db"
        self._opened, self._lock = ExitStack(), Lock()
        self._workspaces: dict[str, Workspace] = {}
        self._menus: dict[Tenant, Menu] = {}
        self._journal: Journal | None = None
        self._answers: AnswerCache | None = None
        self._answers_in = home_in(self.root, answers, database)
        if answers is not None:
            checked(answers, database)
        self.workspace("")

    def close(self) -> None:
        """Close what was opened. May be called twice."""
        self._opened.close()

    def menu(self, tenant: Tenant) -> Menu:
        """The tools that a tenant may use, in a fixed order. What it may not use is not there."""
        with self._lock:
            if tenant not in self._menus:
                self._menus[tenant] = Menu(tuple(self._tools(tenant)))
            return self._menus[tenant]

    def context(self, tenant: Tenant) -> ToolContext:
        """The context of a tenant's calls: its folder, and how far the tools go. Raises ConfigError."""
        return ToolContext(self.workspace(tenant.folder), "mcp", reach=self._reach)

    def call(self, tenant: Tenant, request: ToolCall) -> ToolResult:
        """The result of a tenant's call. Files that steer other programs are not changed: nobody can be asked here."""
        menu, context = self.menu(tenant), self.context(tenant)
        tool = menu.get(request.name)
        if tool and tool.function in steering.WRITERS:
            named = steering.steered(request, tool, context.workspace.root)
            if named:
                return refused(request, REFUSED.format(names=" and ".join(named)))
        return toolbox.call(menu, request, context)

    def workspace(self, folder: str) -> Workspace:
        """The workspace of a folder. Raises ConfigError if there is none."""
        with self._lock:
            if folder not in self._workspaces:
                self._workspaces[folder] = self._opened.enter_context(closing(Workspace(self.root / folder)))
            return self._workspaces[folder]

    def _tools(self, tenant: Tenant) -> Sequence[Tool]:
        names = _PAGES + (_CHANGES if self.write and tenant.write else ())
        own = [partial(one, self, tenant) for one in (_recall, _answers, _report, _why)]
        return [*map(built_in, names), *(tool(one, effect="read", name=_name(one)) for one in own)]

    def journal(self) -> Journal:
        """The journal of the workspace's runs. Raises ToolError if there is none yet. Nothing is created."""
        with self._lock:
            if self._journal is None:
                address = locate(self._database)
                if address.kind == "sqlite" and not Path(address.target).exists():
                    raise ToolError("No runs are kept here yet.")
                self._journal = self._opened.enter_context(closing(open_journal(self._database)))
            return self._journal

    def answers(self) -> "AnswerCache":
        """The workspace's answer cache. Raises ToolError if it has none yet. Nothing is created."""
        from agentmem.answers.cache import AnswerCache

        pages, (where, database) = self.workspace(""), self._answers_in
        with self._lock:
            if self._answers is None:
                with closing(home_of(where, database)) as home:
                    if not home.exists():
                        raise ToolError("No answers are kept here yet.")
                opened = AnswerCache(where, database=database, workspace=pages)
                self._answers = self._opened.enter_context(closing(opened))
            return self._answers

    def scopes(self, tenant: Tenant) -> Sequence[AnswerScope]:
        return self._scopes(tenant.name)

    def thread(self, tenant: Tenant, named: str) -> str:
        """The run of this name, or the tenant's latest. Raises ToolError for one that it may not see."""
        known = [one for one in self.journal().threads() if tenant.may_see(one.name)]
        if not named and known:
            return max(known, key=lambda one: one.updated).name
        if named not in [one.name for one in known]:
            names = ", ".join(one.name for one in sorted(known, key=lambda one: one.updated, reverse=True)[:20])
            raise ToolError(
                f"There is no run {named!r} that you may see. {f'There are {names}.' if names else ''}".strip()
            )
        return named


def _name(function: "partial[Any]") -> str:
    return str(function.func.__name__).lstrip("_")


def _recall(
    offer: Offer, tenant: Tenant, what: str, thread: str = "", part: Part = 1
) -> str | tuple[Text | Image, ...]:
    """Finds what an earlier run of an agent has said or seen: the exact text behind a reference such as main/12, or
    the passages that fit a question.

    Args:
        what: A reference, or a question.
        thread: The run. By default the latest.
        part: Which part of a long text.
    """
    from agentmem.recall.recall import JournalRecall

    named = offer.thread(tenant, thread)
    return recalled(what, named, JournalRecall(offer.journal(), named), part)


def _answers(offer: Offer, tenant: Tenant, question: str) -> str:
    """Looks a question up among the answers that were kept, for the same question or one that means the same. Nothing
    is made up: without a kept answer it says so.

    Args:
        question: The question, as a person would ask it.
    """
    cache = offer.answers()
    for scope in offer.scopes(tenant):
        if found := cache.get(question, context=scope):
            return found.text
    return "No answer to this is kept."


def _report(offer: Offer, tenant: Tenant, thread: str = "") -> str:
    """Tells what a run used: tokens, cache hits, tokens processed again, dollars with and without the cache.

    Args:
        thread: The run. By default the latest.
    """
    from agentmem.meter.ledger import rows
    from agentmem.meter.report import report

    named = offer.thread(tenant, thread)
    made = report(rows(offer.journal(), named), named)
    plain = {key: value for key, value in made.items() if not isinstance(value, list | dict)}
    return toolbox.readable(plain)


def _why(offer: Offer, tenant: Tenant, thread: str = "", part: Part = 1) -> str:
    """Tells where a run missed the cache: for each loss the place, the cause, the tokens and the fix.

    Args:
        thread: The run. By default the latest.
        part: Which part of a long list.
    """
    from agentmem.integrations.observing import read_run
    from agentmem.kvcache.why.diagnosis import diagnose
    from agentmem.kvcache.why.groups import grouped
    from agentmem.kvcache.why.texts import one_line

    named = offer.thread(tenant, thread)
    observed = read_run(offer.journal(), named)
    findings = diagnose(observed)
    if not findings:
        return f"{len(observed)} requests of {named}, and none read less from the cache than it could have."
    told = (
        f"{group.span}: {group.cause or 'unexplained'}{' (declared)' if group.declared else ''}"
        f"{f' in {one.segment}' if one.segment else ''}, {group.tokens_lost:,} tokens lost\n"
        f"  - {one_line(one.before or '')}\n  + {one_line(one.after or '')}\n  {one.fix}"
        f"{f'{chr(10)}  {group.saved}' if group.saved else ''}"
        for group in grouped((named, each) for each in findings)
        for one in group.findings[:1]
    )
    return part_of("\n".join(told), part, PART)


def check(offer: Offer, tenants: Sequence[Tenant]) -> None:
    """Open every tenant's folder, so that a missing one is told before anybody asks. Raises ConfigError."""
    for tenant in tenants:
        if not (offer.root / tenant.folder).is_dir():
            raise ConfigError(f"the folder {tenant.folder!r} of {tenant.name} is not in the workspace: make it")

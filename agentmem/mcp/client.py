"""The tools of an MCP server for an agent's menu: by name, with their effects, whatever becomes of the server."""

import logging
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from time import time
from typing import TYPE_CHECKING, Any, get_args

from agentmem import config
from agentmem.checking import COUNT, NOTHING, PATH, POSITIVE, TEXT, Wanted, check_settings, of
from agentmem.closing import Closing
from agentmem.distribution import install
from agentmem.errors import ConfigError, MenuError
from agentmem.mcp import catalogue, definitions, http, results, stdio
from agentmem.mcp.connection import ServerConnection, everything
from agentmem.mcp.definitions import Definition
from agentmem.mcp.faults import MOST, ServerFault
from agentmem.menu.arguments import checked_plainly
from agentmem.menu.tool import Tool, ToolContext
from agentmem.tokens import count
from agentmem.types import Clock, Effect, Image, Json, Text

if TYPE_CHECKING:
    from mcp import Client
    from mcp.types import CallToolResult, Resource

_log = logging.getLogger(__name__)
_MARGIN = 45.0  # seconds that a tool has beyond the server's own: to start it, and to tell what went wrong
_NAMED = 40  # tools that an error names

WANTED: Mapping[str, Wanted] = {
    "name": TEXT,
    "command": of(Sequence, "a list: the program and its arguments") | NOTHING,
    "url": TEXT | NOTHING,
    "only": of(Sequence, "a list of tools' names") | of(Mapping, "a mapping of tools' names to names on the menu"),
    "effects": of(Mapping, "a mapping of tools' names to effects"),
    "env": of(Mapping, "a mapping of variables"),
    "headers": of(Mapping, "a mapping of headers"),
    "cwd": PATH | NOTHING,
    "timeout": POSITIVE,
    "starting": POSITIVE,
    "cap": COUNT,
    "most_bytes": COUNT,
}
"""The arguments of an MCP."""


class MCP(Closing):
    """A server's tools, for ``Agent(tools=[...])``: only those that you name are on the menu.

        github = MCP("github", command=["github-mcp-server", "stdio"], only=["search_issues", "get_issue"],
                     env={"GITHUB_TOKEN": token})
        with Agent("anthropic:claude-sonnet-5-5", "notes", tools=["read", "write", github]) as agent:
            print(agent.run("Which issues are about time zones?").text)

    The definitions are read when the menu is made, and kept in the workspace, so an agent begins with the same prefix
    when the server cannot be reached. The server is started when it is needed, and again after it has ended; it ends
    with the last agent that uses it.

    Args:
        name: the name of the connection, in letters, digits, ``_`` and ``-``. It stands on every result.
        command: the program and its arguments, for a server on standard input and output.
        url: the address of a server on streamable HTTP, in place of ``command``.
        only: the tools' names; a mapping gives them other names on the menu.
        effects: for a tool "read", "write" or "outside", in place of what the server claims.
        env: variables of the command, beside the few that every command gets. No key of yours is among those.
        headers: of every request to ``url``, such as an Authorization.
        cwd: the command's folder.
        timeout: seconds for a call. starting: seconds until the server is ready.
        cap: the most tokens of a result. most_bytes: the most that the server may send in answer to one request.

    Raises:
        ConfigError, MenuError: a setting that does not fit; tools that the server does not have, or too many of them.
    """

    def __init__(
        self,
        name: str,
        *,
        command: Sequence[str] | None = None,
        url: str | None = None,
        only: Sequence[str] | Mapping[str, str] = (),
        effects: Mapping[str, Effect] = {},
        env: Mapping[str, str] = {},
        headers: Mapping[str, str] = {},
        cwd: Path | str | None = None,
        timeout: float = 60.0,
        starting: float = 30.0,
        cap: int = 25_000,
        most_bytes: int = MOST,
        clock: Clock = time,
    ) -> None:
        check_settings("MCP", locals(), WANTED)
        _check(name, command, url, effects)
        self.name, self.timeout, self.cap = name, timeout, cap
        self.only = dict(only) if isinstance(only, Mapping) else {one: definitions.menu_name(one) for one in only}
        self._effects, self._clock = dict(effects), clock
        self._listed: dict[str, Definition] = {}
        self._stale, self._users, self._lock = False, 0, threading.Lock()
        self._root: Path | None = None
        self.changes: tuple[str, ...] = ()
        variables = {**config.shell_environment(), **env}
        run = stdio.ServerCommand(command or (), variables, Path(cwd) if cwd else None)
        opened = partial(stdio.connected, run) if command else partial(http.connected, url or "", dict(headers))
        self._connection = ServerConnection(
            name, opened, starting, most_bytes, lambda: tuple(run.said), self._read_list, self._heard
        )

    # On a menu

    def tools(self, root: Path | None = None) -> tuple[Tool, ...]:
        """The named tools, as they are now. ``root`` is the workspace whose catalogue is read and kept.

        If the server cannot be reached they are as the catalogue has them. Raises MenuError or ConfigError.
        """
        known = catalogue.load(root, self.name) if root else catalogue.KnownTools()
        try:
            self._connection.call("its list of tools", self._nothing, self.timeout)
        except ServerFault as error:
            if not self.only or any(one not in known.tools for one in self.only):
                raise ConfigError(f"the tools of the MCP server {self.name!r} are not known: {error}") from error
            _log.warning("%s The menu has its tools as they were on %s.", error, known.seen)
            self._listed = dict(known.tools)
        self._check_names()
        self._notice(known, root)
        return tuple(map(self._tool, self.only))

    def use(self) -> None:
        """Count an agent that uses the connection."""
        with self._lock:
            self._users += 1

    def close(self) -> None:
        """Count an agent that no longer uses it; with the last one the server ends. A later call starts it again."""
        with self._lock:
            self._users = max(0, self._users - 1)
            if self._users:
                return
        self._connection.close()

    @property
    def starts(self) -> int:
        """How often the server has been started."""
        return self._connection.starts

    def differences(self, frozen: Mapping[str, Json]) -> dict[str, str]:
        """For each tool on the menu whose definition in ``frozen`` is no longer the server's: what is different now.

        ``frozen`` are definitions by names on the menu, as a thread has them in its prefix.
        """
        found = dict[str, str]()
        for tool, name in self.only.items():
            if name not in frozen:
                continue
            now = self._listed.get(tool)
            if now is None:
                found[name] = "the server does not have it any more"
            elif said := "; ".join(definitions.changes(frozen[name], self._definition(now))):
                found[name] = said
        return found

    def _definition(self, one: Definition) -> Json:
        return {"name": self.only[one.tool], "description": one.description, "input_schema": one.schema}

    def _check_names(self) -> None:
        if not self.only:
            tokens = sum(count(f"{one.description}{one.schema}") for one in self._listed.values())
            raise MenuError(
                f"name the tools of {self.name!r} that the model may use, as in only=[...]: each costs tokens in every "
                f"request, and all {len(self._listed)} would take about {tokens:,} more. It has {_named(self._listed)}."
            )
        for tool in self.only:
            if tool not in self._listed:
                near = get_close_matches(tool, self._listed, 3)
                guess = (
                    f"; did you mean {' or '.join(map(repr, near))}?" if near else f"; it has {_named(self._listed)}"
                )
                raise MenuError(f"the MCP server {self.name!r} has no tool {tool!r}{guess}")
        if unknown := sorted(set(self._effects) - set(self.only)):
            raise MenuError(f"effects name {unknown[0]!r}, which is not among only=[...] of {self.name!r}")

    def _notice(self, known: catalogue.KnownTools, root: Path | None) -> None:
        """Names what changed since the last run, and keeps the tools as they are now."""
        now = {one: self._listed[one] for one in self.only}
        before = {self.only[one]: self._definition(old) for one, old in known.tools.items() if one in self.only}
        self.changes = tuple(f"{name}: {said}" for name, said in self.differences(before).items())
        if self.changes:
            _log.warning(
                "tools of the MCP server %s have changed since %s, so new threads begin with another prefix: %s",
                *(self.name, known.seen, "; ".join(self.changes)),
            )
        if root and now != dict(known.tools):
            catalogue.keep(root, self.name, catalogue.KnownTools({**known.tools, **now}, self._now()[:10]))

    def _tool(self, tool: str) -> Tool:
        one = self._listed[tool]
        return Tool(
            self.only[tool],
            one.description,
            self._effects.get(tool, one.effect),
            one.schema,
            partial(self._call, tool),
            timeout=self.timeout + self._connection.starting + _MARGIN,
            cap=self.cap,
            when_cut="Ask for less at a time, or for a part.",
            context="context",
            check=partial(self._checked, tool),
            reads=("live",),
            source=self.name,
        )

    # Calls

    def _checked(self, tool: str, arguments: Json) -> dict[str, Any]:
        """The arguments, checked against what the server asks for now, which may differ from a thread's prefix."""
        now = self._listed.get(tool)
        given = checked_plainly(arguments, now.schema, self.only[tool]) if now else dict(arguments)
        return {"arguments": given}

    def _call(self, tool: str, arguments: dict[str, Any], context: ToolContext) -> list[Text | Image]:
        def work(client: "Client") -> Any:
            return self._asked(client, tool, arguments)

        result: CallToolResult = self._connection.call(tool, work, self.timeout, context.stop)
        if result.is_error:
            said = results.sentence(result) or "it did not say why."
            raise ServerFault("refused", server=self.name, tool=tool, why=said)
        return results.blocks(result)

    async def _asked(self, client: "Client", tool: str, arguments: dict[str, Any]) -> "CallToolResult":
        from mcp import MCPError
        from pydantic import ValidationError

        facts = {"server": self.name, "tool": tool}
        if self._stale:
            self._stale = False
            await self._read_list(client)
        if tool not in self._listed:
            near = ", ".join(get_close_matches(tool, self._listed, 3))
            raise ServerFault("gone", near=f"Near it are {near}, which your menu lacks. " if near else "", **facts)
        try:
            return await client.call_tool(tool, arguments)
        except MCPError as error:
            self._stale = True
            raise ServerFault("refused", why=str(error) or f"error {error.code}", **facts) from error
        except (ValidationError, RuntimeError) as error:
            raise ServerFault("unreadable", why=str(error).partition("\n")[0], **facts) from error

    async def _nothing(self, client: "Client") -> None:
        """The definitions are read when the server starts."""
        if self._stale:
            self._stale = False
            await self._read_list(client)

    async def _read_list(self, client: "Client") -> None:
        async def page(cursor: str | None) -> Any:
            return await client.list_tools(cursor=cursor)

        self._listed = definitions.by_name(await everything(page, "tools"))

    def _heard(self, method: str) -> None:
        self._stale = self._stale or method == "notifications/tools/list_changed"

    def _now(self) -> str:
        return f"{datetime.fromtimestamp(self._clock(), UTC):%Y-%m-%dT%H:%M:%SZ}"

    # Resources

    def resources(self) -> "list[Resource]":
        """The server's resources. Raises ServerFault."""

        async def work(client: "Client") -> list[Any]:
            async def page(cursor: str | None) -> Any:
                return await client.list_resources(cursor=cursor)

            return await everything(page, "resources")

        return self._connection.call("its list of resources", work, self.timeout)

    def resource(self, uri: str) -> list[Text | Image]:
        """The contents of a resource. Raises ServerFault."""

        async def work(client: "Client") -> list[Text | Image]:
            from mcp import MCPError

            try:
                return list(results.contents((await client.read_resource(uri)).contents))
            except MCPError as error:
                raise ServerFault("refused", server=self.name, tool=uri, why=str(error)) from error

        return self._connection.call(uri, work, self.timeout)


def _check(name: str, command: Sequence[str] | None, url: str | None, effects: Mapping[str, Effect]) -> None:
    if definitions.menu_name(name) != name or not name:
        raise ConfigError(f"a connection cannot be called {name!r}; use up to 64 letters, digits, _ and -")
    if isinstance(command, str) or (command is None) == (url is None) or command == []:
        raise ConfigError(f'give {name!r} either command=["program", "argument"] or url="https://..."')
    for tool, effect in effects.items():
        if effect not in get_args(Effect):
            raise ConfigError(f"the effect of {tool!r} is {effect!r}; it must be {', '.join(get_args(Effect))}")
    try:
        import mcp  # noqa: F401
    except ImportError as error:
        raise ConfigError(f"MCP servers need more packages ({error}): {install('mcp')}") from None


def _named(tools: Mapping[str, Definition]) -> str:
    names = list(tools)
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more if names else "none"

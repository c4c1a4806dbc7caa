"""Calls a tool for a model. Whatever goes wrong comes back as a result with plain sentences, never as a traceback."""

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable, Collection
from dataclasses import replace
from difflib import get_close_matches
from functools import partial
from typing import Any

from agentmem.errors import RecoverableError, ToolError, ToolRefused, ToolTimeout
from agentmem.menu import arguments, output, workers
from agentmem.menu.context import Found, Recall, Stop, ToolContext
from agentmem.menu.menu import Menu
from agentmem.menu.tool import Tool
from agentmem.scrub import scrub
from agentmem.types import Text, ToolCall, ToolResult

__all__ = ["Found", "Recall", "Stop", "ToolContext", "call"]

_log = logging.getLogger(__name__)
_SENTENCE = 2000  # tokens of a refusal: a stale page shows what changed
_MESSAGE = 500  # characters of an unforeseen error's message that the model is told


def call(
    menu: Menu,
    request: ToolCall,
    context: ToolContext,
    *,
    allowed: Collection[str] | None = None,
    loop: asyncio.AbstractEventLoop | None = None,
) -> ToolResult:
    """Runs the tool that ``request`` names and gives back its result, at most the tool's cap long.

    ``allowed`` names the tools that may run now (None: all of them); the others stay on the menu and refuse. An async
    function is awaited on ``loop`` where that runs in another thread, else on a loop of its own. Never raises but
    KeyboardInterrupt and SystemExit.
    """
    try:
        tool = _tool(menu, request.name, allowed)
        given = tool.checked(arguments.parse(request.arguments))
        stop = Stop()
        with context.stop.calling(stop.set):
            value = _run(tool, given, replace(context, stop=stop), _elsewhere(loop))
        return ToolResult(request.id, output.capped(output.blocks(value), tool.cap, tool.when_cut))
    except RecoverableError as error:
        return _failed(request, error.sentence)
    except Exception as error:
        _log.exception("the tool %s failed", request.name)
        return _failed(request, f"{request.name} failed: {_said(error)}")


def _tool(menu: Menu, name: str, allowed: Collection[str] | None) -> Tool:
    """Raises ToolError for a name that is not on the menu, ToolRefused for a tool that is not allowed now."""
    tool = menu.get(name)
    usable = [one for one in menu.names if allowed is None or one in allowed]
    now = f"You may use {', '.join(usable)}." if usable else "No tool may be used now: answer in words."
    if tool is None:
        near = get_close_matches(name, usable, 1)
        raise ToolError(f"There is no tool called {name!r}. {f'Did you mean {near[0]}? ' if near else ''}{now}")
    if name not in usable:
        raise ToolRefused(f"{name} is not allowed now. {now}")
    return tool


def _run(tool: Tool, given: dict[str, Any], context: ToolContext, loop: asyncio.AbstractEventLoop | None) -> object:
    if tool.context is not None:
        given[tool.context] = context
    job = partial(_called, partial(tool.function, **given), context.stop, loop)
    try:
        return workers.run(job, tool.timeout, context.stop)
    except workers.TimeUp as error:
        raise ToolTimeout(
            f"{tool.name} did not finish within {tool.timeout:g} seconds and was given up on. It may have done part "
            "of its work: look before you try again, and ask for less at a time."
        ) from error


def _called(function: Callable[[], object], stop: Stop, loop: asyncio.AbstractEventLoop | None) -> object:
    """Runs in a worker thread. What would end a program must not end the agent."""
    try:
        value = function()
        return _awaited(value, stop, loop) if inspect.isawaitable(value) else value
    except (SystemExit, asyncio.CancelledError) as error:
        raise ToolError(f"The tool stopped before it had a result ({type(error).__name__}).") from error


def _elsewhere(loop: asyncio.AbstractEventLoop | None) -> asyncio.AbstractEventLoop | None:
    """The loop, if waiting for it from this thread can work: it runs, and not here."""
    try:
        here = asyncio.get_running_loop()
    except RuntimeError:
        here = None
    return loop if loop is not None and loop is not here and loop.is_running() else None


def _awaited(value: Awaitable[object], stop: Stop, loop: asyncio.AbstractEventLoop | None) -> object:
    """The result of an async tool; its task is cancelled when the tool should stop."""
    if loop is not None:
        future = asyncio.run_coroutine_threadsafe(_result(value), loop)
        with stop.calling(future.cancel):
            return future.result()
    return asyncio.run(_cancellable(value, stop))


async def _result(value: Awaitable[object]) -> object:
    return await value


async def _cancellable(value: Awaitable[object], stop: Stop) -> object:
    task, loop = asyncio.ensure_future(_result(value)), asyncio.get_running_loop()
    with stop.calling(lambda: loop.call_soon_threadsafe(task.cancel)):
        return await task


def _failed(request: ToolCall, sentence: str) -> ToolResult:
    text = sentence or f"{request.name} failed and did not say why."
    return ToolResult(request.id, (Text(output.cut(text, _SENTENCE)),), is_error=True)


def _said(error: Exception) -> str:
    """An unforeseen error in one line."""
    message = scrub(" ".join(str(error).split()))
    short = message if len(message) <= _MESSAGE else f"{message[:_MESSAGE]}…"
    return f"{type(error).__name__}: {short}" if short else type(error).__name__

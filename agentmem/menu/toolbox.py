"""Calls tools for a model. An error comes back as a result with plain sentences, never as a traceback.

Tools run in threads, so that the caller can stop waiting when the time is up. A Python function cannot be killed: after
a time-out its thread continues until the function returns, and only then serves again. The threads are daemons, so that
one that hangs does not keep the program from ending.
"""

import asyncio
import atexit
import inspect
import json
import logging
import os
import re
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextvars import copy_context
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import partial
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any

from pydantic_core import to_jsonable_python

from agentmem.errors import RecoverableError, ToolError, ToolRefused, ToolTimeout
from agentmem.menu import arguments
from agentmem.menu.tool import Found, Menu, Recall, Stop, Tool, ToolContext
from agentmem.scrub import scrub
from agentmem.tokens import about, beginning, count, ending, exceeds
from agentmem.types import Image, Text, ToolCall, ToolResult

_HEAD = 2 / 3  # the share of a cap for the beginning; the end (errors, totals) gets the rest
_FEW, _UNEVEN = 40, 4  # the columns that any table may have; a wider one may have this many cells for each value
_SCALAR = (str, int, float, bool, type(None))


Later = Awaitable[object] | AsyncIterator[object]
"""What an async function gives, or one that yields."""
EMPTY = "(empty)"
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+(?=>)")


def blocks(value: object) -> tuple[Text | Image, ...]:
    """A tool's value as blocks. Text and pictures stay as they are; any other value becomes text like a page.

    Providers refuse text that is only white space: it is left out, and if nothing else is there, a sentence says so.
    """
    said = tuple(one for one in _blocks(value) if isinstance(one, Image) or one.text.strip())
    return said or (Text(EMPTY),)


def _blocks(value: object) -> Iterator[Text | Image]:
    if isinstance(value, Text | Image):
        yield value
    elif isinstance(value, list | tuple) and any(isinstance(one, Text | Image) for one in value):
        for one in value:
            yield from _blocks(one)
    else:
        yield Text(readable(value))


def readable(value: object) -> str:
    """A value as text: strings as they are, records as a list or a table, deeper values as JSON."""
    if value is None:
        return "Done."
    if isinstance(value, str):
        return value if value.strip() else EMPTY
    plain = to_jsonable_python(value, fallback=_words_of, serialize_unknown=True)
    if isinstance(plain, dict) and _is_record(plain):
        return "\n".join(f"- {key}: {_cell(one)}" for key, one in plain.items())
    if isinstance(plain, list) and plain and all(map(_is_record, plain)) and (columns := _columns(plain)):
        return _table(columns, plain)
    if isinstance(plain, list) and plain and _flat(plain):
        return "\n".join(f"- {_cell(one)}" for one in plain)
    return plain if isinstance(plain, str) else json.dumps(plain, ensure_ascii=False, indent=1)


def _words_of(value: object) -> str:
    """An object as its own text, without its address in memory: that says nothing, and differs from run to run."""
    return _ADDRESS.sub("", str(value))


def _is_record(value: object) -> bool:
    return isinstance(value, dict) and bool(value) and _flat(value.values())


def _flat(values: Iterable[object]) -> bool:
    return all(isinstance(one, _SCALAR) and "\n" not in str(one) for one in values)


def _columns(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The columns of a table of records; none if most of its cells would be empty."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    few = len(columns) <= _FEW or len(columns) * len(rows) <= _UNEVEN * sum(map(len, rows))
    return columns if few else []


def _table(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> str:
    lines = [columns, ["---"] * len(columns), *([_cell(row.get(column, "")) for column in columns] for row in rows)]
    return "\n".join("| " + " | ".join(str(one).replace("|", "\\|") for one in line) + " |" for line in lines)


def _cell(value: object) -> str:
    return json.dumps(value) if isinstance(value, bool | None) else str(value)


def capped(content: tuple[Text | Image, ...], cap: int, hint: str) -> tuple[Text | Image, ...]:
    """The blocks with at most ``cap`` tokens of text, without pictures. Says what was left out, and ``hint``."""
    left, kept = cap, list[Text | Image]()
    for at, block in enumerate(content, 1):
        if isinstance(block, Text):
            short = cut(block.text, max(left, cap // 10), hint)
            block = block if short is block.text else Text(short)
            left -= count(short) if at < len(content) else 0
        kept.append(block)
    return tuple(kept)


def cut(text: str, cap: int, hint: str = "") -> str:
    """The beginning and the end of a text of more than ``cap`` tokens, with a sentence between them."""
    if not exceeds(text, cap):
        return text
    total = about(text)
    head = beginning(text, int(cap * _HEAD))
    tail = ending(text[len(head) :], cap - int(cap * _HEAD))
    left_out = total - count(head) - count(tail)
    note = f"[{left_out:,} of {total:,} tokens are left out here.{' ' if hint else ''}{hint}]"
    return f"{head.rstrip()}\n\n{note}\n\n{tail.lstrip()}"


_GRACE = 3.0  # seconds that a stopped tool has to end its work


class TimeUp(Exception):
    """The function did not return in time. (A TimeoutError could also come from the function itself.)"""


@dataclass(eq=False, slots=True)
class _Job:
    function: Callable[[], Any]
    done: "SimpleQueue[None]" = field(default_factory=SimpleQueue)  # costs a fraction of an Event
    value: Any = None
    error: BaseException | None = None

    def ended(self, seconds: float) -> bool:
        """Waits this long for the end. True if it came."""
        try:
            self.done.get(timeout=seconds)
        except Empty:
            return False
        return True

    def run(self) -> None:
        try:
            self.value = self.function()
        except BaseException as error:  # of any kind: it is raised again in the thread that waits
            self.error = error


class _Workers:
    """The idle threads, each by the queue that it listens to, and the stops of the running jobs."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[SimpleQueue[_Job]] = []
        self._running: set[Stop] = set()
        self._watched = False

    def start(self, job: _Job, stop: Stop) -> None:
        with self._lock:
            self._watch()
            self._running.add(stop)
            queue = self._idle.pop() if self._idle else None
        if queue is None:
            queue = SimpleQueue()
            threading.Thread(target=self._serve, args=(queue,), name="agentmem-tool", daemon=True).start()
        queue.put(job)

    def finished(self, stop: Stop) -> None:
        with self._lock:
            self._running.discard(stop)

    def _serve(self, queue: "SimpleQueue[_Job]") -> None:
        while True:
            job = queue.get()
            job.run()
            with self._lock:  # idle before done: the caller may have the next job at once
                self._idle.append(queue)
            job.done.put(None)
            del job

    def _watch(self) -> None:
        if not self._watched:
            self._watched = True
            atexit.register(self.stop_all)
            os.register_at_fork(after_in_child=self.__init__)  # type: ignore[misc]  # a fork has none of the threads

    def stop_all(self) -> None:
        for stop in tuple(self._running):
            stop.set()


_workers = _Workers()


def stop_all() -> None:
    """Tells every running tool to stop, in all threads: the program is about to end."""
    _workers.stop_all()


def run(function: Callable[[], Any], timeout: float, stop: Stop) -> Any:
    """Runs ``function`` in another thread with the caller's context variables; returns or raises what it does.

    Raises TimeUp after ``timeout`` seconds. Then, and if the caller is interrupted, ``stop`` is set. A function that
    listens to it has a moment to end its work.
    """
    context = copy_context()
    job = _Job(lambda: context.run(function))
    _workers.start(job, stop)
    try:
        if not job.ended(timeout):
            raise TimeUp
    except BaseException:
        if stop.set():
            job.ended(_GRACE)
        raise
    finally:
        _workers.finished(stop)
    if job.error is not None:
        raise job.error
    return job.value


__all__ = ["Found", "Recall", "Stop", "ToolContext", "call"]

_log = logging.getLogger(__name__)
_SENTENCE = 2000  # tokens of a refusal: a stale page shows what changed
_MESSAGE = 500  # the most characters of an unexpected error's message that the model is told


def call(
    menu: Menu,
    request: ToolCall,
    context: ToolContext,
    *,
    allowed: Collection[str] | None = None,
    loop: asyncio.AbstractEventLoop | None = None,
) -> ToolResult:
    """Runs the tool that ``request`` names and returns its result, which is at most the tool's cap long.

    ``allowed`` names the tools that may run now (None: all); the others stay on the menu and refuse. An async function
    is awaited on ``loop`` if that runs in another thread, else on a loop of its own. Raises only KeyboardInterrupt and
    SystemExit.
    """
    try:
        tool = _tool(menu, request.name, allowed)
        given = tool.checked(arguments.parse(request.arguments))
        stop = Stop()
        with context.stop.calling(stop.set):
            value = _run(tool, given, replace(context, stop=stop), _elsewhere(loop))
        return ToolResult(request.id, capped(blocks(value), tool.cap, tool.when_cut))
    except RecoverableError as error:
        return _failed(request, error.sentence)
    except Exception as error:
        _log.error("the tool %s failed", request.name, exc_info=error.with_traceback(_outside(error)))
        return _failed(request, f"{request.name} failed: {_said(error)}")


def _outside(error: Exception) -> TracebackType | None:
    """The traceback from the tool's own code on, if the error came from there: how it was called helps nobody."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    return trace


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
        return run(job, tool.timeout, context.stop)
    except TimeUp as error:
        raise ToolTimeout(
            f"{tool.name} did not finish within {tool.timeout:g} seconds and was given up on. It may have done part "
            "of its work: look before you try again, and ask for less at a time."
        ) from error


def _called(function: Callable[[], object], stop: Stop, loop: asyncio.AbstractEventLoop | None) -> object:
    """Runs in a worker thread. An exception that would end a program must not end the agent.

    What is made bit by bit is made here, within the tool's time, and the model is told all of it.
    """
    try:
        value = function()
        if inspect.isawaitable(value) or isinstance(value, AsyncIterator):
            value = _awaited(value, stop, loop)
        return list(value) if isinstance(value, Iterator) else value
    except (SystemExit, asyncio.CancelledError) as error:
        raise ToolError(f"The tool stopped before it had a result ({type(error).__name__}).") from error


def _elsewhere(loop: asyncio.AbstractEventLoop | None) -> asyncio.AbstractEventLoop | None:
    """The loop if it runs, in another thread, so that this one can wait for it; else None."""
    try:
        here = asyncio.get_running_loop()
    except RuntimeError:
        here = None
    return loop if loop is not None and loop is not here and loop.is_running() else None


def _awaited(value: Later, stop: Stop, loop: asyncio.AbstractEventLoop | None) -> object:
    """The result of an async tool. Its task is cancelled when the tool should stop."""
    if loop is not None:
        future = asyncio.run_coroutine_threadsafe(_result(value), loop)
        with stop.calling(future.cancel):
            return future.result()
    return asyncio.run(_cancellable(value, stop))


async def _result(value: Later) -> object:
    """The result, and all that it yields if it is an async generator or another async iterator."""
    made = value if isinstance(value, AsyncIterator) else await value
    return [one async for one in made] if isinstance(made, AsyncIterator) else made


async def _cancellable(value: Later, stop: Stop) -> object:
    task, loop = asyncio.ensure_future(_result(value)), asyncio.get_running_loop()
    with stop.calling(lambda: loop.call_soon_threadsafe(task.cancel)):
        return await task


def _failed(request: ToolCall, sentence: str) -> ToolResult:
    text = sentence or f"{request.name} failed and did not say why."
    return ToolResult(request.id, (Text(cut(text, _SENTENCE)),), is_error=True)


def _said(error: Exception) -> str:
    """An unexpected error in one line."""
    message = scrub(" ".join(str(error).split()))
    short = message if len(message) <= _MESSAGE else f"{message[:_MESSAGE]}…"
    return f"{type(error).__name__}: {short}" if short else type(error).__name__

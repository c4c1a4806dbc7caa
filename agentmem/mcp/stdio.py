"""Starts a server's command and carries its messages: a line each, none longer than it may be, and no process left.

The SDK's own transport reads a line of any length into memory, and its servers outlive a client that is killed.
"""

import asyncio
import os
import sys
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agentmem.mcp import keeper
from agentmem.mcp.faults import Flooded, Flow

if TYPE_CHECKING:
    from mcp.shared.message import SessionMessage

_TAIL = 20  # lines of its standard error that are kept
_LONGEST = 500  # characters of one of them


@dataclass(slots=True)
class ServerCommand:
    """A server's command, its variables and its folder. ``said`` are the last lines of its standard error."""

    command: Sequence[str]
    environment: Mapping[str, str]
    cwd: Path | None = None
    said: deque[str] = field(default_factory=lambda: deque(maxlen=_TAIL))


@asynccontextmanager
async def connected(server: ServerCommand, flow: Flow) -> AsyncIterator[tuple[Any, Any]]:
    """Runs the command inside the block. Gives the streams of the SDK's transports: to read from, to write to.

    ``flow`` ends the connection when the server sends more than it may. Raises OSError if nothing can be started.
    """
    import anyio

    lifeline, held = os.pipe()
    try:
        process = await _start(server, lifeline, flow)
    except BaseException:
        os.close(held)
        raise
    finally:
        os.close(lifeline)
    incoming, to_read = anyio.create_memory_object_stream[Any](0)
    to_write, outgoing = anyio.create_memory_object_stream[Any](0)
    tasks = [
        asyncio.ensure_future(one)
        for one in (_read(process, incoming, flow), _write(process, outgoing, flow), _listen(process, server.said))
    ]
    try:
        yield to_read, to_write
    finally:
        try:
            with anyio.CancelScope(shield=True):  # also a caller that is cancelled leaves no process
                await _end(process, tasks, held, flow)
        finally:
            for stream in (incoming, to_read, to_write, outgoing):
                stream.close()


async def _start(server: ServerCommand, lifeline: int, flow: Flow) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-S", keeper.__file__, str(lifeline), *server.command),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=dict(server.environment),
        cwd=server.cwd,
        pass_fds=(lifeline,),
        start_new_session=True,
        limit=flow.most,
    )


async def _read(process: asyncio.subprocess.Process, incoming: Any, flow: Flow) -> None:
    """Passes each line on as a message. Ends with the server, or with one that sends too much."""
    import anyio

    assert process.stdout
    try:
        async with incoming:
            while line := await process.stdout.readline():
                flow.came(len(line))
                if line.strip():
                    await incoming.send(_message(line))
    except (Flooded, ValueError):  # readline raises ValueError for a line above the limit
        flow.flooded = True
    except (anyio.BrokenResourceError, anyio.ClosedResourceError, OSError):
        pass
    flow.end()


def _message(line: bytes) -> "SessionMessage | Exception":
    import mcp.types
    from mcp.shared.message import SessionMessage

    try:
        return SessionMessage(mcp.types.jsonrpc_message_adapter.validate_json(line, by_name=False))
    except ValueError as error:
        return error


async def _write(process: asyncio.subprocess.Process, outgoing: Any, flow: Flow) -> None:
    assert process.stdin
    with suppress(OSError):
        async for sent in outgoing:
            flow.sent()
            text = sent.message.model_dump_json(by_alias=True, exclude_unset=True)
            process.stdin.write(text.encode() + b"\n")
            await process.stdin.drain()


async def _listen(process: asyncio.subprocess.Process, said: deque[str]) -> None:
    """Keeps the last lines that the server writes for people; a longer line loses its end."""
    assert process.stderr
    held = b""
    while chunk := await process.stderr.read(4096):
        *lines, held = (held + chunk).split(b"\n")
        held = held[:_LONGEST]
        said.extend(line[:_LONGEST].decode(errors="replace").strip() for line in lines if line.strip())
    if held.strip():
        said.append(held.decode(errors="replace").strip())


async def _end(
    process: asyncio.subprocess.Process, tasks: Sequence[asyncio.Future[None]], held: int, flow: Flow
) -> None:
    """Closes the server's input, gives it a moment, and then has it killed with all that it started."""
    for task in tasks[:2]:
        task.cancel()
    await asyncio.gather(*tasks[:2], return_exceptions=True)
    if process.stdin:
        process.stdin.close()
    draining = asyncio.ensure_future(_drain(process))
    try:
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), flow.patience)
    finally:
        os.close(held)
        draining.cancel()
        try:
            await process.wait()
            await asyncio.gather(draining, *tasks, return_exceptions=True)
        finally:
            process._transport.close()  # type: ignore[attr-defined]  # its pipes else warn when they are collected


async def _drain(process: asyncio.subprocess.Process) -> None:
    """Reads on, so that a server that is still writing can get to the end of its input."""
    assert process.stdout
    while await process.stdout.read(65536):
        pass

"""How the agent calls its graph: a thread's name, the input, the configuration and the result of one run."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager
from typing import Any
from uuid import uuid4

from langgraph.types import Command

from agentmem.errors import ConfigError
from agentmem.runtime.events import Approval, Result, Status
from agentmem.runtime.session import Session
from agentmem.transcript.transcript import pack
from agentmem.types import Block, Text, ToolCall

Task = str | Sequence[Block]

UNSEEN = "__unseen"
"""Says in a configuration that nobody is shown a reply before it is whole. LangGraph keeps names like it to itself."""


def new_thread() -> str:
    """A name for a thread that nobody has."""
    return uuid4().hex[:12]


def input_of(task: Task | Approval | None) -> Any:
    """What the graph begins with: a task and a name for the run, or a person's answer."""
    if isinstance(task, Approval):
        allow = task.allow if isinstance(task.allow, bool) else dict(task.allow)
        return Command(resume={"allow": allow, "reason": task.reason})
    blocks = [Text(task)] if isinstance(task, str) else task or []
    if task is not None and not any(not isinstance(one, Text) or one.text.strip() for one in blocks):
        raise ConfigError("the task is empty: say what is to be done, or leave it out to finish what was cut off")
    return {"task": [pack(block) for block in blocks], "run": uuid4().hex}


def config_of(thread: str, allow: Sequence[str] | None, **more: Any) -> Any:
    """The graph's configuration: the thread, and the tools that may be used."""
    allowed = {} if allow is None else {"allow": list(allow)}
    # LangGraph stops after this many steps; the limits of a run are ours to keep.
    return {"configurable": {"thread_id": thread, **allowed, **more}, "recursion_limit": 1_000_000}


def result_of(session: Session, pending: tuple[ToolCall, ...], stop: str | None) -> Result:
    """How a run ended: ``pending`` are the calls that wait for a person, ``stop`` is what stopped it."""
    spent = session.tally.spent
    status: Status = "stopped" if stop else "waiting" if pending else "done"
    names = ", ".join(call.name for call in pending)
    return Result(
        thread=session.thread,
        status=status,
        text=session.tally.answer,
        reason=stop or (f"waits for approval: {names}" if pending else ""),
        pending=pending,
        turns=spent.turns,
        usage=tuple(spent.usage.values()),
        cost_usd=spent.usd,
        stop_reason=session.tally.stop,
        priced=spent.priced,
        unpriced=spent.unpriced,
    )


@asynccontextmanager
async def elsewhere(held: AbstractContextManager[object]) -> AsyncIterator[None]:
    """What is held, taken and given back without holding up the event loop."""
    with ExitStack() as stack:
        await asyncio.to_thread(stack.enter_context, held)
        try:
            yield
        finally:
            await asyncio.to_thread(stack.close)

"""Decides the entry of a planned compaction, without any input or output of its own.

`decide` is a generator: it yields what a model is to be asked, and is sent what came back. So one function serves
threads and asyncio, our own runtime, other people's agents and replay; each does the sending in its own way.
"""

from collections.abc import Awaitable, Callable, Generator
from contextlib import closing
from dataclasses import dataclass
from typing import Literal, TypeVar

from agentmem import assets
from agentmem.compaction.acceptance import accept, carry, fallback
from agentmem.compaction.plan import Plan
from agentmem.compaction.summary import instruction
from agentmem.context.view import View
from agentmem.context.window import aside
from agentmem.errors import SummaryRejected
from agentmem.types import Draft, Json

Author = Literal["model", "mechanical"]
"""The author of a summary."""

AGAIN = 2_000
"""The tokens that a thread must grow before the next try, if no summary was accepted."""


@dataclass(frozen=True, slots=True)
class SummaryQuestion:
    """A request for a summary: the ``text`` of the instruction, and ``view``, which ends with it.

    The request is the context as it was last sent, with one instruction after it: same model, tools, tool choice,
    thinking and effort, since each change would lose the cache. ``attempt`` counts from 1.
    """

    plan: Plan
    view: View
    text: str
    attempt: int


@dataclass(frozen=True, slots=True)
class SummaryAnswer:
    """The model's answer: its text, and ``called`` if it called a tool, which is no answer."""

    text: str
    called: bool = False


@dataclass(frozen=True, slots=True)
class CutDecision:
    """The entry to append, who wrote its summary, how often a model was asked, and why its answers were refused."""

    draft: Draft
    by: Author
    attempts: int
    refused: tuple[str, ...] = ()


Deciding = Generator[SummaryQuestion, SummaryAnswer | None, CutDecision]
"""Yields questions and is sent their answers, None for a request that failed. Returns the decision."""


def decide(made: Plan, kept: Callable[[], Json] = dict, *, ask: bool = True) -> Deciding:
    """Decides the entry of the compaction ``made``.

    ``kept`` gives the caller's own values for the cut; it is called after each answer. Without ``ask`` no model is
    asked: the summary that stands is carried on, or one is made mechanically. Raises SummaryRejected if no summary
    helps; then nothing is cut.
    """
    if not made.asks:
        return CutDecision(_carried(made, kept), "mechanical", 0)
    attempts = made.sizes.attempts if ask else 0
    text = instruction(made, assets.read("prompts/summary.md")) if attempts else ""
    refused: list[str] = []
    for attempt in range(1, attempts + 1):
        answer = yield SummaryQuestion(made, aside(made.view, made.asked, text), text, attempt)
        if answer is None:
            continue
        try:
            return CutDecision(_accepted(made, answer, kept), "model", attempt, tuple(refused))
        except SummaryRejected as error:
            refused.append(str(error))
    return CutDecision(fallback(made, kept()), "mechanical", attempts, tuple(refused))


def _carried(made: Plan, kept: Callable[[], Json]) -> Draft:
    try:
        return carry(made, kept())
    except SummaryRejected:
        return fallback(made, kept())


def _accepted(made: Plan, answer: SummaryAnswer, kept: Callable[[], Json]) -> Draft:
    if answer.called:
        raise SummaryRejected("the model called a tool")
    return accept(made, answer.text, kept())


A = TypeVar("A")
B = TypeVar("B")
R = TypeVar("R")


def drive(steps: Generator[A, B, R], send: Callable[[A], B]) -> R:
    """What a generator returns that yields requests: each goes to ``send``, whose result or error it gets back."""

    async def sent(asked: A) -> B:
        return send(asked)

    made = drive_async(steps, sent)
    try:
        made.send(None)  # nothing in it waits, so its first step is its last
    except StopIteration as done:
        returned: R = done.value
        return returned
    made.close()
    raise AssertionError("a coroutine that waits for nothing did not end")


async def drive_async(steps: Generator[A, B, R], send: Callable[[A], Awaitable[B]]) -> R:
    """`drive` for asyncio."""
    with closing(steps):
        try:
            asked = next(steps)
            while True:
                try:
                    answer = await send(asked)
                except Exception as error:
                    asked = steps.throw(error)
                else:
                    asked = steps.send(answer)
        except StopIteration as done:
            returned: R = done.value
            return returned

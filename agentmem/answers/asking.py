"""Asks through the cache: a kept answer is served; otherwise one is made once, and kept if it may be.

It is written once for threads and asyncio: the steps are coroutines, which for threads never wait.
"""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any, Generic, Literal, ParamSpec, Protocol, TypeVar

from agentmem.answers.admission import Keeper, KeptResult
from agentmem.answers.audit import Audits
from agentmem.answers.exclusions import withheld
from agentmem.answers.hits import HitLog
from agentmem.answers.lookup import Looked, Lookups
from agentmem.answers.stats import Counters
from agentmem.answers.store import AnswerStore, KeptEntry
from agentmem.answers.upkeep import BackgroundTasks
from agentmem.answers.values import Answer, AnswerScope
from agentmem.errors import AnswersError

T = TypeVar("T")
_leading: ContextVar[frozenset[tuple[int, str]]] = ContextVar("agentmem_answers_leading", default=frozenset())
"""The flights that the current work is part of. To wait for one of them would be to wait for itself."""


class Flights(Generic[T]):
    """Answers that are being made now, by key. ``shared`` says whether a result may be given to others who wait."""

    def __init__(self, shared: Callable[[T], bool]) -> None:
        self._shared = shared
        self._open: dict[str, tuple[Future[T], int]] = {}
        self._lock = threading.Lock()

    def run(self, key: str, work: Callable[[], T]) -> tuple[T, bool]:
        """The result of ``work`` or of the same work elsewhere, and whether it was elsewhere. Its errors are raised."""
        while True:
            future, leads, thread = self._joined(key)
            if not leads and thread == threading.get_ident():  # waiting for work of this thread would never end
                return work(), False
            if leads:
                with self._led(key, future):
                    result = work()
                    future.set_result(result)
                return result, False
            try:
                result = future.result()
            except CancelledError:
                continue
            return (result, True) if self._shared(result) else (work(), False)

    async def arun(self, key: str, work: Callable[[], Awaitable[T]]) -> tuple[T, bool]:
        """`run` for asyncio."""
        if (id(self), key) in _leading.get():
            return await work(), False
        while True:
            future, leads, _ = self._joined(key)
            if leads:
                with self._led(key, future):
                    result = await work()
                    future.set_result(result)
                return result, False
            try:
                result = await asyncio.shield(asyncio.wrap_future(future))
            except asyncio.CancelledError:
                if future.cancelled():
                    continue  # the leader was cancelled, not this task
                raise
            return (result, True) if self._shared(result) else (await work(), False)

    def _joined(self, key: str) -> tuple[Future[T], bool, int]:
        """The flight of a key, whether it was begun here, and the thread that it was begun on."""
        with self._lock:
            if (known := self._open.get(key)) is not None:
                return known[0], False, known[1]
            future: Future[T] = Future()
            self._open[key] = future, threading.get_ident()
            return future, True, threading.get_ident()

    @contextmanager
    def _led(self, key: str, future: "Future[T]") -> Iterator[None]:
        """End the flight however the work ends: all get an error, but only the leader a cancellation."""
        token = _leading.set(_leading.get() | {(id(self), key)})
        try:
            yield
        except Exception as error:
            future.set_exception(error)
            raise
        finally:
            _leading.reset(token)
            with self._lock:
                self._open.pop(key, None)
            if not future.done():
                future.cancel()


P = ParamSpec("P")

Answering = Callable[[str], "str | Answer"]
"""Answers a question. Its errors are raised to the caller, and nothing is kept."""
AsyncAnswering = Callable[[str], "Awaitable[str | Answer]"]


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer, and where it came from.

    ``how``: "exact" for the same question, "semantic" for one that means the same, "shared" with others who asked at
    the same time, "fresh" for a new one. ``kept`` says whether a fresh answer was kept, or why not.

    Example:
        >>> answered = cache.ask("What are your opening hours?", answering)
        >>> print(answered.how, answered.text)
    """

    text: str
    how: Literal["exact", "semantic", "shared", "fresh"]
    looked: Looked
    answer: Answer | None = None
    kept: KeptResult | None = None

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Made:
    """The result of a flight: an entry that another process has kept meanwhile, or a fresh answer."""

    answer: Answer
    kept: KeptResult
    entry: KeptEntry | None = None

    @property
    def shared(self) -> bool:
        """True if it may be given to all who asked."""
        if self.entry is not None:
            return True
        return "user" not in self.answer.reads and (bool(self.kept) or not withheld(self.answer))


Work = Callable[[], Coroutine[Any, Any, object]]


class Way(Protocol):
    """The way in which steps run: at once, or without blocking the event loop."""

    async def call(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T: ...

    async def answer(self, question: str) -> Answer: ...

    async def fly(self, flights: Flights[Made], key: str, work: Callable[[], Coroutine[Any, Any, Made]]) -> Any: ...

    def in_background(self, background: BackgroundTasks, work: Work) -> None: ...


class Now:
    """For threads."""

    def __init__(self, answering: Answering) -> None:
        self._answering = answering

    async def call(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return work(*args, **kwargs)

    async def answer(self, question: str) -> Answer:
        began = time.perf_counter()
        return _timed(self._answering(question), began)

    async def fly(self, flights: Flights[Made], key: str, work: Callable[[], Coroutine[Any, Any, Made]]) -> Any:
        return flights.run(key, lambda: finished(work()))

    def in_background(self, background: BackgroundTasks, work: Work) -> None:
        background.add(lambda: finished(work()))


class Later:
    """For asyncio."""

    def __init__(self, answering: AsyncAnswering) -> None:
        self._answering = answering

    async def call(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await asyncio.to_thread(work, *args, **kwargs)

    async def answer(self, question: str) -> Answer:
        began = time.perf_counter()
        return _timed(await self._answering(question), began)

    async def fly(self, flights: Flights[Made], key: str, work: Callable[[], Coroutine[Any, Any, Made]]) -> Any:
        return await flights.arun(key, work)

    def in_background(self, background: BackgroundTasks, work: Work) -> None:
        background.task(work())


def finished(work: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that never waits."""
    try:
        work.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    raise AssertionError("a step for threads waited")


class Asking:
    """Serves, makes and keeps answers."""

    def __init__(
        self,
        store: AnswerStore,
        lookups: Lookups,
        keeper: Keeper,
        audits: Audits,
        counters: Counters,
        background: BackgroundTasks,
        hits: HitLog,
    ) -> None:
        self._hits = hits
        self._store, self._lookups, self._keeper = store, lookups, keeper
        self._audits, self._counters, self._background = audits, counters, background
        self._flights: Flights[Made] = Flights(lambda made: made.shared)

    async def ask(self, question: str, context: AnswerScope, way: Way, *, known: bool = True) -> Answered:
        """The answer to a question, kept or fresh. One of which nobody knows what it refers to is not looked up."""
        looked = await way.call(self._lookups.look if known else self._lookups.unknown, question, context)
        if looked.entry is not None:
            self._follow(looked, way)
            return self.served(looked, looked.entry)
        if looked.how == "excluded":
            answer = await way.answer(question)
            self.count(looked)
            return Answered(answer.text, "fresh", looked, answer, KeptResult(reason=f"{looked.rule}: {looked.detail}"))
        made, shared = await way.fly(self._flights, looked.key, lambda: self._made(looked, way))
        if made.entry is not None or shared:
            return self._shared(looked, made)
        self.count(looked)
        return Answered(made.answer.text, "fresh", looked, made.answer, made.kept)

    def served(self, looked: Looked, entry: KeptEntry) -> Answered:
        """A hit, counted in the statistics."""
        self.count(looked)
        self._saved(entry.usd, entry.seconds, looked)
        self._hits.add(looked, entry)
        how: Literal["exact", "semantic"] = "semantic" if looked.how == "semantic" else "exact"
        return Answered(entry.answer, how, looked)

    def count(self, looked: Looked) -> None:
        """Count one lookup."""
        self._counters.add(looked.how, looked.kind)
        if looked.failed:
            self._counters.add("failed", looked.kind)

    async def _made(self, looked: Looked, way: Way) -> Made:
        """The work of a flight: an entry kept since the lookup, else a fresh answer."""
        again = await way.call(self._lookups.exact, looked)
        if again is not None:
            return Made(Answer(again.answer), KeptResult(again.id), again)
        since = await way.call(self._epoch)
        answer = await way.answer(looked.question)
        return Made(answer, await way.call(self._kept, looked, answer, since))

    def _kept(self, looked: Looked, answer: Answer, since: int | None) -> KeptResult:
        """Keep an answer. If that fails, for example because the disk is full, the answer is still given."""
        try:
            return self._keeper.keep(looked, answer, since)
        except AnswersError as error:
            self._counters.add("failed", looked.kind)
            return KeptResult(reason=str(error))

    def _epoch(self) -> int | None:
        try:
            return self._store.epoch
        except AnswersError:
            return None

    def _shared(self, looked: Looked, made: Made) -> Answered:
        """A hit on an answer that was made for another caller at the same time."""
        looked = replace(looked, how="exact", rule="asked at the same time", entry=made.entry)
        self.count(looked)
        self._counters.add("shared", looked.kind)
        self._saved(made.answer.usd, made.answer.seconds, looked)
        return Answered(made.answer.text, "shared", looked, None, made.kept)

    def _saved(self, usd: float | None, seconds: float | None, looked: Looked) -> None:
        self._counters.add("saved_usd", looked.kind, usd or 0.0)
        self._counters.add("saved_seconds", looked.kind, max(0.0, (seconds or 0.0) - looked.seconds))

    def _follow(self, looked: Looked, way: Way) -> None:
        """After a hit was served, start an audit of it, or checks of other entries."""
        if self._audits.chosen():
            way.in_background(self._background, lambda: self._quietly(self._audited(looked, way), looked))
        if self._audits.time_to_check():
            way.in_background(self._background, lambda: self._quietly(self._checked(looked, way), looked))

    async def _quietly(self, work: Coroutine[Any, Any, None], looked: Looked) -> None:
        try:
            await work
        except Exception:  # the user's function may raise anything, and nobody waits for it here
            self._counters.add("audit_failed", looked.kind)

    async def _checked(self, looked: Looked, way: Way) -> None:
        for entry in await way.call(self._audits.due, looked.scope):
            await self._quietly(self._checked_again(entry, way), looked)

    async def _checked_again(self, entry: KeptEntry, way: Way) -> None:
        await way.call(self._audits.checked, entry, await way.answer(entry.question))

    async def _audited(self, looked: Looked, way: Way) -> None:
        since = await way.call(self._epoch)
        fresh = await way.answer(looked.question)
        if not await way.call(self._audits.judge, looked, fresh):
            await way.call(self._kept, looked, fresh, since)


def _timed(given: "str | Answer", began: float) -> Answer:
    answer = given if isinstance(given, Answer) else Answer(given)
    return replace(answer, seconds=time.perf_counter() - began) if answer.seconds is None else answer

"""A call of a run under a key: the first one starts its task, and every other one gets that run's result.

A later call waits while the run works, on whatever host, goes on with it if its process has died, and gives its result
when it is done. The lease on the thread and the row of the key decide; nothing is kept in the process.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from typing import Any

from agentmem.errors import ConfigError, ThreadBusy
from agentmem.kvcache.frames import canonical
from agentmem.runtime.events import Approval, Result, Submitted
from agentmem.runtime.invocation import KEYED, Task, input_of, result_of, settled
from agentmem.runtime.returns import ROUNDS, Returns
from agentmem.runtime.session import Session, Sessions
from agentmem.transcript import checkpoint, submissions
from agentmem.transcript.rows import is_name
from agentmem.transcript.submissions import Submission
from agentmem.transcript.transcript import pack
from agentmem.types import Text

Running = Callable[[str], AbstractContextManager[None]]
"""Holds a thread for a run."""

_SOON, _LATEST = 0.05, 1.0
"""Seconds between two looks whether a thread is free: they double from the first to the last."""


def submission_of(key: str, task: Task | Approval | None, thread: str | None) -> Submission:
    """A task under its key. Without a thread it gets one of its own. Raises ConfigError."""
    if not is_name(key):
        raise ConfigError(f"a key is 1 to 200 printable characters, and {key!r:.100} is not")
    if task is None or isinstance(task, Approval):
        raise ConfigError("a key goes with a task: an approval, or a run without a task, names its thread")
    input_of(task)
    digest = sha256(f"key\n{key}".encode()).hexdigest()
    blocks = [Text(task)] if isinstance(task, str) else task
    said = sha256(canonical([pack(block) for block in blocks])).hexdigest()
    return Submission(key, thread or f"key-{digest[:20]}", digest[:32], said)


@dataclass
class Once:
    """One call of a run on ``thread``. Without a key, ``asked`` is None and nothing is looked up."""

    sessions: Sessions
    thread: str
    asked: Submission | None = None
    how: Submitted = ""

    @contextmanager
    def holding(self, running: Running, wanted: Returns) -> Iterator[Result | None]:
        """Holds the thread, as ``running`` does; gives the result if the key's run is done already.

        With a key a busy thread is waited for.
        """
        with ExitStack() as held:
            found, wait = self.found(wanted, held=False), 0.0
            if found is None:
                while wait := self._tried(lambda: held.enter_context(running(self.thread)), wait):
                    time.sleep(wait)
                found = self.found(wanted)
            yield found

    @asynccontextmanager
    async def aholding(self, running: Running, wanted: Returns) -> AsyncIterator[Result | None]:
        """`holding` for asyncio: who waits takes no thread, and a cancelled call leaves nothing held."""
        held = ExitStack()
        try:
            found, wait = await asyncio.to_thread(partial(self.found, wanted, held=False)), 0.0
            if found is None:
                while wait := await settled(
                    lambda: self._tried(lambda: held.enter_context(running(self.thread)), wait)
                ):
                    await asyncio.sleep(wait)
                found = await asyncio.to_thread(self.found, wanted)
            yield found
        finally:
            await settled(held.close)

    def _tried(self, hold: Callable[[], object], waited: float) -> float:
        """Zero if the thread was taken; else the seconds until the next try."""
        try:
            hold()
        except ThreadBusy:
            if self.asked is None:
                raise
            self.how = "joined"
            return min(2 * waited or _SOON, _LATEST)
        return 0.0

    def found(self, wanted: Returns, *, held: bool = True) -> Result | None:
        """The result if the key's run is done. Else None, and then ``how`` says how it goes on.

        Without the thread ``held``, only a whole result counts.
        """
        if self.asked is None:
            return None
        known = self.sessions.journal.submission(self.asked.key)
        ended, is_last = self._ended(known) if known else (None, False)
        if ended:
            judge = wanted if held and is_last else Returns(wanted.wanted, ROUNDS)
            result = judge.judged(ended, result_of(ended, (), ended.ending))
            if result and (held or result.status == "done"):
                return replace(result, submitted=self.how or "finished")
        if held:
            self.how = "resumed" if known else "started"
        return None

    @property
    def is_new(self) -> bool:
        """True if the task is to be said now."""
        return self.how in ("", "started")

    @property
    def run(self) -> str:
        """The name of the key's run, or ""."""
        return self.asked.run if self.asked else ""

    @property
    def config(self) -> dict[str, Any]:
        """What the graph must know: the submission of a new task."""
        return {KEYED: self.asked} if self.asked and self.is_new else {}

    def told(self, result: Result) -> Result:
        """The result, which says what became of the call."""
        return replace(result, submitted=self.how)

    def _ended(self, known: Submission) -> tuple[Session | None, bool]:
        """The session as it was when the key's run ended, None if it has not; and if that run is the thread's last."""
        session = self.sessions[known.thread].refresh()
        if session.tally.run == known.run:
            return (None if session.view.open or session.view.ready else session), True
        return _as_it_was(session, known.run), False


def once(sessions: Sessions, key: str, task: Task | Approval | None, thread: str | None) -> Once:
    """A call under a key, checked against the first one. Raises ConfigError, KeyTaken."""
    asked = submission_of(key, task, thread)
    known = sessions.journal.submission(key)
    if known is None:
        return Once(sessions, asked.thread, asked)
    names = (None, known.thread, checkpoint.origin_of(sessions.journal.storage, known.thread))
    if known.task != asked.task or thread not in names:
        raise submissions.taken(key, known.thread)
    return Once(sessions, known.thread, known)


def _as_it_was(session: Session, run: str) -> Session:
    """The session before the first message that followed a run."""
    began = False
    for entry in session.journal.entries(session.thread):
        if entry.kind == "user":
            if began:
                return Session(session.journal, session.thread).fold(entry.seq)
            began = entry.value["run"] == run
    return session

"""One request and its reply: prepared, listened to, mended where it fails, and written down.

What asyncio and plain runs share. Nothing here waits or calls the model; the graph does, and tells.
"""

from collections.abc import Callable
from time import monotonic
from typing import Any

from agentmem.context import withheld
from agentmem.errors import ModelError, ModelOverloaded, ModelRejected, ModelUnreachable, PromptTooLong
from agentmem.menu.tool import Stop
from agentmem.runtime.events import Metered, Stopped
from agentmem.runtime.session import Session
from agentmem.runtime.steps import Steps
from agentmem.types import Delta, Reply, Request, TextDelta, Waiting

AGAIN = 2
"""How often a reply is asked for again that broke off after its first text, as long as nobody was shown it."""
DELAY = 0.5
"""Seconds before that, doubled with each."""

Write = Callable[[Any], None]
"""Hands an event to whoever watches."""


class OutOfTime(Exception):
    """The run's seconds are over while the model is at work, or would be."""


class ModelCall:
    """One request of a run. ``unseen``: nobody is shown the reply's text before it is whole."""

    def __init__(self, steps: Steps, session: Session, write: Write, *, unseen: bool) -> None:
        self.steps, self.session, self.write = steps, session, write
        self.request: Request | None = None
        self.stop: str | None = None
        self.unseen, self.left = unseen, Stop()
        self._reply: Reply | None = None
        self._began = self._at = 0.0
        self._broken = 0
        self._text = self._made_room = False

    def begin(self) -> Request | None:
        """The request to send now; None where something stops the run: then ``stop`` says what."""
        self.stop = self.stop or self.steps.stopped(self.session)
        if not self.stop:
            for event in self.steps.compacted(self.session):
                self.write(event)
            self.stop = self.steps.without_room(self.session)
        if self.stop:
            self.write(Stopped(self.stop))
            return None
        self.request, self._reply, self._text, self.left = self.steps.prepare(self.session), None, False, Stop()
        self._at = self.steps.clock()
        return self.request

    @property
    def seconds(self) -> float | None:
        """How long the run may still take; None for as long as it likes."""
        most = self.steps.limits.max_seconds
        return None if most is None else max(0.0, most - (monotonic() - self.session.began))

    def take(self, delta: Delta) -> None:
        """One piece of the reply. Raises OutOfTime for a wait that is longer than the run may be."""
        if self.left.stopped:
            raise OutOfTime
        if isinstance(delta, Reply):
            self._reply = delta
            return
        self._text = self._text or isinstance(delta, TextDelta)
        if isinstance(delta, Waiting) and self.seconds is not None and delta.seconds > self.seconds:
            raise OutOfTime(f"{delta.reason}; the wait of {delta.seconds:.0f} s would be longer than the run may take")
        self.write(delta)

    def heard(self) -> None:
        """The stream has ended. Raises ModelError where it gave no reply."""
        if self._reply is None:
            raise ModelError("the model's stream ended without a reply")

    def done(self) -> None:
        """Writes down the reply; ``stop`` says where the run ends with it."""
        if self.request and self._reply:
            self.write(Metered(self.steps.commit(self.session, self.request, self._reply, self._at)))
        if not self.session.view.open and (stop := self.steps.ended(self.session)):
            self.stop = stop
            self.write(Stopped(stop))

    def mend(self, error: Exception) -> float:
        """A request that failed has its row in the ledger. Gives the seconds after which to begin again; raises the
        error where that would not help."""
        if self.request:
            self.steps.failed(self.session, self.request, error, self._at)
        for kinds, mend in _MENDING:
            if isinstance(error, kinds) and (wait := mend(self, error)) is not None:
                return wait
        raise error

    def _out_of_time(self, error: Exception) -> float | None:
        late = f"the model had not answered when the limit of {self.steps.limits.max_seconds} s was reached"
        self.stop = f"max_seconds: {str(error) or late}"
        return 0.0

    def _less(self, error: Exception) -> float | None:
        if self._made_room:
            return None
        self._made_room = True
        event = self.steps.make_room(self.session)
        if event:
            self.write(event)
        return 0.0 if event else None

    def _withhold(self, error: Exception) -> float | None:
        """What the provider refused by its place is shown as a reference from then on, and the run goes on."""
        draft = (
            withheld.draft(self.session.view, self.session.thread, error) if isinstance(error, ModelRejected) else None
        )
        if draft:
            self.session.append(draft)
        return 0.0 if draft else None

    def _once_more(self, error: Exception) -> float | None:
        """A break after the first text, which the model's own retries are not for."""
        if not (self._text and self.unseen) or self._broken >= AGAIN:
            return None
        self._broken += 1
        wait = DELAY * 2.0 ** (self._broken - 1)
        self.take(Waiting(wait, f"the reply broke off: {error}"))
        return wait


_MENDING: tuple[tuple[tuple[type[Exception], ...], Callable[[ModelCall, Exception], float | None]], ...] = (
    ((OutOfTime,), ModelCall._out_of_time),
    ((PromptTooLong,), ModelCall._less),
    ((ModelRejected,), ModelCall._withhold),
    ((ModelUnreachable, ModelOverloaded), ModelCall._once_more),
)
"""What mends which errors, in order: seconds after which to begin again, None where it does not help."""

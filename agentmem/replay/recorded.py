"""The recording's own context: as it was sent, cuts included."""

from collections.abc import Iterable
from itertools import count

from agentmem.replay.layout import Run, Strip
from agentmem.replay.opening import SessionOpening, reminder, unknown
from agentmem.replay.session import RecordedCut
from agentmem.types import Frame


class RecordedContext:
    """Follows one session's requests."""

    def __init__(self, opening: SessionOpening) -> None:
        self._reminders = Strip(opening.reminders)
        self._live = Strip(opening.earlier)
        self._versions = count(1)

    def send(self, arrived: Iterable[Frame], cut: RecordedCut | None) -> tuple[Run, ...]:
        """The message frames of the next request, as runs."""
        if cut is None:
            self._live.extend(arrived)
        else:
            self._live = Strip(self._after(cut))
        return self.runs

    def reply(self, frames: Iterable[Frame]) -> tuple[Run, ...]:
        """The same with the reply."""
        self._live.extend(frames)
        return self.runs

    @property
    def runs(self) -> tuple[Run, ...]:
        """The context so far."""
        return self._reminders.run(), self._live.run()

    def _after(self, cut: RecordedCut) -> tuple[Frame, ...]:
        if cut.kind == "resume":
            tokens = self._reminders.tokens[-1]
            self._reminders = Strip((reminder(tokens, next(self._versions)),)) if tokens else self._reminders
        if not cut.hidden:
            return cut.frames
        return (*cut.frames, unknown("message", f"restored {next(self._versions)}", cut.hidden))

"""Work in the background, on one thread of its own that is there only while there is some."""

import logging
import threading
from collections.abc import Callable, Iterable

_log = logging.getLogger(__name__)


def each(pieces: Iterable[Callable[[], object]]) -> None:
    """Do every piece, whatever one of them raises. Raises the first error when all are done."""
    first, failed = None, 0
    for piece in pieces:
        try:
            piece()
        except BaseException as error:  # whatever it is: the others do not wait for it
            first, failed = first or error, failed + 1
    if first is not None:
        _log.warning("%d pieces of work failed, the first with %s: %s", failed, type(first).__name__, first)
        raise first


class BackgroundThread:
    """Runs ``work`` whenever it was woken. ``work`` looks at ``ending`` now and then, and stops when it is set.

    ``name`` is what it is called in the log and among threads.
    """

    def __init__(self, work: Callable[[], None], name: str = "archive") -> None:
        self._work, self._name = work, name
        self._changed = threading.Condition()
        self._woken = self._running = False
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None
        self.ending = False

    def wake(self) -> None:
        """See to it that ``work`` runs once from here on."""
        with self._changed:
            self._woken = not self.ending
            if self._woken and not self._running:
                self._running = True
                self._thread = threading.Thread(target=self._run, name=f"agentmem-{self._name}", daemon=True)
                try:
                    self._thread.start()
                except RuntimeError as error:  # the system has no thread left: another time, and nobody waits for it
                    self._running, self._error = False, error

    def wait(self) -> None:
        """Until there is no work left. Raises the error that the last of it ended with."""
        with self._changed:
            self._changed.wait_for(lambda: not self._running)
            error, self._error = self._error, None
        if error:
            raise error

    def end(self) -> None:
        """Stop soon, and for good. May be called twice."""
        self.ending = True
        with self._changed:
            self._woken = False
            if threading.current_thread() is not self._thread:
                self._changed.wait_for(lambda: not self._running)

    def _run(self) -> None:
        while self._next():
            try:
                self._work()
            except BaseException as error:  # handed to whoever waits, if anybody does
                _log.warning("the %s is behind: %s", self._name, error)
                self._error = error

    def _next(self) -> bool:
        with self._changed:
            go_on, self._woken = self._woken, False
            if not go_on:
                self._running = False
                self._changed.notify_all()
            return go_on

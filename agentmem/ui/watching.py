"""Follows a shelf's files while a page is looked at, and tells every listener what grew."""

import threading
import time
from collections.abc import Callable

from agentmem.closing import Closing
from agentmem.ui.shelf import Changed, SessionShelf

SOON = 0.2
"""Seconds between two looks at the files that are being written."""
SELDOM = 1.0
"""Seconds between two looks at all files."""
FRESH = 900.0
"""Seconds in which a file counts as being written."""

Listener = Callable[[Changed], None]


class Watcher(Closing):
    """Reads a shelf on a thread of its own: all of it at first, then what changes. ``failed`` is told of errors."""

    def __init__(self, shelf: SessionShelf, failed: Callable[[str], None] = lambda reason: None) -> None:
        self._shelf, self._failed = shelf, failed
        self._listeners: list[Listener] = []
        self._ends = threading.Event()
        self.ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ui-watcher", daemon=True)
        self._thread.start()

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call ``listener`` on the watcher's thread for each change; gives what ends it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def close(self) -> None:
        """Stop following. May be called twice."""
        self._ends.set()
        self._thread.join()

    def _run(self) -> None:
        last = -SELDOM
        while not self._ends.is_set():
            try:
                if time.monotonic() - last >= SELDOM:
                    changed = self._shelf.refresh(self._told)
                    last = time.monotonic()
                else:
                    changed = self._shelf.look_again(self._shelf.recent(time.time() - FRESH))
                if changed.sessions or not self.ready.is_set():
                    self._told(changed)
            except Exception as error:  # a file that vanished or a full disk: the next look may do
                self._failed(f"{type(error).__name__}: {error}")
            self.ready.set()
            self._ends.wait(SOON)

    def _told(self, changed: Changed) -> None:
        for listener in list(self._listeners):
            listener(changed)

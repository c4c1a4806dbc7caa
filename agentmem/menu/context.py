"""What a tool may be handed besides its arguments, and how it hears that it should stop."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from agentmem.menu.reach import Reach
from agentmem.pages.workspace import Workspace
from agentmem.types import Clock
from agentmem.types import Found as Found
from agentmem.types import Recall as Recall


class Stop:
    """Tells a running tool that nobody waits for it any more: its time is up, or the person pressed Ctrl-C."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[], object]] = []
        self.stopped = False

    def set(self) -> bool:
        """Stop: calls every callback there is now, once. False when there was none."""
        with self._lock:
            self.stopped = True
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback()
        return bool(callbacks)

    @contextmanager
    def calling(self, callback: Callable[[], object]) -> Iterator[None]:
        """Within the block, ``callback`` is called when the tool should stop; at once if it should already."""
        with self._lock:
            self._callbacks.append(callback)
            late = self.stopped
        try:
            if late:
                callback()
            yield
        finally:
            with self._lock:
                self._callbacks = [one for one in self._callbacks if one is not callback]


@dataclass(frozen=True, slots=True)
class ToolContext:
    """Handed to a tool that has a parameter annotated ``ToolContext``; the model does not see that parameter.

    ``environment`` is what a shell command gets to see of the environment, by default little of it. ``stop`` is set
    when the tool's time is up. ``reach`` says how far built-in tools go. Tools without a thread of their own (a
    script, a test) may leave ``recall`` out.
    """

    workspace: Workspace
    thread: str
    recall: Recall | None = None
    environment: Mapping[str, str] | None = None
    clock: Clock = time.time
    stop: Stop = field(default_factory=Stop)
    reach: Reach = field(default_factory=Reach)

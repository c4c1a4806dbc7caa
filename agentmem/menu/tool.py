"""Tools as values: their definition for the model, their function, and the context that a call gets."""

import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol, get_args

from agentmem.checking import CALLABLE, COUNT, NAMES, POSITIVE, TEXT, Wanted, among, shown
from agentmem.errors import MenuError
from agentmem.menu.arguments import checked_plainly
from agentmem.menu.permissions import Reach
from agentmem.pages.workspace import Workspace
from agentmem.types import READS, Clock, Effect, Json
from agentmem.types import Found as Found
from agentmem.types import Recall as Recall

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")

SETTINGS: Mapping[str, Wanted] = {
    "name": TEXT,
    "effect": among(*get_args(Effect)),
    "timeout": POSITIVE,
    "cap": COUNT,
    "reads": NAMES,
    "function": CALLABLE,
}
"""What the settings of a tool may be. A wrong effect would decide what is done twice after a kill."""
KEPT = 100_000
"""The most tokens of output that are kept of a tool without a cap. Of a long output, only the ends are shown."""


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool: see `agentmem.tool`, which makes it from a function.

    ``schema`` is the JSON Schema of its arguments; ``timeout`` is in seconds, ``cap`` in tokens of output, and
    ``when_cut`` tells the model how to get the rest of a long output. ``context`` names the parameter of ``function``
    that gets the ToolContext. ``check`` turns the model's arguments into the function's, or raises BadArguments;
    without it they are checked by the schema's names and simple types. ``reads`` says what results are made from:
    "user" for a user's records, "clock", or "live" for data that changes by the minute. It decides whether the answer
    cache keeps an answer, and for whom. ``source`` names the connection that it comes from, "" for none. Raises
    MenuError.
    """

    name: str
    description: str
    effect: Effect
    schema: Json
    function: Callable[..., object]
    timeout: float = 60.0
    cap: int = KEPT
    when_cut: str = ""
    context: str | None = None
    check: Callable[[Json], dict[str, Any]] | None = None
    reads: tuple[str, ...] = ()
    source: str = ""

    def __post_init__(self) -> None:
        for name, wanted in SETTINGS.items():
            if not wanted.fits(given := getattr(self, name)):
                raise MenuError(f"the {name} of {self.name!r} must be {wanted.words}, and {shown(given)} is not")
        if not _NAME.fullmatch(self.name):
            raise MenuError(f"a tool cannot be called {self.name!r}; use up to 64 letters, digits, _ and -")
        if not self.description.strip():
            raise MenuError(f"the model would know nothing of {self.name!r}; give it a docstring or a description")
        if unknown := sorted(set(self.reads) - READS):
            raise MenuError(f"{self.name!r} reads {', '.join(unknown)}; write one of {', '.join(sorted(READS))}")

    def definition(self) -> dict[str, Any]:
        """The definition for the model, with its keys in a fixed order: the value of the tool's frame."""
        return {"name": self.name, "description": self.description, "input_schema": self.schema}

    def checked(self, arguments: Json) -> dict[str, Any]:
        """The arguments in the form that the function takes. Raises BadArguments."""
        check = self.check or partial(checked_plainly, schema=self.schema, tool=self.name)
        return check(arguments)


class Stop:
    """Tells a running tool to stop: its time is up, or a person pressed Ctrl-C."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[], object]] = []
        self.stopped = False

    def set(self) -> bool:
        """Stop: call every current callback once. Returns False if there was none."""
        with self._lock:
            self.stopped = True
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback()
        return bool(callbacks)

    @contextmanager
    def calling(self, callback: Callable[[], object]) -> Iterator[None]:
        """Inside the block, call ``callback`` when the tool should stop; at once if it should stop already."""
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


class RunsDelegates(Protocol):
    """Runs delegates of the thread that calls, and returns their reports as a text for its model.

    ``fresh`` ones begin with an empty view. ``stop`` ends them. Raises RecoverableError.
    """

    def __call__(self, tasks: Sequence[str], *, fresh: bool, stop: Stop) -> str: ...


@dataclass(frozen=True, slots=True)
class ToolContext:
    """The context of a call, for a tool with a parameter of this type; the model does not see that parameter.

        def lines(page: str, context: ToolContext) -> int:
            "Counts the lines of a page."
            return len(context.workspace.text(page).splitlines())

    ``environment`` are the variables for shell commands, by default only a few. ``stop`` is set when the tool's time is
    up. ``reach`` says how far built-in tools go. ``clock`` gives seconds since the epoch. ``recall`` is None in a
    script or a test without a thread, and ``delegate`` also in a delegate's own run.
    """

    workspace: Workspace
    thread: str
    recall: Recall | None = None
    environment: Mapping[str, str] | None = None
    clock: Clock = time.time
    stop: Stop = field(default_factory=Stop)
    reach: Reach = field(default_factory=Reach)
    delegate: RunsDelegates | None = None


class ToolSource(Protocol):
    """A connection that brings several tools, such as to an MCP server: it stands among an agent's tools.

    ``tools`` connects and gives them, as they are now or as the workspace ``root`` knows them; ``use`` counts an agent,
    and ``close`` ends the connection with the last one. ``differences`` says, for each tool whose definition in
    ``frozen`` is no longer its own, what is different now.
    """

    @property
    def name(self) -> str: ...

    def tools(self, root: Path | None = None) -> Sequence[Tool]: ...

    def differences(self, frozen: Mapping[str, Json]) -> Mapping[str, str]: ...

    def use(self) -> None: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Menu:
    """Tools, in the order in which the model sees them. ``sources`` are the connections that some come from."""

    tools: tuple[Tool, ...]
    sources: tuple[ToolSource, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(one.name for one in self.tools)

    def get(self, name: str) -> Tool | None:
        return next((one for one in self.tools if one.name == name), None)

    def definitions(self) -> tuple[dict[str, Any], ...]:
        """The definitions for the model, in order."""
        return tuple(one.definition() for one in self.tools)

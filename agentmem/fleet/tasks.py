"""The tasks of a fleet: what is to be done, under a key each, and which of them share a prefix.

A file of tasks has a JSON object a line: ``{"task": "...", "key": "...", "prefix": "...", "model": "..."}``. Only
``task`` must be there. Other members are handed to the function that makes the agent.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agentmem.errors import ConfigError

MOST_KEY = 120
"""Characters of a key, at most: the fleet's name stands before it in the journal."""


@dataclass(frozen=True, slots=True)
class FleetTask:
    """One task. The same ``key`` in a fleet is the same task for ever; by default it is made from the content.

    Tasks of one ``model`` and ``prefix`` are one group: their agents send the same first bytes, so that the first of
    them pays for the cache and the others read it. Both are names that only the maker of the agent reads.
    """

    task: str
    key: str = ""
    prefix: str = ""
    model: str = ""
    more: Mapping[str, Any] = field(default_factory=dict)

    @property
    def group(self) -> str:
        """The name of its group."""
        return f"{self.model}/{self.prefix}"

    def line(self) -> str:
        """The task as a line of a file."""
        own = {name: getattr(self, name) for name in _OWN if getattr(self, name)}
        return json.dumps({**own, **self.more}, ensure_ascii=False, sort_keys=True)


_OWN = ("task", "key", "prefix", "model")


def read_tasks(path: Path) -> list[FleetTask]:
    """The tasks of a file. Raises ConfigError, naming the line."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the tasks in {path} cannot be read: {error}") from error
    made = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                made.append(task_of(json.loads(line)))
            except json.JSONDecodeError as error:
                raise ConfigError(f"{path}, line {number}, column {error.colno}: {error.msg}") from error
            except (ValueError, ConfigError) as error:
                raise ConfigError(f"{path}, line {number}: {error}") from error
    if not made:
        raise ConfigError(f'{path} has no tasks: write a line for each, such as {{"task": "Check order 12"}}')
    return keyed(made)


def task_of(value: object) -> FleetTask:
    """A task from a text, a mapping as in a file, or a FleetTask. Raises ConfigError."""
    if isinstance(value, FleetTask):
        return value
    if isinstance(value, str):
        return FleetTask(value)
    if not isinstance(value, Mapping) or not isinstance(value.get("task"), str):
        raise ConfigError('a task is an object with its text, such as {"task": "Check order 12", "key": "order-12"}')
    own = {name: value[name] for name in _OWN if name in value}
    if wrong := sorted(name for name, given in own.items() if not isinstance(given, str)):
        raise ConfigError(f"{wrong[0]} of a task must be a text")
    return FleetTask(**own, more={name: given for name, given in value.items() if name not in _OWN})


def keyed(tasks: Iterable[object]) -> list[FleetTask]:
    """The tasks, each with a key. Raises ConfigError for an empty task, and for a key that two tasks share."""
    made, seen = [], dict[str, int]()
    for number, value in enumerate(tasks, 1):
        one = task_of(value)
        if not one.task.strip():
            raise ConfigError(f"task {number} is empty: say what is to be done")
        key = one.key or f"{hashlib.sha256(one.line().encode()).hexdigest()[:16]}"
        if not one.key and key in seen:  # the same text twice, without keys: both are meant
            key = f"{key}-{number}"
        if not key.isprintable() or len(key) > MOST_KEY:
            raise ConfigError(f"the key of task {number} must be 1 to {MOST_KEY} printable characters")
        if key in seen:
            raise ConfigError(f"tasks {seen[key]} and {number} have the key {key!r}: give each its own")
        seen[key] = number
        made.append(FleetTask(one.task, key, one.prefix, one.model, one.more))
    return made

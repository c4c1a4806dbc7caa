"""Finds facts of the environment in calls and results: versions, commands that replace others, loaded instructions.

Only what results show themselves counts: a version that a program printed of itself, or a command that could not run
and a similar one that did soon after. A newer fact on the same subject replaces the older one.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from agentmem.compaction.artifacts import SHELLS

_COMMANDS = ("command", "cmd", "script")
_LOADERS = frozenset({"skill", "load_skill", "use_skill", "activate_skill"})
"""Tools that load instructions by name."""
_LOADED = re.compile(r"^Base directory for this skill: (\S+)")
_VERSION = re.compile(r"(?:^|\s)(?:--version|-V|version)(?:\s|$)")
_CANNOT = re.compile(
    r"command not found|not recognized as|[Nn]o such file or directory|unknown (?:option|flag|command|shorthand)|"
    r"unrecognized (?:option|argument)|invalid option|ModuleNotFoundError|No module named|exit code 127|missing script",
)
"""Texts in results that show that the command itself was wrong, not the program that it ran."""
_PATIENCE = 4
"""The number of commands after a failed one that may be its replacement."""
_WORD = re.compile(r"[A-Za-z][\w.-]{2,}")
LONGEST = 160
"""The most characters of a command that is repeated in a fact."""


@dataclass(frozen=True, slots=True)
class EnvironmentFact:
    """A fact in words, the exact strings in it that matter, and the entry of the call that showed it."""

    text: str
    exact: tuple[str, ...]
    seq: int


class Environment:
    """Follows calls and their results, in order, and keeps the facts in them. ``facts`` are by subject."""

    def __init__(self) -> None:
        self.facts: dict[str, EnvironmentFact] = {}
        self.loaded: dict[str, int] = {}
        self._failed: list[tuple[str, int]] = []
        self._ran = 0

    def follow(self, tool: str, arguments: Mapping[str, Any], result: str, seq: int, *, failed: bool = False) -> None:
        """Take in one call that has its result."""
        name = tool.rpartition("__")[2].lower()
        if name in _LOADERS and not failed:
            self._load(next((str(one) for one in arguments.values() if isinstance(one, str)), ""), seq)
        command = next((one for key in _COMMANDS if isinstance(one := arguments.get(key), str)), "").strip()
        if name in SHELLS and command and "\n" not in command and len(command) <= LONGEST:
            self._command(command, result.strip(), seq, failed)

    def said(self, text: str, seq: int) -> None:
        """Take in a message in a person's place: a client puts loaded skills there."""
        if found := _LOADED.match(text):
            self._load(found[1].rstrip("/").rpartition("/")[2], seq)

    def _load(self, name: str, seq: int) -> None:
        if name and len(name) <= LONGEST:
            self.loaded.pop(name, None)
            self.loaded[name] = seq

    def _command(self, command: str, result: str, seq: int, failed: bool) -> None:
        self._ran += 1
        self._failed = [one for one in self._failed if self._ran - one[1] <= _PATIENCE]
        if _CANNOT.search(result[:2_000]) and len(result) < 2_000:
            self._failed.append((command, self._ran))
            return
        if failed:
            return
        first = result.partition("\n")[0].strip()
        if _VERSION.search(command) and re.search(r"\d+\.\d+", first) and len(first) <= 100:
            self._learn(command, EnvironmentFact(f"`{command}` prints {first}", (first,), seq))
        for other, _ in self._failed:
            if other != command and _alike(other, command):
                text = f"`{other}` could not run; `{command}` works"
                self._learn(other, EnvironmentFact(text, (command,), seq))
        self._failed = [one for one in self._failed if not _alike(one[0], command)]

    def _learn(self, about: str, fact: EnvironmentFact) -> None:
        self.facts.pop(about, None)
        self.facts[about] = fact


def _alike(one: str, other: str) -> bool:
    """True if two commands share at least half of the words of the shorter one."""
    words, others = set(_WORD.findall(one)), set(_WORD.findall(other))
    least = min(len(words), len(others))
    return least > 0 and len(words & others) * 2 >= least and _longest(words & others) >= 3


def _longest(words: Iterable[str]) -> int:
    return max(map(len, words), default=0)

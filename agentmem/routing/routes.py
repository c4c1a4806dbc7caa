"""Routes: targets, rules, a person's labels and what is private, as a person gives them, in Python or in agentmem.toml.

[targets.small]
model = "anthropic:claude-haiku-4-5"

[[route]]
name = "sub-tasks"
size = "small"
to = "small"

[privacy]
threads = ["client-*"]
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase, translate
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, Protocol

from agentmem.checking import LIST, MAP, TEXTS, Wanted, among, check_fields, having, of
from agentmem.checking import NOTHING as NONE
from agentmem.errors import ConfigError
from agentmem.routing.conversations import NOTHING
from agentmem.routing.labels import check_given
from agentmem.routing.router import RouteTable
from agentmem.routing.rules import RouteRule, check_rules, near, rule_of
from agentmem.routing.targets import DEFAULT, TIERS, RouteTarget, Tier, target_of

Mode = Literal["live", "shadow"]


class Foresees(Protocol):
    """Says if a question needs the large model."""

    def needs_large(self, text: str, subject: str = "") -> bool: ...


@dataclass(frozen=True, slots=True)
class Privacy:
    """What is private: conversations and agents by patterns of their names, pages by patterns of theirs, and texts by
    regular expressions (``words``). Raises ConfigError for an expression that cannot be read.

        Privacy(threads=("client-*",), words=(r"\\bpatient\\b",))
    """

    threads: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()
    pages: tuple[str, ...] = ()
    words: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_fields("Privacy", self, dict.fromkeys(("threads", "agents", "pages", "words"), TEXTS))
        for word in self.words:
            try:
                re.compile(word)
            except re.error as error:
                raise ConfigError(f"[privacy] has the expression {word!r}, which cannot be read: {error}") from error

    def of_names(self, thread: str, agent: str) -> str:
        """Why a conversation is private by its names; "" if it is not."""
        for kind, name, patterns in (("thread", thread, self.threads), ("agent", agent, self.agents)):
            for pattern in patterns:
                if fnmatchcase(name, pattern):
                    return f"the {kind} {name} fits {pattern}"
        return ""

    def of_texts(self, texts: Iterable[str]) -> str:
        """Why texts are private: the first pattern that one of them has; "" if none has any."""
        patterns = _compiled(self.pages, self.words)
        for text in texts if patterns else ():
            for shown, pattern in patterns:
                if pattern.search(text):
                    return f"its text fits {shown}"
        return ""


@lru_cache(maxsize=64)
def _compiled(pages: tuple[str, ...], words: tuple[str, ...]) -> "tuple[tuple[str, re.Pattern[str]], ...]":
    inside = (
        (page, translate(page).removeprefix("(?s:").removesuffix(r")\Z").replace(".*", r"[^\s\"]*")) for page in pages
    )
    return tuple((shown, re.compile(pattern)) for shown, pattern in (*inside, *((word, word) for word in words)))


@dataclass(frozen=True, slots=True)
class Routes:
    """Where requests may go, and by which rules: ``Agent(model, routes=Routes(...))``. The agent's own model is the
    target "default". ``labels`` are a person's own, for every request of the agent. ``mode`` "shadow": decide and write
    down, but send everything to the default. ``tier`` is that of the agent's own model, by default "local" for one on
    this machine, else "cloud". ``difficulty`` says at the start of a conversation if its first question needs the large
    model: see `agentmem.routing.difficulty`. Raises ConfigError for what cannot work.

        small = RouteTarget("small", "anthropic:claude-haiku-4-5")
        routes = Routes([small], [RouteRule("sub-tasks", ("small",), {"size": ("small",)})])
    """

    targets: Sequence[RouteTarget] = ()
    rules: Sequence[RouteRule] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    privacy: Privacy = Privacy()
    mode: Mode = "live"
    tier: Tier | None = None
    difficulty: Foresees | None = None

    def __post_init__(self) -> None:
        check_fields("Routes", self, _WANTED)
        check_given(self.labels)
        names = [one.name for one in self.targets]
        for name in names:
            if names.count(name) > 1:
                raise ConfigError(f"two targets are called {name!r}: give each a name of its own")
        if DEFAULT in names:
            raise ConfigError(f"{DEFAULT!r} is the name of the agent's own model: give the target another name")
        known = {one.name: one for one in self.targets}
        for rule in self.rules:
            for name in (one for one in rule.to if one not in known and one != DEFAULT):
                raise ConfigError(f"the rule {rule.name!r} names the target {name!r}{near(name, [*known, DEFAULT])}")
        check_rules([rule for rule in self.rules if DEFAULT not in rule.to], known)

    def table(self, default: RouteTarget, fallbacks: Sequence[RouteTarget] = ()) -> RouteTable:
        """The table for an agent whose own model is ``default``. Raises ConfigError if a rule does not fit it."""
        targets = {one.name: one for one in (default, *fallbacks, *self.targets)}
        return RouteTable(targets, self.rules, default.name, tuple(one.name for one in fallbacks))


_WANTED: Mapping[str, Wanted] = {
    "targets": Wanted(
        "a list of RouteTarget", lambda given: LIST.fits(given) and all(isinstance(o, RouteTarget) for o in given)
    ),
    "rules": Wanted(
        "a list of RouteRule", lambda given: LIST.fits(given) and all(isinstance(o, RouteRule) for o in given)
    ),
    "labels": MAP,
    "privacy": of(Privacy, "a Privacy"),
    "mode": among("live", "shadow"),
    "tier": among(*TIERS) | NONE,
    "difficulty": having("a Difficulty", "needs_large") | NONE,
}


def routes_of(
    route: Sequence[Any],
    targets: Mapping[str, Any],
    privacy: Mapping[str, Any],
    routing: Mapping[str, Any] = NOTHING,
) -> Routes | None:
    """The routes of agentmem.toml: its ``[[route]]``, ``[targets.NAME]``, ``[privacy]`` and ``[routing]``; None if it
    has none of them.

    Raises ConfigError for a setting that there is not, or that cannot work.
    """
    if not (route or targets or privacy or routing):
        return None
    if unknown := sorted(set(routing) - {"mode", "labels", "tier", "difficulty"}):
        raise ConfigError(f"[routing] has {', '.join(unknown)}; it may have mode, labels, tier and difficulty")
    if "difficulty" in routing:
        routing = {**routing, "difficulty": _difficulty(routing["difficulty"])}
    if unknown := sorted(set(privacy) - {"threads", "agents", "pages", "words"}):
        raise ConfigError(f"[privacy] has {', '.join(unknown)}; it may have threads, agents, pages, words")
    made = {name: tuple(value) if isinstance(value, list) else value for name, value in privacy.items()}
    places = [target_of(name, table) for name, table in targets.items()]
    rules = [rule_of(number, table) for number, table in enumerate(route, start=1)]
    return Routes(places, rules, privacy=Privacy(**made), **routing)


def _difficulty(path: object) -> Foresees:
    """The router of a file that `agentmem route tune` made. Raises ConfigError."""
    from agentmem.recall.embedder import MiniLM
    from agentmem.routing.difficulty import read

    if not isinstance(path, str):
        raise ConfigError("difficulty of [routing] must be a file that `agentmem route tune` made")
    return read(Path(path), MiniLM())

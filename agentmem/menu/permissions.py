"""Defines how far the built-in tools reach: a person widens or narrows it here, for an agent or in the settings.

# agentmem.toml
[reach]
steering = "ask"              # or "refuse", or "allow"
hidden = [".github/**"]       # hidden names that may be read
walls = "auto"                # or "none": commands run with all your rights
network = true                # commands behind walls reach the network
readable = ["~/.rustup"]      # what commands behind walls may read besides the system and the workspace
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_args

from agentmem.errors import ConfigError

Steering = Literal["ask", "refuse", "allow"]
Walls = Literal["auto", "none"]


@dataclass(frozen=True, slots=True)
class Reach:
    """The rights of the built-in tools beyond reading and writing plain pages.

        Agent("anthropic:claude-sonnet-5-5", "notes", reach=Reach(steering="refuse", network=False))

    ``steering``: a change to a file that steers other programs (runtime/steering.py has the table) waits for a person
    ("ask"), is refused ("refuse") or is made ("allow"). ``hidden``: globs of hidden or secret names that may be read.
    ``walls``: "auto" puts each command of ``run`` behind walls if they work here, "none" does not. ``network`` and
    ``readable`` (files and folders of the host) are what commands behind walls may use. Raises ConfigError.
    """

    steering: Steering = "ask"
    hidden: tuple[str, ...] = ()
    walls: Walls = "auto"
    network: bool = True
    readable: tuple[Path, ...] = ()

    def __post_init__(self) -> None:
        for name, wanted in (("steering", get_args(Steering)), ("walls", get_args(Walls))):
            if getattr(self, name) not in wanted:
                raise ConfigError(f"{name} is {getattr(self, name)!r}; it must be {' or '.join(map(repr, wanted))}")
        if not isinstance(self.network, bool):
            raise ConfigError(f"network is {self.network!r}; it must be true or false")
        for name, kind in (("hidden", str), ("readable", Path)):
            given = getattr(self, name)
            several = isinstance(given, Sequence | Set) and not isinstance(given, str)
            if not several or not all(isinstance(one, kind) for one in given):
                raise ConfigError(f"{name} is {given!r}; it must be a list, such as {_EXAMPLES[name]}")


_EXAMPLES = {"hidden": '[".github/**"]', "readable": '["~/.rustup"]'}


def read(table: Mapping[str, Any], **given: object) -> Reach:
    """The [reach] of the settings; a ``given`` value that is not None replaces the setting. Raises ConfigError."""
    known = [one.name for one in fields(Reach)]
    if unknown := sorted(set(table) - set(known)):
        raise ConfigError(
            f"[reach] has a setting {unknown[0]!r} that agentmem does not know; it has {', '.join(known)}"
        )
    made = {**table, **{name: value for name, value in given.items() if value is not None}}
    if "hidden" in made:
        made["hidden"] = _listed(made["hidden"])
    if "readable" in made:
        made["readable"] = _folders(_listed(made["readable"]))
    return Reach(**made)


def _listed(value: object) -> Any:
    return tuple(value) if isinstance(value, Sequence) and not isinstance(value, str) else value


def _folders(value: Any) -> Any:
    return tuple(Path(one).expanduser() if isinstance(one, str) else one for one in value) if value else value

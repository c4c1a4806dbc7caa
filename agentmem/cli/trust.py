"""Settings that come with a folder are named and confirmed, once and when they change: a model may have written them.

What was confirmed is remembered by hash, for each file, in the user's own folder and never in the workspace.
"""

import hashlib
import json
import sys
from collections.abc import Mapping
from contextlib import suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from agentmem.cli.output import complain, confirm
from agentmem.config import Config, trusts_all, user_folder
from agentmem.errors import ConfigError
from agentmem.pages import private

RISKS: Mapping[str, str] = {
    "model": "who is sent your pages and your tasks, and at what price",
    "models": "what models are sent besides, and how often they are asked again",
    "database": "where conversations are sent and kept",
    "max_usd": "how much may be spent",
    "max_turns": "how much may be spent",
    "max_seconds": "how long a run may go on",
    "budget": "how much is sent with each request",
    "answers": "what is answered without asking, and what checking that may cost",
    "reach": "what tools may read, change and run",
    "data_dir": "where models are taken from",
    "cache_dir": "where files are written",
}
"""What each setting of a file could do, in the order in which they are shown."""

_FILE = "trusted.json"
_GIVEN: ContextVar[bool] = ContextVar("trust", default=False)


def given(trust: bool) -> None:
    """Whether the command that is run now was given ``--trust``."""
    _GIVEN.set(trust)


def settings(folder: Path | None = None) -> Config:
    """The settings for a command started in ``folder``, those of a file confirmed. Raises ConfigError."""
    return Config.load(folder, confirm=confirmed)


def confirmed(file: Path, values: Mapping[str, Any]) -> None:
    """Returns when a person has confirmed these values of ``file``, now or before. Raises ConfigError."""
    risky = {name: values[name] for name in RISKS if name in values}
    digest = digest_of(risky)
    key = str(file.resolve())
    known = _known()
    if not risky or known.get(key) == digest or trusts_all():
        return
    told = f"{file} {'has changed. It' if key in known else 'is used for the first time. It'} says:\n{_shown(risky)}"
    if not _GIVEN.get():
        if not sys.stdin.isatty():
            raise ConfigError(
                f"{told}\nNobody has confirmed that, and nobody can be asked here. If you trust it, say so once: "
                "`agentmem --trust COMMAND`, or set AGENTMEM_TRUST=1"
            )
        complain(told)
        if not confirm("Do you trust these settings?"):
            raise ConfigError(f"the settings of {file} were not confirmed: change them, or start elsewhere")
    _remember({**known, key: digest})


def digest_of(values: Mapping[str, Any]) -> str:
    """What the values are remembered by: comments, order and layout make no difference."""
    return hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest()


def _shown(values: Mapping[str, Any]) -> str:
    return "\n".join(f"  {name} = {json.dumps(value, default=str)}  ({RISKS[name]})" for name, value in values.items())


def _known() -> dict[str, str]:
    with suppress(OSError, ValueError):
        found = json.loads((user_folder() / _FILE).read_text(encoding="utf-8"))
        return found if isinstance(found, dict) else {}
    return {}


def _remember(known: Mapping[str, str]) -> None:
    """Where it cannot be written down, it is asked again the next time."""
    with suppress(OSError):
        folder = user_folder()
        private.make_folder(folder)
        fresh = folder / f"{_FILE}.new"
        private.write(fresh, json.dumps(known, indent=1, sort_keys=True))
        fresh.replace(folder / _FILE)

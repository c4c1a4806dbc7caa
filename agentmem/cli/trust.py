"""Asks a person to confirm the settings that come with a folder: a model may have written them.

It asks once, and again when they change. A confirmed file is remembered by the hash of its
settings, in the user's own folder and never in the workspace.
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
    "targets": "which models are sent requests besides, and what may be sent to them",
    "route": "which requests are sent to them",
    "privacy": "what is kept from them",
    "routing": "whether requests go where the rules send them",
    "database": "where conversations are sent and kept",
    "archive": "where a copy of what left the context is sent and kept",
    "attachments": "where the contents of large pages are sent and kept",
    "prices": "what requests are counted to cost, also against such a limit",
    "max_usd": "how much may be spent",
    "max_turns": "how much may be spent",
    "max_seconds": "how long a run may go on",
    "budget": "how much is sent with each request",
    "answers": "what is answered without asking, what checking that may cost, and where answers are sent and kept",
    "reach": "what tools may read, change and run",
    "data_dir": "where models are taken from",
    "cache_dir": "where files are written",
    "warehouse": "how much memory and disk local models use",
}
"""The risk of each setting in a file, in the order in which they are shown."""

_FILE = "trusted.json"
_GIVEN: ContextVar[bool] = ContextVar("trust", default=False)


def given(trust: bool) -> None:
    """Remembers if the current command was given ``--trust``."""
    _GIVEN.set(trust)


def settings(folder: Path | None = None) -> Config:
    """The settings for a command started in ``folder``, after a person has confirmed its file. Raises ConfigError.

    Its prices count from now on.
    """
    made = Config.load(folder, confirm=confirmed)
    if made.prices:
        from agentmem.meter.own_prices import own_prices, use

        use(own_prices(made.prices))
    return made


def count_prices() -> None:
    """From now on the prices of the file count, for a command that only adds up what was paid. Raises ConfigError.

    Nobody is asked: they change what is shown, and nothing else.
    """
    if prices := Config.load().prices:
        from agentmem.meter.own_prices import own_prices, use

        use(own_prices(prices))


def confirmed(file: Path, values: Mapping[str, Any]) -> None:
    """Returns if a person has confirmed these values of ``file``, now or before; else raises ConfigError."""
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
                f"{told}\nNobody has confirmed these settings, and nobody can be asked here. If you trust them, say so "
                "once: `agentmem --trust COMMAND`, or set AGENTMEM_TRUST=1"
            )
        complain(told)
        if not confirm("Do you trust these settings?"):
            raise ConfigError(f"the settings of {file} were not confirmed: change them, or start elsewhere")
    _remember({**known, key: digest})


def digest_of(values: Mapping[str, Any]) -> str:
    """The hash by which values are remembered. Comments, order and layout of the file make no difference."""
    return hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest()


def _shown(values: Mapping[str, Any]) -> str:
    return "\n".join(f"  {name} = {json.dumps(value, default=str)}  ({RISKS[name]})" for name, value in values.items())


def _known() -> dict[str, str]:
    with suppress(OSError, ValueError):
        found = json.loads((user_folder() / _FILE).read_text(encoding="utf-8"))
        return found if isinstance(found, dict) else {}
    return {}


def _remember(known: Mapping[str, str]) -> None:
    """Writes the confirmed files down. If that fails, the next command asks again."""
    with suppress(OSError):
        folder = user_folder()
        private.make_folder(folder)
        fresh = folder / f"{_FILE}.new"
        private.write(fresh, json.dumps(known, indent=1, sort_keys=True))
        fresh.replace(folder / _FILE)

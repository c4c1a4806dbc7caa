"""The warehouse of a user: the one that all local models share, unless they are given another.

# agentmem.toml
[warehouse]
on = true
ram = "256 MB"
disk = "2 GB"
"""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from agentmem.checking import shown
from agentmem.config import Config
from agentmem.errors import ConfigError
from agentmem.kvcache.warehouse.warehouse import DISK, RAM, Warehouse, size_of

_KNOWN = ("on", "ram", "disk")
_OF_FREE = 10
"""At most this part of the free disk is used, whatever the budget."""


def usual_folder(config: Config | None = None) -> Path:
    """The folder of the user's warehouse. It is not made here."""
    config = Config.load() if config is None else config
    return (config.cache_dir or user_cache_path("agentmem")) / "warehouse"


def usual_warehouse(config: Config | None = None) -> Warehouse | None:
    """The user's warehouse, as agentmem.toml says; None if it is off there.

    Where its folder cannot be made, it is in memory alone. Raises ConfigError for settings that cannot be.
    """
    config = Config.load() if config is None else config
    wanted = checked(config.warehouse)
    if not wanted["on"]:
        return None
    folder = usual_folder(config)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        free = shutil.disk_usage(folder).free
    except OSError:
        return Warehouse(ram=wanted["ram"])
    return Warehouse(ram=wanted["ram"], disk=min(wanted["disk"], free // _OF_FREE), folder=folder)


def checked(table: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of the table [warehouse]. Raises ConfigError for what it cannot have."""
    if unknown := sorted(set(table) - set(_KNOWN)):
        raise ConfigError(f"[warehouse] has {', '.join(unknown)}, and knows {', '.join(_KNOWN)}")
    on = table.get("on", True)
    if not isinstance(on, bool):
        raise ConfigError(f"on in [warehouse] is {shown(on)}; it must be true or false")
    return {"on": on, "ram": size_of(table.get("ram", RAM), "ram"), "disk": size_of(table.get("disk", DISK), "disk")}

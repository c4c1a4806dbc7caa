"""Who may ask a server, and for what: bearer tokens from a file that only its owner can read.

    # tokens.toml, mode 0600
    [acme]
    token = "a-long-random-text"   # `python -c "import secrets; print(secrets.token_urlsafe(32))"` makes one
    folder = "acme"                # the folder of the workspace that it sees; by default all of it
    threads = ["acme-*"]           # the runs that it may recall, report on and explain; by default none
    write = true                   # together with --write; by default it only reads

The section's name is the tenant: kept answers never pass from one to another.
"""

import hmac
import secrets
import stat
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from agentmem.checking import FLAG, TEXT, TEXTS, Wanted
from agentmem.errors import ConfigError, WorkspaceError
from agentmem.pages.names import canonical, is_hidden

SHORTEST = 16
"""The least characters of a token."""

_SETTINGS: Mapping[str, Wanted] = {"token": TEXT, "folder": TEXT, "threads": TEXTS, "write": FLAG}


@dataclass(frozen=True, slots=True)
class Tenant:
    """One who may ask: the tenant of its answers, the folder it sees, its runs by glob, and whether it may write."""

    name: str = ""
    folder: str = ""
    threads: tuple[str, ...] = ()
    write: bool = False

    def may_see(self, thread: str) -> bool:
        """True for a run that it may recall, report on and explain."""
        return any(fnmatchcase(thread, glob) for glob in self.threads)


OWNER = Tenant(threads=("*",), write=True)
"""The person whose workspace it is: on standard input and output, and with the one token of a server without a file."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tenants by their tokens."""

    tenants: tuple[tuple[str, Tenant], ...]

    def find(self, token: str) -> Tenant | None:
        """The tenant of a token. Each token is compared in full, so that the time tells nothing."""
        given, found = token.encode("utf-8", "replace"), None
        for known, tenant in self.tenants:
            if hmac.compare_digest(known.encode(), given):
                found = tenant
        return found


def one_token() -> tuple[str, Tokens]:
    """A new token for the owner."""
    token = secrets.token_urlsafe(32)
    return token, Tokens(((token, OWNER),))


def read(file: Path) -> Tokens:
    """The tokens of a file. Raises ConfigError, which never shows a token."""
    try:
        mode = file.stat().st_mode
        values = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"the tokens of {file} cannot be read: {type(error).__name__}") from None
    if stat.S_IMODE(mode) & 0o077:
        raise ConfigError(f"others can read the tokens of {file}: `chmod 600 {file}` closes it")
    found = tuple(_tenant(file, name, value) for name, value in values.items())
    if not found:
        raise ConfigError(f"{file} has no tenant: write a section such as [acme] with a token")
    if len({token for token, _ in found}) < len(found):
        raise ConfigError(f"two tenants of {file} have the same token")
    return Tokens(found)


def _tenant(file: Path, name: str, value: Any) -> tuple[str, Tenant]:
    if not isinstance(value, Mapping):
        raise ConfigError(f"{name} of {file} must be a section: write [{name}] and its settings below")
    for key, given in value.items():
        if key not in _SETTINGS:
            raise ConfigError(f"[{name}] of {file} has a setting {key!r}; it has {', '.join(_SETTINGS)}")
        if not _SETTINGS[key].fits(given):
            raise ConfigError(f"{key} of [{name}] in {file} must be {_SETTINGS[key].words}")
    if len(value.get("token", "")) < SHORTEST or not value["token"].isascii():
        raise ConfigError(f"the token of [{name}] in {file} must have at least {SHORTEST} characters, all of ASCII")
    threads: Sequence[str] = value.get("threads", ())
    return value["token"], Tenant(
        name, _folder(file, name, value.get("folder", "")), tuple(threads), value.get("write", False)
    )


def _folder(file: Path, name: str, folder: str) -> str:
    try:
        inside = canonical(folder)
    except WorkspaceError as error:
        raise ConfigError(f"folder of [{name}] in {file} must lie in the workspace: {error}") from None
    if is_hidden(inside):
        raise ConfigError(f"folder of [{name}] in {file} is hidden: its pages could not be read")
    return inside

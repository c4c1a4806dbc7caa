"""Reads the settings from agentmem.toml and the environment. No other module reads the environment.

    # agentmem.toml
    model = "anthropic:claude-sonnet-5-5"
    budget = 120_000
    max_usd = 2.50

    [models.anthropic]
    cache_control = false

Every setting may also be a variable: AGENTMEM_MODEL, AGENTMEM_BUDGET and so on. A variable wins over the file, and an
argument in code or on the command line wins over both.
"""

import math
import os
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Any

from agentmem.errors import ConfigError

FILE = "agentmem.toml"
PREFIX = "AGENTMEM_"
MODEL_OPTIONS = frozenset(
    {
        *("diagnostics", "cache_control", "ttl"),
        *("max_retries", "stream_retries", "retry_delay", "longest_wait", "timeout"),
        *("temperature", "max_tokens"),
    }
)
"""The options of models that a file may set. None of them changes who receives the requests, or with which key."""
TRUST = "AGENTMEM_TRUST"
LEAST_BUDGET = 4_000
"""The least budget in tokens. Below it, tools and system prompt leave no room to work."""

MARK = "_AGENTMEM_COMMAND"
"""A variable that marks all processes that a command of the tool `run` starts, so that they can be found."""

_OBJECTS = (
    ("endpoint", ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")),
    ("region", ("AWS_REGION", "AWS_DEFAULT_REGION")),
    ("aws_access_key_id", ("AWS_ACCESS_KEY_ID",)),
    ("aws_secret_access_key", ("AWS_SECRET_ACCESS_KEY",)),
    ("aws_session_token", ("AWS_SESSION_TOKEN",)),
)
"""How object storage is reached, and the variables that say so, the most specific first."""

_SHELL = ("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TERM", "TZ", "TMPDIR", "USER", "SHELL")
"""The variables that a shell command sees: enough to find programs and write text, and nothing secret."""


@dataclass(frozen=True, slots=True)
class Config:
    """All settings. They are checked when it is made: a ConfigError says which one cannot work and what to write.

    ``budget`` is in tokens, ``max_usd`` in US dollars, ``max_seconds`` in seconds; None means no limit. ``database`` is
    a path or a URL; None stands for ``.agentmem/agentmem.db`` in the workspace. ``archive`` is an address s3://...;
    None stands for the workspace's own. ``attachments`` is one too, for the contents of large pages; None stands for
    the database. Some settings are tables: ``answers`` (read by agentmem.answers.settings, except for its ``place``, an
    address that may stand in place of the table, and in AGENTMEM_ANSWERS), ``reach`` (by
    agentmem.menu.permissions), ``models`` (a table of options for each kind of model), ``prices`` (by
    agentmem.meter.own_prices), ``route``, ``routing``, ``targets`` and ``privacy`` (by agentmem.routing.routes), and
    ``warehouse`` (by agentmem.kvcache.warehouse.usual). Keys never show when a Config is printed.
    """

    model: str | None = None
    budget: int = 120_000
    database: str | None = None
    archive: str | None = None
    attachments: str | None = None
    max_turns: int | None = None
    max_usd: float | None = None
    max_seconds: float | None = None
    cache_dir: Path | None = None
    data_dir: Path | None = None
    color: bool = True
    anthropic_api_key: str | None = field(default=None, repr=False)
    anthropic_base_url: str | None = None
    answers: Mapping[str, Any] = field(default_factory=dict)
    reach: Mapping[str, Any] = field(default_factory=dict)
    models: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    route: Sequence[Mapping[str, Any]] = ()
    targets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    privacy: Mapping[str, Any] = field(default_factory=dict)
    routing: Mapping[str, Any] = field(default_factory=dict)
    prices: Mapping[str, Any] = field(default_factory=dict)
    warehouse: Mapping[str, Any] = field(default_factory=dict)
    shell_environment: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        for setting in fields(self):
            check = _CHECKS.get(setting.name)
            value = getattr(self, setting.name)
            if check is not None and (wrong := check(value)):
                given = "" if isinstance(value, Mapping) else f" is {value!r}"  # a table may hold secrets
                raise ConfigError(f"{setting.name}{given}; {wrong}")

    @classmethod
    def load(
        cls,
        cwd: Path | None = None,
        environ: Mapping[str, str] | None = None,
        confirm: Callable[[Path, Mapping[str, Any]], None] = lambda file, values: None,
    ) -> "Config":
        """The settings for a program started in ``cwd``, from the agentmem.toml there or in the nearest folder above.

        ``environ`` replaces the process's environment. ``confirm`` is called with the file and its values before they
        are used, and raises if a person must confirm them first. Raises ConfigError.
        """
        environ = os.environ if environ is None else environ
        file = find_file(Path.cwd() if cwd is None else cwd)
        given, set_here = _from_file(file, confirm) if file else {}, _from_environment(environ)
        for table in _PLACES & given.keys() & set_here.keys():
            set_here[table] = {**given[table], **set_here[table]}
        given |= set_here
        return cls(
            **given,
            color="NO_COLOR" not in environ or not environ["NO_COLOR"],
            anthropic_api_key=environ.get("ANTHROPIC_API_KEY") or None,
            anthropic_base_url=environ.get("ANTHROPIC_BASE_URL") or None,
            shell_environment=shell_environment(environ),
        )

    def with_given(self, **changes: object) -> "Config":
        """The same settings with each change that is not None. Raises ConfigError."""
        settings: dict[str, Any] = {name: value for name, value in changes.items() if value is not None}
        return replace(self, **settings) if settings else self


def find_file(folder: Path) -> Path | None:
    """The agentmem.toml of a folder, or of the nearest folder above that has one."""
    return next((at / FILE for at in (folder, *folder.parents) if (at / FILE).is_file()), None)


def shell_environment(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """The variables that a command of the model may see. No key is among them."""
    environ = os.environ if environ is None else environ
    return {name: environ[name] for name in _SHELL if name in environ}


def whole_environment(added: Mapping[str, str], environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a command that a person runs through us: their own, and the variables ``added``."""
    return {**(os.environ if environ is None else environ), **added}


def base_urls(environ: Mapping[str, str] | None = None) -> tuple[str, str]:
    """The addresses of Anthropic's and OpenAI's APIs, or of the gateways in their place; "" where none is set."""
    environ = os.environ if environ is None else environ
    return environ.get("ANTHROPIC_BASE_URL", ""), environ.get("OPENAI_BASE_URL", "")


def object_variables(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """How object storage is reached, as AWS's own tools read it: endpoint, region and keys, those that are set."""
    environ = os.environ if environ is None else environ
    found = {ours: next((environ[name] for name in names if environ.get(name)), "") for ours, names in _OBJECTS}
    return {ours: value for ours, value in found.items() if value}


def ray_variables(folder: str, environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """The variables that workers on Ray need: modules of ``folder`` can be imported, and keys of models are known."""
    environ = os.environ if environ is None else environ
    path = os.pathsep.join(filter(None, (folder, environ.get("PYTHONPATH", ""))))
    keys = {name: environ[name] for name in environ if name.endswith("_API_KEY") or name.startswith(("AWS_", PREFIX))}
    return {**keys, "PYTHONPATH": path}


def keep_secret() -> tuple[str, ...]:
    """The names of the variables that no command may see: all except those of `shell_environment`.

    Each is set again to its own value. That moves it out of the block of memory that the system shows to other
    processes, so that the block can be overwritten.
    """
    names = tuple(name for name in os.environ if name not in _SHELL)
    for name in names:
        os.putenv(name, os.environ[name])
    return names


def trusts_all(environ: Mapping[str, str] | None = None) -> bool:
    """True if AGENTMEM_TRUST allows the settings of any folder."""
    environ = os.environ if environ is None else environ
    return environ.get(TRUST, "").lower() in ("1", "true", "yes")


def user_folder(environ: Mapping[str, str] | None = None) -> Path:
    """The folder for what belongs to the user and no workspace: XDG's state folder. A file cannot set it."""
    environ = os.environ if environ is None else environ
    state = environ.get("XDG_STATE_HOME", "")
    base = Path(state) if Path(state).is_absolute() else Path(environ.get("HOME") or Path.home()) / ".local" / "state"
    return base / "agentmem"


def _from_file(file: Path, confirm: Callable[[Path, Mapping[str, Any]], None]) -> dict[str, Any]:
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{file} cannot be read: {error}") from error
    for name in values:
        if name not in _SETTINGS:
            raise ConfigError(f"{file} has a setting {name!r} that agentmem does not know{_guess(name, _SETTINGS)}")
    confirm(file, values)
    return {name: _placed(name, value, file.parent) for name, value in values.items()}


def _placed(name: str, value: object, base: Path) -> object:
    """Paths in a file are relative to the file. An address stands for a table that has nothing else."""
    if name in _PLACES and isinstance(value, str):
        return {PLACE: value}
    if not isinstance(value, str) or not value:
        return value
    if name in _FOLDERS:
        return base / Path(value).expanduser()
    is_path = name == "database" and "://" not in value and value != ":memory:"
    return str(base / Path(value).expanduser()) if is_path else value


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    plain = (name for name, kind in _SETTINGS.items() if name in _PLACES or kind not in (dict, list))
    known = {PREFIX + name.upper(): name for name in plain}
    given: dict[str, Any] = {}
    for variable in sorted(one for one in environ if one.startswith(PREFIX) and one != TRUST):
        if variable not in known:
            raise ConfigError(f"agentmem does not know the variable {variable}{_guess(variable, known)}")
        if environ[variable]:
            name = known[variable]
            text = environ[variable]
            given[name] = {PLACE: text} if name in _PLACES else _read(variable, text, _SETTINGS[name])
    return given


def _read(variable: str, text: str, kind: type) -> object:
    try:
        return kind(text.replace("_", "")) if kind in (int, float) else kind(text)
    except ValueError as error:
        words = "whole number" if kind is int else "number"
        raise ConfigError(f"{variable} is {text!r}; it must be a {words}") from error


def _guess(name: str, known: Mapping[str, object]) -> str:
    near = get_close_matches(name, known, 1)
    return f"; did you mean {near[0]!r}?" if near else f"; it knows {', '.join(known)}"


_SETTINGS: Mapping[str, type] = {
    "model": str,
    "budget": int,
    "database": str,
    "archive": str,
    "attachments": str,
    "max_turns": int,
    "max_usd": float,
    "max_seconds": float,
    "cache_dir": Path,
    "data_dir": Path,
    "answers": dict,
    "reach": dict,
    "models": dict,
    "route": list,
    "targets": dict,
    "privacy": dict,
    "routing": dict,
    "prices": dict,
    "warehouse": dict,
}
"""The settings of agentmem.toml, and except for tables of AGENTMEM_* variables. A key cannot be set in a file."""
_FOLDERS = ("cache_dir", "data_dir")
PLACE = "place"
_PLACES = frozenset({"answers"})
"""The tables that have a place, an address s3://..., which a variable may name too."""


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _budget(value: object) -> str:
    if not _whole(value) or not isinstance(value, int) or value < LEAST_BUDGET:
        return f"it must be a whole number of tokens, {LEAST_BUDGET:,} at least, for example 120_000"
    return ""


def _count(value: object) -> str:
    fits = value is None or (isinstance(value, int) and _whole(value) and value >= 1)
    return "" if fits else "it must be a whole number from 1 up; leave it out for no limit"


def _amount(value: object) -> str:
    fits = value is None or (isinstance(value, int | float) and _number(value) and value > 0)
    return "" if fits else "it must be a number above zero; leave it out for no limit"


def _text(value: object) -> str:
    fits = value is None or (isinstance(value, str) and bool(value.strip()))
    return "" if fits else "it must be text; leave it out for the default"


def _objects(value: object, otherwise: str) -> str:
    fits = value is None or (isinstance(value, str) and value.startswith("s3://"))
    return "" if fits else f"it must be the address s3://bucket/prefix; leave it out for {otherwise}"


def _model(value: object) -> str:
    example = "it must name a model, for example anthropic:claude-sonnet-5-5 or local"
    return example if _text(value) else ""


def _table(value: object, name: str) -> str:
    return "" if isinstance(value, Mapping) else f"it must be a table: write its settings below [{name}]"


def _answers(value: object) -> str:
    if not isinstance(value, Mapping):
        return "it must be an address s3://bucket/prefix, or a table: write its settings below [answers]"
    wrong = _objects(value.get(PLACE), otherwise="the workspace's own")
    return f"its {PLACE} is {value[PLACE]!r}: {wrong}" if wrong else ""


def _routes(value: object) -> str:
    fits = isinstance(value, list | tuple) and all(isinstance(one, Mapping) for one in value)
    return "" if fits else "it must be a list of tables: write each below [[route]]"


def _tables(value: object) -> str:
    if not isinstance(value, Mapping) or not all(isinstance(one, Mapping) for one in value.values()):
        return "it must be a table for each kind of model: write options below [models.anthropic]"
    foreign = sorted({name for one in value.values() for name in one} - MODEL_OPTIONS)
    if not foreign:
        return ""
    return (
        f"{', '.join(foreign)} cannot be set in a file, which somebody else may have written: set it in code. "
        f"A file may set {', '.join(sorted(MODEL_OPTIONS))}"
    )


def _path(value: object) -> str:
    return "" if value is None or isinstance(value, Path) else "it must be the path of a folder"


_CHECKS: Mapping[str, Callable[[object], str]] = {
    "model": _model,
    "budget": _budget,
    "database": _text,
    "archive": partial(_objects, otherwise="the workspace's own"),
    "attachments": partial(_objects, otherwise="the database"),
    "max_turns": _count,
    "max_usd": _amount,
    "max_seconds": _amount,
    "cache_dir": _path,
    "data_dir": _path,
    "answers": _answers,
    "reach": partial(_table, name="reach"),
    "models": _tables,
    "route": _routes,
    "targets": partial(_table, name="targets.NAME"),
    "privacy": partial(_table, name="privacy"),
    "routing": partial(_table, name="routing"),
    "prices": partial(_table, name='prices."MODEL"'),
    "warehouse": partial(_table, name="warehouse"),
    "anthropic_base_url": _text,
}

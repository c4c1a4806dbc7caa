"""Finds what a command was pointed at: a run of this workspace, or the file or folder of any agent's logs."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from time import time
from typing import TYPE_CHECKING, Annotated

import typer

from agentmem.cli.options import NO_RUNS, journal, latest_first
from agentmem.cli.output import notices
from agentmem.errors import ConfigError, ThreadNotFound

if TYPE_CHECKING:
    from agentmem.replay.session import SkippedLine
    from agentmem.report.loading import Choice, Observed
    from agentmem.report.logs.index import LogIndex
    from agentmem.transcript.journal import Journal

Since = Annotated[
    str | None,
    typer.Option("--since", metavar="WHEN", help="Only what was sent since: 7d, 12h, 30m, or a day as 2026-11-30."),
]
Project = Annotated[
    str | None, typer.Option("--project", metavar="TEXT", help="Only logs in folders whose path has this in it.")
]
Session = Annotated[str | None, typer.Option("--session", metavar="NAME", help="Only sessions whose name begins so.")]

_UNITS = {"d": 86_400.0, "h": 3_600.0, "m": 60.0}
_SHOWN = 5
"""The most lines named that could not be read; `--json` has all."""


def choice(since: str | None, project: str | None, session: str | None) -> "Choice":
    """The choice of sessions that the options make. Raises ConfigError for a time that is none."""
    from agentmem.report.loading import Choice

    return Choice(_moment(since) if since else 0.0, project or "", session or "")


def _moment(text: str) -> float:
    number, unit = text[:-1], _UNITS.get(text[-1:])
    try:
        return time() - float(number) * unit if unit else datetime.fromisoformat(text).timestamp()
    except ValueError as error:
        raise ConfigError(f"--since {text!r} is no time: give 7d, 12h, 30m, or a day as 2026-11-30") from error


def location(source: str | None, run_names: Sequence[str] = ()) -> Path | None:
    """The file or folder that ``source`` names; None for a run. A folder with a run's name is the run."""
    if source is None:
        return None
    path = Path(source).expanduser()
    try:
        return path if path.is_file() or (path.exists() and source not in run_names) else None
    except OSError:
        return None


def existing(sources: Sequence[Path]) -> list[Path]:
    """The files and folders that somebody named. Raises ConfigError for one that does not exist."""
    places = [source.expanduser() for source in sources]
    for place in places:
        if not place.exists():
            raise ConfigError(f"{place} does not exist: give a log file, or a folder such as ~/.claude/projects")
    return places


def no_run(source: str) -> ThreadNotFound:
    """The error for a name that is neither a file nor a run, one for all commands that take either."""
    return ThreadNotFound(
        f"there is no file and no run {source!r} here: `agentmem runs` lists the runs, and a wire log is written by "
        "`agentmem watch`, `agentmem proxy` or agentmem.record"
    )


def known_runs(opened: "Journal | None") -> list[str]:
    """The names of the runs of a workspace, whether it keeps any or not."""
    return [thread.name for thread in opened.threads()] if opened else []


def loaded(
    path: Path, chosen: "Choice", *, rows_only: bool = False
) -> "tuple[list[Observed], tuple[SkippedLine, ...]]":
    """The conversations of a file or folder, the earliest first. Raises ConfigError if there is none.

    ``rows_only``: of a folder only the rows, from the index of logs that were read before.
    """
    from agentmem.report.loading import load_paths, nothing_in, split

    with notices().status("Reading the logs ..."):
        observed, skipped = split(_rows_of(path, chosen) if rows_only and path.is_dir() else load_paths([path], chosen))
    if not observed:
        raise ConfigError(nothing_in(path, skipped))
    return observed, skipped


def _rows_of(path: Path, chosen: "Choice") -> "Iterator[Observed | SkippedLine]":
    with log_index() as index:
        yield from index.observed([path], chosen)


def index_file() -> Path:
    """Where the list of all logs is remembered, in the user's cache folder."""
    from platformdirs import user_cache_path

    from agentmem.cli.trust import settings

    return (settings().cache_dir or user_cache_path("agentmem")) / "sessions.db"


@contextmanager
def log_index() -> "Iterator[LogIndex]":
    """The index of logs; one that is forgotten where its file cannot be written. Much is read by several processes."""
    from agentmem.report.logs.index import LogIndex

    place = index_file()
    try:
        index = LogIndex(place, jobs=0)
    except (OSError, sqlite3.Error) as error:
        notices().print(f"The logs are read anew each time: {place} cannot be written ({error}).", highlight=False)
        index = LogIndex(None, jobs=0)
    with index:
        yield index


def name_skipped(skipped: "Sequence[SkippedLine]") -> None:
    """Say on stderr what was passed over."""
    several = len({one.path for one in skipped}) > 1
    for one in skipped[:_SHOWN]:
        line = f"line {one.line} of {one.path}" if several else f"line {one.line}"
        where = line if one.line else one.path
        notices().print(f"{where} was passed over: {one.reason}", highlight=False)
    if len(skipped) > _SHOWN:
        notices().print(f"and {len(skipped) - _SHOWN:,} more were passed over.", highlight=False)


@contextmanager
def runs_of(workspace: Path, database: str | None, wanted: str | None = None) -> "Iterator[tuple[Journal, list[str]]]":
    """The journal of a workspace and the names of its runs, the latest first.

    Raises ThreadNotFound without any, or if the ``wanted`` run is not one of them.
    """
    with journal(workspace, database) as opened:
        names = [thread.name for thread in latest_first(opened)] if opened else []
        if wanted is not None and wanted not in names:
            raise no_run(wanted)
        if opened is None or not names:
            raise ThreadNotFound(f"{NO_RUNS} To see another agent's logs, name their file or folder.")
        yield opened, names

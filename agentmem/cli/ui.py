"""`agentmem ui`: the page on every log that people have, served on loopback."""

from collections.abc import Sequence
from pathlib import Path
from threading import Event
from typing import Annotated

import typer

from agentmem.cli import answers
from agentmem.cli.options import HERE, AsJson, Workspace, database
from agentmem.cli.output import complain, notices, print_json_line, print_line
from agentmem.cli.sources import existing, index_file
from agentmem.errors import ConfigError

_GLANCE = 0.2
"""Seconds between checks for Ctrl-C."""

PLACES: tuple[tuple[str, str], ...] = (
    ("Claude Code", ".claude/projects"),
    ("Codex", ".codex/sessions"),
    ("Gemini CLI", ".gemini/tmp"),
    ("opencode", ".local/share/opencode/storage"),
)
"""Where agents keep their logs, in the home folder: what is shown without a source."""


def ui(
    sources: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[SOURCE]...",
            help="Logs, folders of them, or databases of runs. By default those of the agents on this machine.",
        ),
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port on 127.0.0.1; 0: a free one.")] = 0,
    browse: Annotated[bool, typer.Option("--open/--no-open", help="Show it in the browser.")] = True,
    workspace: Workspace = HERE,
    json: AsJson = False,
) -> None:
    """Look at sessions in the browser: what they cost, what was sent and cached, where the cache was lost.

    It is served on this machine alone, to who has the address that is printed, until Ctrl-C. Nothing is sent anywhere.
    """
    from agentmem.ui.server import PageServer

    with PageServer(
        _told(paths(sources or (), workspace)),
        port=port,
        index=index_file(),
        jobs=0,
        answers=answers.with_hits,
        failed=complain,
    ) as server:
        try:
            if json:
                print_json_line({"schema": 1, "url": server.url, "address": server.address})
            else:
                print_line(f"Open this, until Ctrl-C: {server.address}")
            if browse and not json:
                show(server.address)
            while True:
                Event().wait(_GLANCE)
        except KeyboardInterrupt:
            pass  # the way to end it


def paths(sources: Sequence[Path], workspace: Path) -> list[Path]:
    """The files and folders to show. Raises ConfigError where there is none."""
    if given := existing(sources):
        return given
    from agentmem.config import user_folder

    own = database(workspace, None)
    places = [*(Path.home() / place for _, place in PLACES), user_folder() / "wire"]
    found = [one for one in (*places, *([own] if isinstance(own, Path) else [])) if one.exists()]
    if not found:
        looked = ", ".join(f"~/{place}" for _, place in PLACES)
        raise ConfigError(f"no agent's logs are here ({looked}): give a log file, or a folder of logs")
    return found


def _told(places: list[Path]) -> list[Path]:
    """The places; says so if there is no log in them yet."""
    from agentmem.replay.recordings import files

    if not any(isinstance(one, Path) for one in files(places)):
        looked = ", ".join(map(str, places))
        notices().print(f"No log is in {looked} yet: the page shows those that come.", highlight=False)
    return places


def show(address: str) -> None:
    """Open the browser, or say that there is none."""
    import webbrowser

    if not webbrowser.open(address):
        notices().print("No browser could be started here: open that address yourself.", highlight=False)

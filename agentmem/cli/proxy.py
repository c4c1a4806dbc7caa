"""`agentmem proxy` and `agentmem watch`: a meter in front of any client of Anthropic's or OpenAI's APIs."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agentmem.cli.options import AsJson
from agentmem.cli.output import complain, notices, print_json_line, print_line
from agentmem.cli.trust import count_prices
from agentmem.errors import ConfigError

if TYPE_CHECKING:
    from agentmem.integrations.proxy import Proxy
    from agentmem.ui.server import PageServer

_GLANCE = 0.2
"""Seconds between checks: a signal that the system gives to another thread does not end a wait without a timeout."""

_SWITCH = 0.0005
"""Seconds after which the thread that writes the log gives way to the one that forwards."""

Port = Annotated[int, typer.Option(min=0, max=65535, help="The port on 127.0.0.1; 0: a free one.")]
Upstream = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="Where all requests go: a gateway or local server. Default: by each request, the provider's.",
    ),
]
Log = Annotated[
    Path | None, typer.Option("--log", metavar="FILE", help="The wire log to append to. By default one of its own.")
]


def proxy(port: Port = 8787, upstream: Upstream = None, log: Log = None, json: AsJson = False) -> None:
    """Run the meter by itself, until Ctrl-C: point any client's base URL at it.

    Every byte is forwarded as it is; keys pass through and are never written. The log is a file for `agentmem report`,
    `why` and `context`.
    """
    with _serving(port, upstream, log) as (served, path):
        if json:
            print_json_line({"schema": 1, "url": served.url, "log": str(path)})
        else:
            print_line(f"Forwarding, until Ctrl-C: {served.url}\nThese lines point clients at it:")
            for name, value in served.variables.items():
                print_line(f"  export {name}={value}")
            print_line(f"The log is {path}: `agentmem report {path}` shows it, also while this runs.")
        _wait()


def watch(
    context: typer.Context,
    port: Port = 0,
    upstream: Upstream = None,
    log: Log = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write the report as one HTML page, too.")
    ] = None,
    browse: Annotated[
        bool, typer.Option("--open", help="Show the page in the browser: live, or with -o when the command has ended.")
    ] = False,
    json: AsJson = False,
) -> None:
    """Run a command behind the meter, and end with the report: `agentmem watch -- claude -p "..."`.

    The command's own output goes where it would go, its exit code is this one's, and the report is on stderr (with
    --json one line there).
    """
    command = list(context.args)
    if not command:
        raise ConfigError("say what to run: `agentmem watch -- claude`, or any other command")
    with _serving(port, upstream, log) as (served, path), _shown(path, live=browse and not output) as page:
        code = _run(command, served.variables)
        served.settle()
        _report(path, output, browse, json)
        if page and notices().is_terminal:
            notices().print("The page stays open until Ctrl-C.", highlight=False)
            _wait()
    raise typer.Exit(code)


@contextmanager
def _shown(log: Path, *, live: bool) -> "Iterator[PageServer | None]":
    """The page on a log while it grows, in the browser; None if it is not asked for."""
    if not live:
        yield None
        return
    from agentmem.cli.ui import show
    from agentmem.ui.server import PageServer

    with PageServer([log], failed=complain) as server:
        notices().print(f"The page is live at {server.address}", highlight=False, soft_wrap=True)
        show(server.address)
        yield server


def _wait() -> None:
    """Wait for Ctrl-C."""
    try:
        while True:
            Event().wait(_GLANCE)
    except KeyboardInterrupt:
        pass  # the way to end it


@contextmanager
def _serving(port: int, upstream: str | None, log: Path | None) -> "Iterator[tuple[Proxy, Path]]":
    """The meter and its log, closed at the end; what the log is missing is said."""
    from agentmem.config import base_urls
    from agentmem.integrations.forwarding import ANTHROPIC, OPENAI, Upstreams
    from agentmem.integrations.proxy import Proxy

    if upstream and not upstream.startswith(("http://", "https://")):
        raise ConfigError(f"--upstream {upstream!r} is no address: it begins with http:// or https://")
    sys.setswitchinterval(_SWITCH)
    anthropic, openai = base_urls()
    path = log or _new_log()
    where = Upstreams(upstream or "", anthropic or ANTHROPIC, openai or OPENAI)
    served = Proxy(path, where, port=port, warned=_warn)
    try:
        yield served, path
    finally:
        served.close()
    if served.lost.exchanges:
        complain(f"the log is missing {served.lost.exchanges:,} exchanges, which were forwarded: {served.lost.reason}")


def _warn(reason: str) -> None:
    complain(f"the log cannot be written, and traffic goes on without it: {reason}")


def _new_log() -> Path:
    """A file for this run in the user's own folder."""
    from agentmem.config import user_folder

    return user_folder() / "wire" / f"{datetime.now():%Y-%m-%d-%H%M%S-%f}.jsonl"


def _run(command: list[str], variables: dict[str, str]) -> int:
    """The command's exit code. Ctrl-C is its own to handle: the terminal sends it there as well."""
    from agentmem.config import whole_environment

    try:
        child = subprocess.Popen(command, env=whole_environment(variables))
    except OSError as error:
        raise ConfigError(f"{command[0]} cannot be run: {error.strerror or error}") from error
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        code = child.wait()
    finally:
        signal.signal(signal.SIGINT, before)
    return code if code >= 0 else 128 - code


def _report(path: Path, output: Path | None, browse: bool, json: bool) -> None:
    from agentmem.cli.reports import write_page
    from agentmem.meter.tables import show
    from agentmem.report.data import collect_observed
    from agentmem.report.loading import load_paths, split
    from agentmem.report.summing import report_on

    count_prices()
    observed, skipped = split(load_paths([path])) if path.is_file() else ([], ())
    if not observed:
        failed = _failed(path)
        reason = f": {failed or skipped[0].reason}" if failed or skipped else ""
        notices().print(f"No request of a model passed by{reason.removesuffix('.')}.", highlight=False, soft_wrap=True)
        return
    made: dict[str, Any] = report_on(observed, observed[0].name if len(observed) == 1 else path.name)
    if json:
        print_json_line({**made, "sessions": len(observed), "log": str(path)}, err=True)
    else:
        show(made, notices())
        notices().print(f"The log is {path}: `agentmem why {path}` explains it.", highlight=False)
    if output:
        write_page(collect_observed(observed, made["run"]), output, browse)


def _failed(path: Path) -> str:
    """The requests in a log that were refused, with what was said of the last one; "" if there are none."""
    from agentmem.replay.source import LogLine, lines

    told = [one.value for one in (lines(path) if path.is_file() else ()) if isinstance(one, LogLine)]
    refused = [one for one in told if isinstance(one.get("status"), int) and one["status"] >= 400]
    if not refused:
        return ""
    response = refused[-1].get("response")
    error = response.get("error") if isinstance(response, dict) else None
    said = error.get("message") if isinstance(error, dict) else error
    many = f"all {len(refused)} of them were" if len(refused) > 1 else "the one that did was"
    return f"{many} refused (HTTP {refused[-1]['status']}){f': {said}' if said else ''}"

"""`agentmem fleet`: thousands of runs from a file of tasks, on Ray or here, which go on wherever they are started."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agentmem.cli.exits import Code
from agentmem.cli.options import HERE, AsJson, Database, database, missing_file
from agentmem.cli.output import complain, console, notices, print_json, print_line
from agentmem.errors import ConfigError, ThreadNotFound

if TYPE_CHECKING:
    from agentmem.fleet.board import Board, FleetRun, FleetSummary
    from agentmem.fleet.fleet import Fleet, FleetProgress

ACTIONS = ("status", "stop", "retry")
NO_FLEET = "no fleet is kept here: begin one with `agentmem fleet TASKS --agent ...`"
Wanted = tuple[Path | None, Path | None, bool]
"""The file of results, the page, and whether to print JSON."""

What = Annotated[str, typer.Argument(metavar="TASKS|status|stop|retry", help="A file of tasks, or what to do.")]
Named = Annotated[str, typer.Argument(metavar="[FLEET]", help="With an action: which fleet; the newest by default.")]
Agents = Annotated[str, typer.Option("--agent", metavar="MODULE:FUNCTION", help="Makes the agent of a run.")]
Where = Annotated[str, typer.Option("--ray", metavar="none|local|ADDRESS", help="Where the workers are.")]
Workers = Annotated[int, typer.Option(min=1, help="Processes on Ray.")]
Together = Annotated[int, typer.Option(min=1, help="Runs at once in each of them.")]
MaxUsd = Annotated[float | None, typer.Option(help="Dollars that all runs together may cost.")]
Requests = Annotated[float | None, typer.Option("--requests-per-minute", help="Of all runs together.")]
Tokens = Annotated[float | None, typer.Option("--tokens-per-minute", help="Of all runs together.")]
Tries = Annotated[int, typer.Option(min=1, help="Times that a run is tried when an error may pass.")]
Name = Annotated[str, typer.Option("--name", help="The fleet's name; by default that of the file.")]
Output = Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="Results as parquet.")]
PageFile = Annotated[Path | None, typer.Option("--page", metavar="FILE", help="Results as a page.")]


def fleet(
    what: What,
    named: Named = "",
    agent: Agents = "",
    ray: Where = "none",
    workers: Workers = 2,
    together: Together = 16,
    max_usd: MaxUsd = None,
    requests_per_minute: Requests = None,
    tokens_per_minute: Tokens = None,
    tries: Tries = 3,
    name: Name = "",
    output: Output = None,
    page: PageFile = None,
    database_url: Database = None,
    json: AsJson = False,
) -> None:
    """Work on a file of tasks with many agents at once; the same command goes on after Ctrl-C or a crash.

    `agentmem fleet status` shows how far one is, `stop` ends it politely from anywhere, `retry` sets failed runs back.
    The workspaces of runs are kept in the folder `fleets` beside a database that is a file, else in .agentmem/fleets.
    """
    kept = database(HERE, database_url)
    if what in ACTIONS:
        _act(what, named, str(kept), output, page, json)
        return
    if not agent:
        raise ConfigError("say how an agent is made: --agent module:make_agent, a function of a FleetSeat")
    own: dict[str, Any] = {"requests_minute": requests_per_minute, "tokens_minute": tokens_per_minute}
    own |= {"ray": ray, "workers": workers, "together": together, "max_usd": max_usd, "tries": tries}
    _run(Path(what), agent, kept, {"name": name or Path(what).stem, **own}, (output, page, json))


def _run(path: Path, agent: str, kept: str | Path, own: dict[str, Any], wanted: "Wanted") -> None:
    """Work on the file's tasks, tell what came of them, and exit with the code for it."""
    from agentmem.fleet.fleet import Fleet
    from agentmem.fleet.settings import loaded
    from agentmem.fleet.tasks import read_tasks

    tasks = read_tasks(path)
    if own["ray"] in ("none", "local"):
        loaded(agent)
    for file in filter(None, wanted[:2]):
        _check_writable(file)
    with Fleet(agent, kept, **own) as made:
        try:
            _watched(made, tasks, quiet=wanted[2])
        except KeyboardInterrupt:
            complain(f"Interrupted. The same command goes on with fleet {made.settings.name}.")
            raise typer.Exit(Code.INTERRUPTED) from None
        _tell(made.board, *wanted)
        raise typer.Exit(_code(made.board.summary()))


def _check_writable(file: Path) -> None:
    """Before hours of work, not after. Raises ConfigError."""
    existed = file.exists()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("ab"):
            pass
        if not existed:
            file.unlink()
    except OSError as error:
        raise ConfigError(f"{file} cannot be written: {error.strerror}") from error


def _watched(made: "Fleet", tasks: list[Any], quiet: bool) -> "list[FleetRun]":
    """Work on the tasks, with a line that says how far the fleet is."""
    from rich.live import Live

    if quiet:
        return made.map(tasks)
    with Live(console=notices(), auto_refresh=False, transient=True) as live:
        return made.map(tasks, lambda progress: live.update(_line(progress), refresh=True))


def _line(progress: "FleetProgress") -> str:
    from agentmem.fleet.results import share

    summary = progress.summary
    failed = summary.states.get("failed", 0) + summary.states.get("stopped", 0)
    left = "" if progress.eta is None else f", {_time(progress.eta)} left"
    return (
        f"{summary.states.get('done', 0):,} of {summary.total:,} done, {progress.running} running on "
        f"{progress.workers} workers, {failed} failed, ${summary.usd:.4f}, hit rate {share(summary.hit_rate)}{left}"
    )


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _act(what: str, named: str, kept: str, output: Path | None, page: Path | None, json: bool) -> None:
    from agentmem.fleet.board import fleets, opened

    if missing := missing_file(kept):
        raise ThreadNotFound(f"{NO_FLEET} ({missing} is not there)")
    with opened(kept, named) as board:
        known = fleets(board.storage)
        if not known:
            raise ThreadNotFound(NO_FLEET)
        if named and named not in known:
            raise ThreadNotFound(f"there is no fleet {named!r} here, only {', '.join(known[:8])}")
    with opened(kept, named or known[0]) as board:
        if what == "stop":
            board.stop("`agentmem fleet stop` was run")
            print_line(f"Fleet {board.fleet} ends when its running requests have: start it again to go on.")
        elif what == "retry":
            again = board.again(("failed", "stopped"))
            runs = f"{again:,} {'run' if again == 1 else 'runs'}"
            print_line(f"{runs} of fleet {board.fleet} to begin again: start it to go on.")
        else:
            _tell(board, output, page, json)


def _tell(board: "Board", output: Path | None, page: Path | None, json: bool) -> None:
    from agentmem.fleet.results import row_of, sentence, write_page, write_parquet

    summary, runs = board.summary(), list(board.runs())
    if output:
        write_parquet(runs, output)
    if page:
        write_page(board.fleet, summary, runs, page)
    if json:
        print_json({"schema": 1, "basis": "measured", **_totals(board, summary), "runs": [row_of(one) for one in runs]})
        return
    print_line(f"Fleet {board.fleet}: {sentence(summary)}")
    if summary.stopping:
        print_line(f"It was asked to stop: {summary.stopping}.")
    elif summary.ended < summary.total and not board.is_worked_on():
        print_line("Nobody works on it now: start it again to go on.")
    for one in [one for one in runs if one.reason and one.state != "done"][:5]:
        console().print(f"  {one.key}: {one.state}: {one.reason}", highlight=False, soft_wrap=True)
    if summary.states.get("failed") or summary.states.get("stopped"):
        print_line(f"`agentmem fleet retry {board.fleet}` has failed and stopped runs begin again.")


def _totals(board: "Board", summary: "FleetSummary") -> dict[str, Any]:
    own = {"fleet": board.fleet, "states": dict(summary.states), "cost_usd": summary.usd, "requests": summary.requests}
    counts = {"input_tokens": summary.input, "cache_read_tokens": summary.cached, "output_tokens": summary.output}
    return {
        **own,
        **counts,
        "hit_rate": summary.hit_rate,
        "stopping": summary.stopping,
        "worked_on": board.is_worked_on(),
    }


def _code(summary: "FleetSummary") -> Code:
    if summary.ended < summary.total or summary.states.get("stopped"):
        return Code.STOPPED
    return Code.FAILED if summary.states.get("failed") else Code.WAITING if summary.states.get("asks") else Code.DONE

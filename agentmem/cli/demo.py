"""`agentmem demo`: an agent at work, then a coder and a tester, with no key and no set-up."""

import tempfile
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agentmem.cli.output import console, notices
from agentmem.cli.watch import RunWatch

if TYPE_CHECKING:
    from rich.console import Console

LOCAL = "Each request also goes through a small local engine: cached and processed tokens are its own counters."
SIMULATED = (
    "The local engine is not installed here, so the cache is simulated by Anthropic's published rules. "
    "`agentmem local install` brings it."
)
NEXT = (
    "Next: look at the pages in {folder}, run `agentmem report --workspace {folder}` for these numbers again, and put "
    "your own folder and a model behind it: `agentmem run TASK --workspace DIR --model anthropic:claude-sonnet-5-5`."
)

TEAM = (
    "Now a coder and a tester: two agents, each with a context and a fork of its own, and one verdict on evidence. "
    "Both are scripts; forks, commands and tests are real. Tokens and cache are simulated by published rules."
)
TEAM_NEXT = (
    "The whole report is {page}. With a repository and models of yours: `agentmem team TASK --repo DIR --check CMD "
    "--coder anthropic:claude-sonnet-5-5 --tester anthropic:claude-opus-5`, and --apply to bring in what passed."
)
NO_TEAM = "The second part, a coder and a tester, is left out here: {why}"


def demo(
    folder: Annotated[Path | None, typer.Argument(help="Where to put the pages: a new or empty folder.")] = None,
) -> None:
    """Watch an agent work on a small workspace, metered by a real engine, and see the table that tells what it cost."""
    from agentmem import demo as shown
    from agentmem.meter.ledger import rows
    from agentmem.meter.report import report
    from agentmem.meter.tables import show
    from agentmem.runtime.agent import Agent

    place, out = _place(folder), console()
    shown.prepare(place)
    out.print(f"Task: {shown.TASK}\n")
    out.print(
        f"The planner is a script, so that this runs without a key; pages, tools and transcript are real. "
        f"{LOCAL if shown.metered_by_engine() else SIMULATED}\n"
    )
    with notices().status("Starting the engine ..."):
        meter = shown.meter()
    model = shown.planner(meter)
    try:
        with Agent(model, place, pinned=shown.PINNED, price_as=shown.PRICED_AS) as agent:
            watch = RunWatch("demo", quiet=False)
            try:
                with closing(agent.stream(shown.TASK, thread="demo")) as events:
                    for event in events:
                        watch.see(event)
            finally:
                watch.rest()
            watch.close(watch.result)
            out.print()
            show(report(rows(agent.journal, "demo"), "demo"), out)
    finally:
        model.close()
    out.print()
    out.print(NEXT.format(folder=place), soft_wrap=True)
    out.print()
    _team(place / "team", out)


def _place(folder: Path | None) -> Path:
    """Where the demo writes its pages. Raises ConfigError for a folder that has something in it."""
    from agentmem.errors import ConfigError

    place = folder or Path(tempfile.mkdtemp(prefix="agentmem-demo-"))
    if place.exists() and any(place.iterdir()):
        raise ConfigError(f"{place} is not empty: the demo writes its pages there, so name a new folder")
    return place


def _team(place: Path, out: "Console") -> None:
    """A coder and a tester mend the example's repository in three rounds."""
    from agentmem import demo as shown
    from agentmem.cli.team import line
    from agentmem.demo import team as example
    from agentmem.errors import IsolationUnavailable
    from agentmem.meter.ledger import rows
    from agentmem.meter.report import report
    from agentmem.meter.tables import show
    from agentmem.team import TeamDone, TeamProgress
    from agentmem.team.roles import NAMES, thread_of

    if find_spec("pytest") is None:
        out.print(NO_TEAM.format(why="its check is pytest, which is not installed."))
        return
    out.print(f"{TEAM}\n", soft_wrap=True)
    out.print(f"Task: {example.task()}\n")
    try:
        with example.team(example.prepare(place), place / "work", shown.simulated()) as team:
            for event in team.stream(example.task(), thread="team"):
                if isinstance(event, TeamProgress):
                    notices().print(line(event), style="dim", highlight=False, soft_wrap=True)
                elif isinstance(event, TeamDone):
                    out.print(f"\n{event.result.page.partition('## Round 1')[0]}", highlight=False)
            metered = [row for name in NAMES for row in rows(team.journal, thread_of("team", name))]
            show(report(metered, "team"), out)
    except IsolationUnavailable as error:
        out.print(NO_TEAM.format(why=error))
        return
    out.print(TEAM_NEXT.format(page=place / "work" / "team.md"), soft_wrap=True)

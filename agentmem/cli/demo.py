"""`agentmem demo`: an agent at work, with no key and no set-up."""

import tempfile
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from agentmem.cli.output import console, notices
from agentmem.cli.watch import Watch

LOCAL = "Each request also goes through a small local engine: cached and processed tokens are its own counters."
SIMULATED = (
    "The local engine is not installed here, so the cache is simulated by Anthropic's published rules. "
    "`agentmem local install` brings it."
)
NEXT = (
    "Next: look at the pages in {folder}, run `agentmem report --workspace {folder}` for these numbers again, and put "
    "your own folder and a model behind it: `agentmem run TASK --workspace DIR --model anthropic:claude-sonnet-5-5`."
)


def demo(
    folder: Annotated[Path | None, typer.Argument(help="Where to put the pages: a new or empty folder.")] = None,
) -> None:
    """Watch an agent work on a small workspace, metered by a real engine, and see the table that tells what it cost."""
    from agentmem import demo as shown
    from agentmem.errors import ConfigError
    from agentmem.meter.ledger import decode
    from agentmem.meter.report import report
    from agentmem.meter.tables import show
    from agentmem.runtime.agent import Agent

    place = folder or Path(tempfile.mkdtemp(prefix="agentmem-demo-"))
    if place.exists() and any(place.iterdir()):
        raise ConfigError(f"{place} is not empty: the demo writes its pages there, so name a new folder")
    shown.prepare(place)
    out = console()
    out.print(f"[bold]Task:[/] {shown.TASK}\n")
    out.print(
        f"The planner is a script, so that this runs without a key; pages, tools and transcript are real. "
        f"{LOCAL if shown.metered_by_engine() else SIMULATED}\n"
    )
    with notices().status("Starting the engine ..."):
        meter = shown.meter()
    model = shown.planner(meter)
    try:
        with Agent(model, place, pinned=shown.PINNED, price_as=shown.PRICED_AS) as agent:
            watch = Watch("demo", quiet=False)
            try:
                with closing(agent.stream(shown.TASK, thread="demo")) as events:
                    for event in events:
                        watch.see(event)
            finally:
                watch.rest()
            watch.close(watch.result)
            out.print()
            show(report(map(decode, agent.journal.own("demo", "usage")), "demo"), out)
    finally:
        model.close()
    out.print()
    out.print(NEXT.format(folder=place), markup=False, soft_wrap=True)

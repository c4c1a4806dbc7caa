"""The commands, in the order in which `agentmem --help` lists them.

Each command is a module of its own and imports heavy modules only when it runs, so that `--help` is fast.
"""

from typing import Annotated

import typer

from agentmem import __version__
from agentmem.cli import (
    answers,
    context,
    demo,
    doctor,
    fleet,
    fleet_sim,
    history,
    importing,
    labels,
    local,
    logs,
    pages,
    prefix,
    proxy,
    recall,
    replay,
    reports,
    route,
    run,
    serve,
    simulate,
    team,
    ui,
    why,
)
from agentmem.cli import trust as trusting
from agentmem.cli.exits import EPILOG, Commands
from agentmem.cli.output import print_line

app = typer.Typer(
    name="agentmem",
    cls=Commands,
    no_args_is_help=True,
    epilog=EPILOG,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        print_line(__version__)
        raise typer.Exit


@app.callback()
def agentmem(
    debug: Annotated[bool, typer.Option("--debug", help="Show where an error came from.")] = False,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
    trust: Annotated[bool, typer.Option("--trust", help="Confirm what the folder's agentmem.toml says.")] = False,
) -> None:
    """Run an agent on a workspace of markdown pages: its context stays small, and every token is metered."""
    trusting.given(trust)


app.command()(run.run)
app.command()(team.team)
pages.pages.command("import")(importing.import_pages)
pages.pages.command("export")(importing.export_pages)
app.add_typer(pages.pages, name="pages")
app.command()(prefix.menu)
app.command()(prefix.prefix)
app.command()(reports.runs)
app.command()(reports.report)
app.command()(ui.ui)
app.command()(why.why)
app.command()(context.context)
app.command()(logs.logs)
app.command()(replay.replay)
app.add_typer(route.route, name="route")
app.command()(route.where)
app.command(
    options_metavar="[OPTIONS] -- COMMAND...",
    context_settings={"allow_extra_args": True, "ignore_unknown_options": False},
)(proxy.watch)
app.command()(proxy.proxy)
app.command()(simulate.simulate)
app.command()(fleet.fleet)
app.command("fleet-sim")(fleet_sim.fleet_sim)
app.command()(serve.serve)
app.command()(recall.recall)
app.command()(history.checkpoints)
app.command()(history.fork)
app.command()(history.rollback)
for command in (labels.sample, labels.tune, labels.judge):
    answers.answers.command()(command)
app.add_typer(answers.answers, name="answers")
app.command()(reports.forget)
app.add_typer(local.local, name="local")
app.command()(doctor.doctor)
app.command()(demo.demo)

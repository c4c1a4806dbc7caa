"""`agentmem run`: let an agent work on a task while you watch."""

import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agentmem.cli.exits import Code
from agentmem.cli.interrupts import interruptible
from agentmem.cli.options import HERE, AsJson, Database, Model, Pins, Shell, Workspace, database
from agentmem.cli.output import complain, print_json
from agentmem.cli.watch import RunWatch
from agentmem.errors import ConfigError

if TYPE_CHECKING:
    from agentmem.config import Config
    from agentmem.menu.permissions import Reach
    from agentmem.runtime.agent import Agent
    from agentmem.runtime.events import Approval, Result

Task = Annotated[str | None, typer.Argument(help="What to do; - reads it from stdin. Without one, go on.")]
Budget = Annotated[int | None, typer.Option(help="Tokens of context that no request may exceed.")]
Thread = Annotated[str | None, typer.Option("--thread", "-t", help="The thread to start or to go on with.")]
System = Annotated[Path | None, typer.Option(metavar="FILE", help="Instructions to use instead of agentmem's own.")]
Approve = Annotated[
    list[str] | None, typer.Option(metavar="TOOL", help="A tool whose calls wait for you. May be repeated.")
]
Answer = Annotated[bool | None, typer.Option("--allow/--refuse", help="Answer the calls that --thread waits with.")]
MaxTurns = Annotated[int | None, typer.Option(help="Stop after this many requests.")]
MaxUsd = Annotated[float | None, typer.Option(help="Stop when this many dollars are spent.")]
MaxSeconds = Annotated[float | None, typer.Option(help="Stop after this many seconds.")]
PriceAs = Annotated[str | None, typer.Option(metavar="NAME", help="Whose prices count; by default the model's own.")]
Steering = Annotated[
    str | None,
    typer.Option(
        metavar="ask|refuse|allow",
        help="Changes to files that steer other programs (Makefile, AGENTS.md). By default asked at a terminal.",
    ),
]
Unwalled = Annotated[bool, typer.Option("--no-walls", help="With --shell: commands run with all your rights.")]

_CODES = {"done": Code.DONE, "stopped": Code.STOPPED, "waiting": Code.WAITING}


def run(
    task: Task = None,
    workspace: Workspace = HERE,
    model: Model = None,
    budget: Budget = None,
    thread: Thread = None,
    shell: Shell = False,
    pin: Pins = None,
    system: System = None,
    approve: Approve = None,
    answer: Answer = None,
    max_turns: MaxTurns = None,
    max_usd: MaxUsd = None,
    max_seconds: MaxSeconds = None,
    steering: Steering = None,
    unwalled: Unwalled = False,
    price_as: PriceAs = None,
    database_url: Database = None,
    json: AsJson = False,
) -> None:
    """Let an agent work on a task in a workspace of pages.

    The answer goes to stdout, the agent's steps to stderr. The same --thread continues where it was, also after
    Ctrl-C or a kill.
    """
    from agentmem.cli.trust import settings as confirmed
    from agentmem.runtime.invocation import new_thread

    said, named = _task(task, thread, answer), thread or new_thread()
    limits = {"max_turns": max_turns, "max_usd": max_usd, "max_seconds": max_seconds}
    settings = confirmed().with_given(model=model, budget=budget, **limits)
    options: dict[str, Any] = {
        "reach": _reach(settings, steering, unwalled, json),
        "system": system and system.read_text(encoding="utf-8"),
        "approve": tuple(approve or ()),
        "pinned": tuple(pin or ()),
        "price_as": price_as,
        "database": database(workspace, database_url),
    }
    _watched(lambda: _agent(settings, workspace, shell, options), said, named, json)


def _reach(settings: "Config", steering: str | None, unwalled: bool, json: bool) -> "Reach":
    """The rights of tools. Without a terminal, calls that a person would have to allow are refused by default."""
    from agentmem.menu.permissions import read

    if steering is None and "steering" not in settings.reach and (json or not sys.stdin.isatty()):
        steering = "refuse"
    return read(settings.reach, steering=steering, walls="none" if unwalled else None)


def _watched(made: "Callable[[], Agent]", said: "str | Approval | None", thread: str, json: bool) -> None:
    """Run the agent that ``made`` makes, show its steps, and exit with the code for its end."""
    from agentmem.menu.toolbox import stop_all

    watch = RunWatch(thread, quiet=json)

    def work() -> "Result":
        with made() as agent:
            return _until_answered(agent, said, thread, watch)

    def halt() -> None:
        watch.halt()
        complain(f"Interrupted. All work so far is kept: `agentmem run --thread {thread}` continues it.")
        stop_all()

    try:
        result = interruptible(work, halt)
    except KeyboardInterrupt:
        raise typer.Exit(Code.INTERRUPTED) from None
    finally:
        watch.rest()
    if json:
        print_json(watch.summary(result))
    else:
        watch.close(result)
    raise typer.Exit(_CODES[result.status])


def _task(task: str | None, thread: str | None, answer: bool | None) -> "str | Approval | None":
    from agentmem.runtime.events import Approval

    if answer is not None:
        if task or not thread:
            raise ConfigError("--allow and --refuse answer a thread that waits: give its --thread, and no task")
        return Approval(answer)
    if task == "-":
        task = sys.stdin.read()
    if not (task or thread) or (task is not None and not task.strip()):
        raise ConfigError("say what to do, as in `agentmem run 'Summarise notes.md'`, or which --thread to go on with")
    return task


def _agent(settings: "Config", workspace: Path, shell: bool, options: dict[str, Any]) -> "Agent":
    from agentmem.menu.menu import default_menu
    from agentmem.routing.routes import routes_of
    from agentmem.runtime.agent import Agent
    from agentmem.runtime.stops import Limits

    if settings.model is None:
        raise ConfigError(
            "say which model: --model anthropic:claude-sonnet-5-5 (needs ANTHROPIC_API_KEY), openai:..., local "
            "(after `agentmem local install`) or scripted:FILE; or set model in agentmem.toml"
        )
    if not workspace.is_dir():
        raise ConfigError(f"there is no folder {workspace}: make it, or name another --workspace")
    given = {name: getattr(settings, name) for name in ("max_turns", "max_usd", "max_seconds")}
    limits = Limits(**{name: value for name, value in given.items() if value is not None})
    menu = default_menu(shell=shell)
    options["archive"], options["attachments"] = settings.archive or "workspace", settings.attachments
    routes = routes_of(settings.route, settings.targets, settings.privacy, settings.routing)
    return Agent(settings.model, workspace, tools=menu, budget=settings.budget, limits=limits, routes=routes, **options)


def _until_answered(agent: "Agent", said: "str | Approval | None", thread: str, watch: RunWatch) -> "Result":
    """Runs the thread. If calls wait for approval and a person is at the terminal, asks and continues."""
    while True:
        with closing(agent.stream(said, thread=thread)) as events:  # an interrupt ends the run, not only this loop
            for event in events:
                watch.see(event)
        result = watch.result
        if result.status != "waiting" or not watch.can_ask:
            return result
        said = watch.ask(result.pending)

"""`agentmem run`: an agent works on a task, and you watch."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agentmem.cli.exits import Code
from agentmem.cli.interrupts import interruptible
from agentmem.cli.options import HERE, AsJson, Database, Model, Pins, Shell, Workspace, database
from agentmem.cli.output import complain, print_json
from agentmem.cli.watch import Watch
from agentmem.errors import ConfigError

if TYPE_CHECKING:
    from agentmem.config import Config
    from agentmem.runtime.agent import Agent
    from agentmem.runtime.events import Approval, Result

_CODES = {"done": Code.DONE, "stopped": Code.STOPPED, "waiting": Code.WAITING}


def run(
    task: Annotated[str | None, typer.Argument(help="What to do; - reads it from stdin. Without one, go on.")] = None,
    workspace: Workspace = HERE,
    model: Model = None,
    budget: Annotated[int | None, typer.Option(help="Tokens of context that no request may exceed.")] = None,
    thread: Annotated[str | None, typer.Option("--thread", "-t", help="The thread to start or to go on with.")] = None,
    shell: Shell = False,
    pin: Pins = None,
    system: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Instructions to use instead of agentmem's own.")
    ] = None,
    approve: Annotated[
        list[str] | None, typer.Option(metavar="TOOL", help="A tool whose calls wait for you. May be repeated.")
    ] = None,
    answer: Annotated[
        bool | None, typer.Option("--allow/--refuse", help="Answer the calls that --thread waits with.")
    ] = None,
    max_turns: Annotated[int | None, typer.Option(help="Stop after this many requests.")] = None,
    max_usd: Annotated[float | None, typer.Option(help="Stop when this many dollars are spent.")] = None,
    max_seconds: Annotated[float | None, typer.Option(help="Stop after this many seconds.")] = None,
    price_as: Annotated[
        str | None, typer.Option(metavar="NAME", help="Whose prices to estimate with when the model has none.")
    ] = None,
    database_url: Database = None,
    json: AsJson = False,
) -> None:
    """Let an agent work on a task in a workspace of pages.

    The answer goes to stdout, what the agent does to stderr. Running the same --thread again goes on where it was,
    also after Ctrl-C or a kill.
    """
    from agentmem.config import Config
    from agentmem.runtime.agent import new_thread
    from agentmem.runtime.tools.workers import stop_all

    said = _task(task, thread, answer)
    settings = Config.load().with_given(
        model=model, budget=budget, max_turns=max_turns, max_usd=max_usd, max_seconds=max_seconds
    )
    named = thread or new_thread()
    options: dict[str, Any] = {
        "system": system and system.read_text(encoding="utf-8"),
        "approve": tuple(approve or ()),
        "pinned": tuple(pin or ()),
        "price_as": price_as,
        "database": database(workspace, database_url),
    }
    watch = Watch(named, quiet=json)

    def work() -> "Result":
        with _agent(settings, workspace, shell, options) as agent:
            return _until_answered(agent, said, named, watch)

    def halt() -> None:
        watch.halt()
        complain(f"Interrupted. Whatever was done is kept: `agentmem run --thread {named}` goes on.")
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
    from agentmem.runtime.agent import Agent
    from agentmem.runtime.limits import Limits
    from agentmem.runtime.menu import default_menu

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
    return Agent(settings.model, workspace, tools=menu, budget=settings.budget, limits=limits, **options)


def _until_answered(agent: "Agent", said: "str | Approval | None", thread: str, watch: Watch) -> "Result":
    """Runs the thread; where it waits and somebody sits at the terminal, asks them and goes on."""
    while True:
        for event in agent.stream(said, thread=thread):
            watch.see(event)
        result = watch.result
        if result.status != "waiting" or not watch.can_ask:
            return result
        said = watch.ask(result.pending)

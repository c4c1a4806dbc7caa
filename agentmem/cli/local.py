"""`agentmem local ...`: install the local engine, llama.cpp with small weights, to measure a KV cache."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer

from agentmem import distribution
from agentmem.cli.exits import Code
from agentmem.cli.local_cache import cache
from agentmem.cli.options import AsJson
from agentmem.cli.output import console, notices, print_json

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

local = typer.Typer(no_args_is_help=True, help="The local engine: llama.cpp with small weights, and its warehouse.")
local.add_typer(cache, name="cache")

ENGINE = "xllamacpp"
GET_ENGINE = distribution.install("local")
GET_WEIGHTS = "agentmem local install"


@dataclass
class Bar:
    """Shows the progress of an installation, one bar a step."""

    progress: "Progress"
    tasks: "dict[str, TaskID]"

    def __call__(self, step: str, done: int, total: int) -> None:
        if step not in self.tasks:
            self.tasks[step] = self.progress.add_task(step.capitalize())
        self.progress.update(self.tasks[step], completed=done, total=total or None)


@local.command()
def install(json: AsJson = False) -> None:
    """Fetch the weights (98 MB, once) and check their hash. It is safe to repeat or interrupt this at any moment."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

    from agentmem.models import weights

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TimeElapsedColumn())
    with Progress(*columns, console=notices(), transient=True) as progress:
        weights.install(Bar(progress, {}))
    _tell(_status(), json)


@local.command()
def status(json: AsJson = False) -> None:
    """Show if the engine and its weights are here and whole. Exits with 4 if something is missing."""
    found = _status()
    _tell(found, json)
    if not found["ready"]:
        raise typer.Exit(Code.MODEL)


def _status() -> dict[str, Any]:
    from agentmem.models import weights

    engine, found = engine_version(), weights.status()
    return {
        "schema": 1,
        "ready": engine is not None and found.intact,
        "engine": {"name": ENGINE, "version": engine},
        "weights": {
            "name": found.weights.name,
            "path": None if found.path is None else str(found.path),
            "bytes": found.weights.size,
            "sha256": found.weights.sha256,
            "intact": found.intact,
        },
    }


def engine_version() -> str | None:
    """The version of the engine's package, or None if it is not installed."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(ENGINE)
    except PackageNotFoundError:
        return None


def _tell(found: dict[str, Any], json: bool) -> None:
    if json:
        print_json(found)
        return
    out = console()
    engine, weights = found["engine"], found["weights"]
    where = weights["path"] or f"not here: {GET_WEIGHTS}"
    state = "" if weights["intact"] or not weights["path"] else f" (damaged: {GET_WEIGHTS})"
    out.print(f"engine   {ENGINE} {engine['version'] or f'is not installed: {GET_ENGINE}'}", soft_wrap=True)
    out.print(f"weights  {weights['name']}: {where}{state}", highlight=False, soft_wrap=True)
    if found["ready"]:
        out.print("The local engine is ready: `agentmem demo`, or --model local.", highlight=False)

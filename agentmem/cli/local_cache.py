"""`agentmem local cache ...`: what the user's token warehouse holds, whether it is whole, and emptying it."""

from pathlib import Path
from typing import Annotated, Any

import typer

from agentmem.cli.exits import Code
from agentmem.cli.options import AsJson
from agentmem.cli.output import console, print_json
from agentmem.errors import ConfigError

cache = typer.Typer(no_args_is_help=True, help="The token warehouse: KV state that was computed once, kept in blocks.")

Folder = Annotated[Path | None, typer.Option(metavar="DIR", help="Another warehouse than the user's own.")]


@cache.command()
def stats(folder: Folder = None, json: AsJson = False) -> None:
    """Show what the warehouse holds on the disk, and what it has given so far."""
    with _opened(folder) as warehouse:
        found = warehouse.stats()
    if json:
        print_json(found)
        return
    out, disk, used = console(), found["disk"], found["used"]
    out.print(f"folder    {found['folder']}", highlight=False, soft_wrap=True)
    size = f"{disk['bytes'] / 1e6:,.1f} of {disk['budget_bytes'] / 1e6:,.0f} MB"
    out.print(f"holds     {disk['blocks']:,} blocks, {disk['tokens']:,} tokens, {size}", highlight=False)
    out.print(f"requests  {used['requests']:,}", highlight=False)
    for line in _shares(used):
        out.print(line, highlight=False)
    out.print(f"saved     {used['seconds_saved']:,.1f} s of the engine", highlight=False)


@cache.command()
def verify(folder: Folder = None, json: AsJson = False) -> None:
    """Read every block and check it. Damaged ones are deleted. Exits with 1 if there were any."""
    with _opened(folder) as warehouse:
        found = warehouse.verify()
    if json:
        print_json(found)
    else:
        console().print(f"{found['whole']:,} of {found['blocks']:,} blocks are whole", highlight=False)
        for why, count in found["refused"].items():
            console().print(f"{count:,} refused: {why}", highlight=False)
    if found["refused"]:
        raise typer.Exit(Code.FAILED)


@cache.command()
def clear(folder: Folder = None, json: AsJson = False) -> None:
    """Delete all blocks. Nothing is lost but the time to compute them again."""
    with _opened(folder) as warehouse:
        count = warehouse.clear()
    if json:
        print_json({"schema": 1, "basis": "measured", "deleted": count})
    else:
        console().print(f"{count:,} blocks deleted", highlight=False)


def _opened(folder: Path | None) -> Any:
    """The warehouse in a folder that is there; nothing is made for a question."""
    from agentmem.cli.trust import settings
    from agentmem.kvcache.warehouse.usual import checked, usual_folder
    from agentmem.kvcache.warehouse.warehouse import Warehouse

    config = settings()
    place = folder or usual_folder(config)
    if not place.is_dir():
        raise ConfigError(f"there is no warehouse in {place}: a local model makes it when it is first used")
    return Warehouse(ram=0, disk=checked(config.warehouse)["disk"], folder=place)


def _shares(used: dict[str, Any]) -> list[str]:
    tiers = ("slot", "ram", "disk", "far", "computed")
    total = sum(used[tier] for tier in tiers) or 1
    return [f"{tier:9} {used[tier]:>10,} tokens  {used[tier] / total:6.1%}" for tier in tiers]

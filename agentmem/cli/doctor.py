"""`agentmem doctor`: what works on this machine, and how to mend what does not."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from agentmem.cli.exits import Code
from agentmem.cli.options import AsJson
from agentmem.cli.output import console, notices, print_json

if TYPE_CHECKING:
    from rich.table import Table

    from agentmem.cli.checks import Check


def doctor(json: AsJson = False) -> None:
    """Say what works on this machine and how to mend what does not. Fails when something needed is missing."""
    from agentmem.cli.checks import CHECKS

    with notices().status("Looking around ..."):
        checks = [check() for check in CHECKS]
    well = all(check.ok for check in checks if check.needed)
    if json:
        print_json({"schema": 1, "ok": well, "checks": [asdict(check) for check in checks]})
    else:
        out = console()
        out.print(_table(checks))
        out.print(verdict(checks), highlight=False)
    if not well:
        raise typer.Exit(Code.FAILED)


def _table(checks: "list[Check]") -> "Table":
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD)
    for name in ("", "what", "found", "what to do"):
        table.add_column(name, overflow="fold")
    for check in checks:
        sign = ("ok", "green") if check.ok else ("missing", "red") if check.needed else ("no", "yellow")
        table.add_row(Text(*sign), check.name, check.detail, "" if check.ok else check.mend)
    return table


def verdict(checks: "Sequence[Check]") -> str:
    """One sentence: whether agentmem works here, and what must be mended if it does not."""
    missing = ", ".join(check.name for check in checks if check.needed and not check.ok)
    if missing:
        return f"agentmem cannot work here until this is mended: {missing}."
    return "All that agentmem needs is here. Try `agentmem demo`; what says no is optional."

"""The tables of `agentmem replay --fidelity`: what is in view after so many cuts, and what was lost."""

from typing import Any

from agentmem.cli.output import console

_TABLES = (
    ("corrections", "rules", "task", "artifacts"),
    ("facts", "loaded", "superseded", "of", "tokens"),
)
"""The columns of each table."""
_COUNTED = {"of": "sessions", "tokens": "kept_tokens"}
_NAMED = 5
"""Lost things that are named for each policy and number of cuts; `--json` has more."""
_LONGEST = 110


def show_fidelity(made: dict[str, Any]) -> None:
    """Print the tables."""
    out = console()
    for kinds in _TABLES:
        out.print(_table(made["policies"], kinds))
        out.print()
    for row in made["policies"]:
        _show_lost(row)
    out.print(f"budget {made['budget']:,} tokens; every policy gets the same extract as its summary", highlight=False)
    out.print("of: conversations that had as many cuts; tokens: of the messages right after the cut", highlight=False)
    for kind, meaning in made["kinds"].items():
        out.print(f"{kind}: {meaning}", highlight=False)


def _table(rows: list[dict[str, Any]], kinds: tuple[str, ...]) -> Any:
    from rich.table import Table

    table = Table("policy", "cuts", *kinds, box=None, padding=(0, 2, 0, 0))
    for column in table.columns:
        column.no_wrap = True
    for column in table.columns[1:]:
        column.justify = "right"
    for row in rows:
        for one in row["after"] if not row["missing"] else ():
            if one["sessions"]:
                table.add_row(row["policy"], _cuts(one), *(_cell(one, kind) for kind in kinds))
    return table


def _cuts(one: dict[str, Any]) -> str:
    """After how many cuts; of the last one the mean."""
    return f"all {one['cuts_made'] / one['sessions']:.0f}" if one["cuts"] == "last" else str(one["cuts"])


def _cell(one: dict[str, Any], kind: str) -> str:
    if kind in _COUNTED:
        return f"{one[_COUNTED[kind]]:,}"
    return _share(one[kind])


def _share(one: dict[str, Any]) -> str:
    return "–" if one["share"] is None else f"{_percent(one['share'])} ({one['due']:,})"


def _percent(share: float) -> str:
    """Never rounded up to all of it."""
    return f"{min(share, 0.99) if share < 1 else 1:.0%}"


def _show_lost(row: dict[str, Any]) -> None:
    out = console()
    if row["missing"]:
        out.print(f"{row['policy']}: {row['missing']}", highlight=False)
    last = next((one for one in reversed(row["after"]) if one["lost"]), None)
    if last is None or row["missing"]:
        return
    more = len(last["lost"]) + last["lost_more"] - _NAMED
    out.print(f"{row['policy']}, lost after {_cuts(last)} cuts:", highlight=False)
    for one in last["lost"][:_NAMED]:
        words = " ".join(one["text"].split())
        out.print(f"  {one['kind']}: {words[:_LONGEST]}", highlight=False, markup=False, soft_wrap=True)
    if more > 0:
        out.print(f"  and {more:,} more; --json names some of them", highlight=False)
    out.print()

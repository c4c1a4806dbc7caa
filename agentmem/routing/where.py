"""Where every token ran, and why: a ledger by label and tier, and one sentence for each request."""

import html
from collections.abc import Iterable, Sequence
from typing import Any

from agentmem.meter.ledger import Row
from agentmem.meter.routed import Routed

COLUMNS: tuple[tuple[str, str, str], ...] = (
    ("requests", "requests", "{:,}"),
    ("input", "input_tokens", "{:,}"),
    ("read", "cache_read_tokens", "{:,}"),
    ("output", "output_tokens", "{:,}"),
    ("dollars", "cost_usd", "${:,.4f}"),
    ("if it stayed", "stay_usd", "${:,.4f}"),
    ("seconds", "seconds", "{:,.1f}"),
    ("cache lost by moves", "lost_tokens", "{:,}"),
)
"""The columns of the table: heading, key and format."""


def where(rows: Iterable[Row], run: str | None = None) -> dict[str, Any]:
    """Where the requests of a run ran: the object that `agentmem where --json` prints.

    ``groups`` are sums by label (the purpose) and tier, ``requests`` one object each, with its why. Dollars are None
    where no price is known. ``stay_usd`` is what staying would have cost, by the estimates made before each request.
    """
    made = list(rows)
    groups: dict[tuple[str, str, str], list[Row]] = {}
    for row in made:
        groups.setdefault((_label(row), _route(row).tier, _route(row).target), []).append(row)
    bases = {row.usage.basis for row in made}
    return {
        "schema": 1,
        "basis": bases.pop() if len(bases) == 1 else None,
        "run": run,
        "groups": [_group(*key, some) for key, some in sorted(groups.items())],
        "total": _sums(made),
        "requests": [_request(number, row) for number, row in enumerate(made)],
    }


def why(found: dict[str, Any], number: int) -> str:
    """The why of one request of `where`, in a sentence. Raises IndexError."""
    one = found["requests"][number]
    cost = "" if one["cost_usd"] is None else f" for ${one['cost_usd']:.4f}"
    return f"Request {number} ({one['label']}) ran at {one['target']} ({one['tier']}){cost}: {one['why']}."


def page(found: dict[str, Any]) -> str:
    """The same as one HTML page that fetches nothing and runs no script."""
    title = html.escape(f"Where every token ran: {found['run'] or 'all requests'}")
    heads = "".join(f"<th>{html.escape(name)}</th>" for name in ("label", "tier", "target", *(c[0] for c in COLUMNS)))
    groups = "".join(_line([one["label"], one["tier"], one["target"]], one) for one in found["groups"])
    total = _line(["all", "", ""], found["total"])
    requests = "".join(
        "<tr>" + "".join(f"<td>{html.escape(str(cell))}</td>" for cell in _cells(one)) + "</tr>"
        for one in found["requests"]
    )
    return _PAGE.format(title=title, heads=heads, groups=groups, total=total, requests=requests)


def cells(sums: dict[str, Any]) -> list[str]:
    """The numbers of a group as text, in the order of COLUMNS."""
    return ["" if sums[key] is None else form.format(sums[key]) for _, key, form in COLUMNS]


def _route(row: Row) -> Routed:
    return row.route or Routed(row.model, row.tier, why="it was not routed: it ran at the agent's own model")


def _label(row: Row) -> str:
    """The work that the request was for, as it was labelled; else its purpose."""
    return dict(_route(row).labels).get("purpose", row.purpose)


def _group(label: str, tier: str, target: str, rows: Sequence[Row]) -> dict[str, Any]:
    return {"label": label, "tier": tier, "target": target, **_sums(rows)}


def _sums(rows: Sequence[Row]) -> dict[str, Any]:
    dollars = [row.cost_usd for row in rows if row.cost_usd is not None]
    stays = [_stay(row) for row in rows]
    return {
        "requests": len(rows),
        "input_tokens": sum(row.usage.input_tokens for row in rows),
        "cache_read_tokens": sum(row.usage.cache_read_tokens for row in rows),
        "output_tokens": sum(row.usage.output_tokens for row in rows),
        "cost_usd": sum(dollars) if dollars else None,
        "stay_usd": sum(one for one in stays if one is not None) if any(one is not None for one in stays) else None,
        "seconds": sum(row.seconds for row in rows),
        "lost_tokens": sum(_route(row).lost_tokens for row in rows),
    }


def _stay(row: Row) -> float | None:
    """What the request would have cost where its conversation was: its own price if nothing else was looked at."""
    stay = _route(row).stay_usd
    return row.cost_usd if stay is None else stay


def _request(number: int, row: Row) -> dict[str, Any]:
    route = _route(row)
    return {
        "request": number,
        "thread": row.thread,
        "at": row.at,
        "label": _label(row),
        "labels": dict(route.labels),
        "target": route.target,
        "tier": route.tier,
        "model": row.model,
        "rule": route.rule or None,
        "why": route.why,
        "input_tokens": row.usage.input_tokens,
        "output_tokens": row.usage.output_tokens,
        "cost_usd": row.cost_usd,
        "stay_usd": route.stay_usd,
        "move_usd": route.move_usd,
        "lost_tokens": route.lost_tokens,
    }


def _line(names: Sequence[str], sums: dict[str, Any]) -> str:
    texts = "".join(f"<th>{html.escape(name)}</th>" for name in names)
    return "<tr>" + texts + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells(sums)) + "</tr>"


def _cells(one: dict[str, Any]) -> list[Any]:
    usd = "" if one["cost_usd"] is None else f"${one['cost_usd']:.4f}"
    return [one["request"], one["thread"], one["label"], one["tier"], one["target"], one["rule"] or "", usd, one["why"]]


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>
:root {{ color-scheme: light dark; font: 15px/1.45 system-ui, sans-serif; }}
body {{ margin: 2rem auto; max-width: 76rem; padding: 0 1rem; }}
table {{ border-collapse: collapse; margin: 1rem 0 2rem; width: 100%; }}
th, td {{ border-bottom: 1px solid #8884; padding: .3rem .6rem; text-align: right; vertical-align: top; }}
tbody th, .requests td {{ text-align: left; font-weight: normal; }}
tfoot {{ font-weight: bold; }}
</style></head><body>
<h1>{title}</h1>
<table><thead><tr>{heads}</tr></thead><tbody>{groups}</tbody><tfoot>{total}</tfoot></table>
<h2>Each request, and why it ran where it ran</h2>
<table class="requests"><thead><tr><th>request</th><th>thread</th><th>label</th><th>tier</th><th>target</th>
<th>rule</th><th>dollars</th><th>why</th></tr></thead><tbody>{requests}</tbody></table>
</body></html>
"""

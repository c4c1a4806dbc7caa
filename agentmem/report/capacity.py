"""Draws a plan as one HTML page that fetches nothing: the curve of capacities, fleets, choices, settings."""

import html
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

WIDTH, HEIGHT, EDGE = 720, 320, 68
_SAME = 0.0005
"""Hit rates that are this close are the same."""
_NARROW = 4
"""Columns that a phone has room for."""
_LINES = (("hit_rate", "LRU", "found"), ("optimal_hit_rate", "the best possible", "best"))
"""The curves: key, name, class."""

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>agentmem: memory for this traffic</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>:root{{color-scheme:light dark}}
body{{font:15px/1.5 system-ui,sans-serif;max-width:66rem;margin:2rem auto;padding:0 1rem;color:#1b1f24}}
svg{{width:100%;height:auto}}text{{font:12px system-ui,sans-serif;fill:#57606a}}polyline{{fill:none;stroke-width:2}}
.axis{{stroke:#8c959f}}.grid{{stroke:#d0d7de}}.found{{stroke:#0969da}}.best{{stroke:#b35900}}
text.found{{fill:#0969da;stroke:none}}text.best{{fill:#b35900;stroke:none}}
div{{overflow-x:auto}}table{{border-collapse:collapse}}
td,th{{padding:.2rem .6rem;text-align:right;border-bottom:1px solid #d0d7de;white-space:nowrap}}
th{{white-space:normal;vertical-align:bottom}}
td:first-child,th:first-child{{text-align:left;padding-left:0}}li,p{{max-width:46rem}}
code{{font-size:13px;overflow-wrap:anywhere}}
@media (max-width:640px){{ul{{padding-left:1.2rem}}text{{font-size:21px}}polyline{{stroke-width:3}}
.between{{display:none}}td,th{{padding:.2rem .4rem}}.wide thead{{display:none}}
.wide table,.wide tbody{{display:block}}.wide tr{{display:block;padding:.4rem 0;border-bottom:1px solid #d0d7de}}
.wide td{{display:inline-block;border:0;padding:0 .9rem 0 0}}.wide td:first-child{{display:block;font-weight:600}}
.wide td:not(:first-child)::before{{content:attr(data-head) ' ';color:#57606a}}}}
@media (prefers-color-scheme:dark){{body{{background:#0d1117;color:#e6edf3}}text{{fill:#9198a1}}
td,th,.wide tr{{border-color:#30363d}}.grid{{stroke:#30363d}}.found{{stroke:#58a6ff}}.best{{stroke:#f0883e}}
text.found{{fill:#58a6ff}}text.best{{fill:#f0883e}}.wide td:not(:first-child)::before{{color:#9198a1}}}}</style></head>
<body><h1>Memory for this traffic</h1>
<p>{about}</p>
<h2>Capacity and what it finds</h2>
{chart}
{curve}
<h2>Fleets</h2>
<p>{target}</p>
{fleets}
<p>Load: the share of the time in which engines are busy. Gain: tokens written for each second that an engine is busy,
as a multiple of those where nothing is held.</p>
<h2>How requests find their engine</h2>
{routing}
<h2>What leaves first</h2>
<p>{winner}</p>
{evictions}
{choices}
<h2>Settings that follow</h2>
{settings}
<h2>What is assumed</h2>
<ul>{assumptions}</ul>
</body></html>
"""

_FLEET = (
    "memory",
    "engines",
    "hit rate",
    "first token p50",
    "p99",
    "load",
    "tokens/engine s",
    "gain",
    "$ an hour",
    "meets",
)


def capacity_page(plan: Mapping[str, Any]) -> str:
    """The page of a plan (from `agentmem.replay.planner.planned`)."""
    return _PAGE.format(
        about=_escaped(about(plan)),
        chart=_chart(plan["curve"]),
        curve=_table(("capacity, tokens", "GB of KV", "hit rate", "best possible"), map(capacity_row, plan["curve"])),
        target=_escaped(verdict(plan)),
        fleets=_table(_FLEET, map(fleet_row, plan["fleets"])),
        routing=_table(
            ("routing", *_FLEET[1:-1]), ((one["routing"], *fleet_row(one)[1:-1]) for one in plan["routing"])
        ),
        evictions=_table(
            ("eviction", *_FLEET[1:-1]), ((eviction_name(one), *fleet_row(one)[1:-1]) for one in plan["evictions"])
        ),
        winner=_escaped(winner(plan)),
        choices=_choices(plan),
        settings="".join(
            f"<h3>{_escaped(name)}</h3><p>{_codes(lines)}</p>" for name, lines in plan["settings"].items()
        ),
        assumptions="".join(f"<li>{_escaped(one)}</li>" for one in plan["assumptions"]),
    )


def about(plan: Mapping[str, Any]) -> str:
    """One sentence on the workload and the engine."""
    work, engine = plan["workload"], plan["engine"]
    apart = "" if plan["curve"][-1]["hit_rate"] else " No two requests are known to share a block: only lengths count."
    return (
        f"{work['requests']:,} requests in {_lasting(work['seconds'])}, {work['mean_context_tokens']:,.0f} tokens "
        f"each on average, {work['input_tokens'] / max(1, work['output_tokens']):,.0f} in for each out. An engine is "
        f"{engine['chips']} x {engine['chip']} with {engine['model']}: KV of {engine['kv_tokens']:,} tokens fits "
        f"beside the weights, at {engine['kv_bytes_per_token']:,} bytes a token. All of it is simulated.{apart}"
    )


def _lasting(seconds: float) -> str:
    return f"{seconds / 3600:,.1f} h" if seconds >= 3600 else f"{seconds / 60:,.1f} minutes"


def verdict(plan: Mapping[str, Any]) -> str:
    """One sentence on what the target takes."""
    target, best = plan["target"], plan["best"]
    asked = [f"{target['hit']:.0%} found"] if target["hit"] is not None else []
    asked += [f"the first token within {target['ttft_s']:g} s for 99 of 100"] if target["ttft_s"] is not None else []
    what = " and ".join(asked) or "engines that are not overloaded"
    if best is None:
        return f"No fleet that was tried reaches {what}."
    row = fleet_row(best)
    many = "engine" if best["engines"] == 1 else "engines"
    return f"The cheapest that reaches {what}: {row[1]} {many} with {row[0]}, ${row[8]} an hour."


def fleet_row(one: Mapping[str, Any]) -> tuple[str, ...]:
    """A fleet's cells."""
    tiers = [*one["tiers"], *([one["store"]] if one["store"] else [])]
    return (
        " + ".join(("HBM", *(f"{each['gb'] / 1_000:.3g} TB {each['name']}" for each in tiers))),
        f"{one['engines']:,}",
        f"{one['hit_rate']:.1%}",
        f"{one['ttft_p50_s']:,.2f} s",
        f"{one['ttft_p99_s']:,.1f} s",
        f"{one['load']:.0%}",
        f"{one['output_tokens_per_engine_second']:,.1f}",
        f"{one['gain']:.1f}",
        f"{one['usd_hour']:,.0f}",
        "yes" if one["meets_target"] else "no",
    )


def eviction_name(one: Mapping[str, Any]) -> str:
    """The row of the eviction table that a fleet follows, and how long it pins."""
    note = " (knows the future)" if one["eviction"] == "belady" else ""
    return f"{one['eviction']}{note}{', pinned ' + format(one['pin_s'], 'g') + ' s' if one['pin_s'] else ''}"


def winner(plan: Mapping[str, Any]) -> str:
    """One sentence on which eviction finds most on this fleet."""
    known = [one for one in plan["evictions"] if one["eviction"] != "belady"]
    most = max(one["hit_rate"] for one in known)
    names = [eviction_name(one) for one in known if one["hit_rate"] > most - _SAME]
    if len(names) == len(known):
        return "Here it makes no difference what leaves first."
    return f"Of those that do not know the future {' and '.join(names)} find{'s' * (len(names) == 1)} most: {most:.1%}."


def capacity_row(one: Mapping[str, Any]) -> tuple[str, ...]:
    """A point's cells."""
    size, gb, best = one["capacity_tokens"], one["capacity_gb"], one["optimal_hit_rate"]
    return (
        "no limit" if size is None else f"{size:,}",
        "" if gb is None else f"{gb:,.0f}" if gb >= 10 else f"{gb:.1f}",
        f"{one['hit_rate']:.1%}",
        "" if best is None else f"{best:.1%}",
    )


def _choices(plan: Mapping[str, Any]) -> str:
    if not plan["choices"]:
        return ""
    rows = [(one["name"], f"{one['engines']:,}", f"{one['usd']:,.0f}") for one in plan["choices"]]
    notes = "".join(
        f"<li><b>{_escaped(one['name'])}</b>: {_escaped('; '.join(one['assumptions']))}."
        f"{''.join(f' <i>Claim:</i> {_escaped(claim)}.' for claim in one['claims'])}</li>"
        for one in plan["choices"]
    )
    table = _table(("choice", "engines", f"$ in {plan['months']:g} months"), rows)
    return f"<h2>Update, buy or wait</h2>{table}<ul>{notes}</ul>"


def _chart(curve: Sequence[Mapping[str, Any]]) -> str:
    points = [one for one in curve if one["capacity_tokens"]]
    if len(points) < 2:
        return ""
    low, high = (math.log2(points[at]["capacity_tokens"]) for at in (0, -1))

    def across(tokens: int) -> float:
        return EDGE + (math.log2(tokens) - low) / (high - low) * (WIDTH - 2 * EDGE)

    def up(share: float) -> float:
        return HEIGHT - EDGE - share * (HEIGHT - 1.5 * EDGE)

    drawn = [f'<path class="grid" d="M{EDGE} {up(at):.1f}H{WIDTH - EDGE}"/>' for at in (0.5, 1)]
    drawn.append(f'<path class="axis" d="M{EDGE} {up(0):.1f}H{WIDTH - EDGE}M{EDGE} {up(0):.1f}V{up(1):.1f}"/>')
    for at, (key, name, kind) in enumerate(_LINES):
        path = " ".join(
            f"{across(one['capacity_tokens']):.1f},{up(one[key]):.1f}" for one in points if one[key] is not None
        )
        drawn.append(f'<polyline class="{kind}" points="{path}"/>')
        drawn.append(f'<text class="{kind}" x="{EDGE + 8 + 90 * at}" y="16">{name}</text>')
    for at, one in enumerate(points[:: max(1, len(points) // 6)]):
        hidden = ' class="between"' if at % 2 else ""
        size = one["capacity_tokens"]
        label = f"{size / 1e6:,.1f}M" if size >= 1e6 else f"{size / 1e3:,.0f}k"
        place = f'x="{across(size):.1f}" y="{HEIGHT - EDGE + 20}"'
        drawn.append(f'<text{hidden} {place} text-anchor="middle">{label}</text>')
    drawn += [f'<text x="{EDGE - 6}" y="{up(at) + 4:.1f}" text-anchor="end">{at:.0%}</text>' for at in (0, 0.5, 1)]
    title = f'<text x="{WIDTH / 2}" y="{HEIGHT - 8}" text-anchor="middle">tokens of KV that a cache holds</text>'
    head = f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="hit rate over capacity">'
    return f"{head}{''.join(drawn)}{title}</svg>"


def _table(heads: Sequence[str], rows: Iterable[Iterable[str]]) -> str:
    """A table; one of many columns shows each row as lines where the window is narrow."""
    head = "".join(f"<th>{_escaped(one)}</th>" for one in heads)
    body = "".join(f"<tr>{''.join(_cell(*one) for one in zip(heads, row, strict=True))}</tr>" for row in rows)
    kind = ' class="wide"' if len(heads) > _NARROW else ""
    return f"<div{kind}><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"


def _cell(head: str, text: str) -> str:
    return f'<td data-head="{_escaped(head)}">{_escaped(text)}</td>'


def _codes(lines: Iterable[str]) -> str:
    return "<br>".join(f"<code>{_escaped(one)}</code>" for one in lines)


def _escaped(text: str) -> str:
    return html.escape(text)

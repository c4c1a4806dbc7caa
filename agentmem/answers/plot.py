"""Draws the tuning plot: precision and recall over the threshold, with bands, as one HTML page that fetches nothing.

Only the command line uses it. It is a module of its own because it draws what `tuning` measures.
"""

import html
from collections.abc import Callable, Mapping, Sequence

from agentmem.answers.tuning import Point, Tuned

WIDTH, HEIGHT, EDGE = 640, 300, 44
_MOST = 400
"""The most points of a curve that are drawn."""
_CURVES: tuple[tuple[str, str, Callable[[Point], float | None], Callable[[Point], tuple[float, float]]], ...] = (
    ("precision", "#1f6feb", lambda point: point.precision, lambda point: point.precision_band),
    ("recall", "#b35900", lambda point: point.recall, lambda point: point.recall_band),
)
"""The curves: name, colour, value and band."""

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Answer cache: thresholds</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>body{{font:15px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem;color:#1b1f24}}
svg{{width:100%;height:auto}}text{{font:12px system-ui,sans-serif;fill:#57606a}}table{{border-collapse:collapse}}
td,th{{padding:.2rem .8rem;text-align:right;border-bottom:1px solid #d0d7de}}th{{text-align:left}}
@media (prefers-color-scheme:dark){{body{{background:#0d1117;color:#e6edf3}}}}</style></head>
<body><h1>Answer cache: thresholds</h1>
<p>Precision is the share of what was served whose answer was right, recall the share that was served of what could
have been served rightly: labelled pairs, or the lookups of a log that was played. The curves are over the half that the
threshold was found on; bands are Clopper and Pearson's at 95 %. The dashed line is the threshold in use. The table says
what the other half really reaches.</p>
{charts}
</body></html>
"""


def page(tuned: Mapping[str, Tuned]) -> str:
    """The plots of all query types, each with its table."""
    return _PAGE.format(charts="\n".join(f"{_heading(kind)}{chart(one)}{_table(one)}" for kind, one in tuned.items()))


def chart(tuned: Tuned) -> str:
    """One query type's curves as SVG."""
    points = _thinned([point for point in tuned.curve if point.served])
    low = min((point.threshold for point in points), default=0.0)
    across = _scale(min(low, tuned.chosen), 1.0, EDGE, WIDTH - EDGE)
    up = _scale(0.0, 1.0, HEIGHT - EDGE, EDGE / 2)
    drawn = [_band(points, band, colour, across, up) for _, colour, _, band in _CURVES]
    drawn += [_line(points, value, colour, across, up) for _, colour, value, _ in _CURVES]
    drawn += [_label(at, name, colour) for at, (name, colour, _, _) in enumerate(_CURVES)]
    drawn += _axes(low, across, up)
    here = across(tuned.policy.threshold)
    drawn.append(f'<path d="M{here:.1f} {up(0):.1f}V{up(1):.1f}" stroke="currentColor" stroke-dasharray="4 4"/>')
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="precision and recall">{"".join(drawn)}</svg>'


Scale = Callable[[float], float]


def _scale(low: float, high: float, start: float, end: float) -> Scale:
    width = (high - low) or 1.0
    return lambda value: start + (value - low) / width * (end - start)


def _line(
    points: Sequence[Point], value: Callable[[Point], float | None], colour: str, across: Scale, up: Scale
) -> str:
    path = " ".join(f"{across(one.threshold):.1f},{up(at):.1f}" for one in points if (at := value(one)) is not None)
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'


def _band(
    points: Sequence[Point], band: Callable[[Point], tuple[float, float]], colour: str, across: Scale, up: Scale
) -> str:
    edges = [(across(one.threshold), *map(up, band(one))) for one in points]
    path = [f"{x:.1f},{low:.1f}" for x, low, _ in edges] + [f"{x:.1f},{high:.1f}" for x, _, high in reversed(edges)]
    return f'<polygon points="{" ".join(path)}" fill="{colour}" opacity=".15"/>'


def _axes(low: float, across: Scale, up: Scale) -> list[str]:
    ticks = [low + (1 - low) * step / 5 for step in range(6)]
    marks = [
        f'<text x="{across(at):.1f}" y="{HEIGHT - EDGE + 16}" text-anchor="middle">{at:.2f}</text>' for at in ticks
    ]
    marks += [
        f'<text x="{EDGE - 6}" y="{up(at) + 4:.1f}" text-anchor="end">{at:.1f}</text>' for at in (0.0, 0.5, 0.9, 1.0)
    ]
    base = f'<path d="M{EDGE} {up(0):.1f}H{WIDTH - EDGE}M{EDGE} {up(0):.1f}V{up(1):.1f}" stroke="#8c959f" fill="none"/>'
    return [*marks, base, f'<text x="{WIDTH / 2}" y="{HEIGHT - 8}" text-anchor="middle">threshold, a cosine</text>']


def _label(at: int, name: str, colour: str) -> str:
    return f'<text x="{EDGE + 8 + 80 * at}" y="14" style="fill:{colour}">{name}</text>'


def _heading(kind: str) -> str:
    return f"<h2>{html.escape(kind)}</h2>"


def _table(tuned: Tuned) -> str:
    certificate = tuned.policy.certificate
    bound = f"{certificate.upper:.2%}" if certificate else "none"
    cells = (
        ("threshold chosen", f"{tuned.chosen:.4f}"),
        ("threshold in use", "exact keys only" if tuned.policy.exact_only else f"{tuned.policy.threshold:.4f}"),
        ("held out: served", f"{tuned.held.served}, and {tuned.held.right} could be"),
        ("held out: served wrongly", str(tuned.held.wrong)),
        ("wrong per hit, at most (95 %)", bound),
        ("certified for", f"{tuned.limit:.2%}" if not tuned.more else "not certified"),
        ("labels still needed", _needed(tuned.more)),
    )
    return f"<table>{''.join(f'<tr><th>{name}</th><td>{value}</td></tr>' for name, value in cells)}</table>"


def _needed(more: int) -> str:
    return "none" if not more else f"about {more}" if more > 0 else "no number would do: the error is above the limit"


def _thinned(points: Sequence[Point]) -> list[Point]:
    step = max(len(points) // _MOST, 1)
    return [*points[::step], *points[-1:]] if points else []

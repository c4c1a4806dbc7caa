"""Keeps a summary: the last page of a model, followed by what was said since. No model is asked.

Lists tell what calls did since. A new page is requested only after people and the model have said enough.
"""

from collections.abc import Iterator

from agentmem.compaction.plan import Plan, Said, short
from agentmem.compaction.summary import newest

SINCE = "## Since then"
"""The heading of the section on what was said after the page was written."""
SHARE = 0.5
"""The share of a summary's room that this section may take, beyond the page."""
_WIDTH = 240  # characters of one reply


def carried(plan: Plan) -> str:
    """The page at the top of the view, and below it the newest replies, each by its first words."""
    page = next(one.text.partition("\n\n")[2] for one in plan.leaving if one.origin.kind == "summary")
    base, _, since = page.partition(f"\n\n{SINCE}\n")
    points = [*since.splitlines(), *_points(plan)]
    kept = list(newest(points, round(SHARE * plan.sizes.summary)))
    return "\n\n".join((base, *(("\n".join((SINCE, *kept)),) if kept else ())))


def _points(plan: Plan) -> Iterator[str]:
    for one in plan.leaving:
        if one.origin.seq >= plan.first and _reply(one):
            yield f"- {short(one.text, _WIDTH)} [{one.origin.seq}]"


def _reply(one: Said) -> bool:
    return one.origin.kind == "assistant" and one.frame.value["type"] == "text" and bool(one.text.strip())

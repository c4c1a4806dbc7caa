"""Adds up conversations of any source, and says null, with the reason, where a format lacks what a number needs."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from agentmem.meter.report import Summary
from agentmem.meter.report import report as reported
from agentmem.report.loading import RUNS, Observed

_OF_TEXT = ("new_tokens", "redo_tokens", "redo_share")
_OF_USAGE = ("uncached_tokens", "cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens", "hit_rate")
NO_TEXT = "the log has numbers without text: what was new and what was processed again cannot be told"
FROM_USAGE = (
    "what was processed again is told from usage alone: the page and the report of one session count it in the text"
)
NO_USAGE = "the log has no usage: input is counted from the text, and what a cache served cannot be told"


def report_on(observed: Sequence[Observed], run: str | None) -> Summary:
    """The report on ``observed`` under the name ``run``: `meter.report.report`'s object, and ``unknown``, the reasons.

    A number that cannot be known is None; so a cost in dollars is where no request has a price. ``redo_basis`` says
    whether what was processed again was counted in the text, or is told from usage ("estimated").
    """
    made = reported((row for one in observed for row in one.rows), run)
    logs = [one for one in observed if one.format != RUNS]
    textless = any(not one.text for one in logs)
    metered = {turn.row.usage.basis for one in logs for turn in one.turns}
    reasons = [NO_TEXT] if textless else []
    if "estimated" in metered:
        reasons.append(NO_USAGE)
    for part in _parts(made):
        if textless:
            part.update(dict.fromkeys(_OF_TEXT))
        if logs and part["basis"] == "estimated":
            part.update(dict.fromkeys((*_OF_USAGE, *_OF_TEXT)))
    estimated = any(one.estimated for one in logs)
    return {**made, "unknown": reasons, "redo_basis": None if textless else "estimated" if estimated else "measured"}


def _parts(made: Summary) -> Iterator[dict[str, Any]]:
    yield made
    groups: Iterable[Summary] = (*made["by_basis"], *made["by_agent"], *made["by_purpose"])
    yield from groups

"""A compaction is checked before it is accepted: it is repaired where it can be, else refused.

What calls had used (paths, identifiers, numbers, lines of errors) must stand in what stays, in the summary or in the
index; a summary that says nothing or what nobody said is no summary.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from agentmem.compaction.carrying import carried
from agentmem.compaction.index import index
from agentmem.compaction.plan import Plan, cut_at, names
from agentmem.compaction.summary import CheckedSummary, checked, mechanical
from agentmem.context.cut import IndexLine, Part, compaction
from agentmem.errors import SummaryRejected
from agentmem.tokens import value_tokens
from agentmem.types import Draft, Json, Text

SUMMARY = (
    "[What was said and done before this, in short: entries {thread}/1 to {thread}/{last}. Numbers in square brackets "
    "name entries; recall {thread}/NUMBER brings one back word for word.]"
)
INDEX = (
    "[Index of what left the view: the number of an entry, what it was, and after | exact names that stand in it. To "
    "read one again word for word, recall {thread}/NUMBER; recall {thread}/1-{last} lists them all.]"
)
TOO_MUCH = 1.6
"""How far beyond its room a summary may be; models count badly."""
FALSE = 1 / 3
"""The share of false claims from which a summary is not believed at all."""
_TELLING = 20
"""Names in what leaves from which a summary without any of them tells nothing."""


def accept(plan: Plan, page: str, kept: Json | None = None) -> Draft:
    """The compaction entry of ``plan`` with ``page`` as its summary. ``kept`` is what the runtime keeps for itself.

    Raises SummaryRejected, saying why.
    """
    for why, wrong in _FAULTS:
        if wrong(plan, page):
            raise SummaryRejected(why)
    found = checked(page, plan)
    for why, false in _LIES:
        if false(found):
            raise SummaryRejected(why)
    return _entry(plan, found.text, kept, 0)


def carry(plan: Plan, kept: Json | None = None) -> Draft:
    """The compaction entry of ``plan`` with the summary that stands. Raises SummaryRejected where it does not help."""
    return _entry(plan, carried(plan), kept, plan.told)


def fallback(plan: Plan, kept: Json | None = None) -> Draft:
    """The compaction entry of ``plan`` with a summary that no model made. Raises SummaryRejected where none helps."""
    return _entry(plan, mechanical(plan), kept, max(plan.told, plan.sizes.said))


def _entry(plan: Plan, summary: str, kept: Json | None, told: int) -> Draft:
    """The entry with a summary, behind which ``told`` tokens of text are still to be told of by a model."""
    lines = index(plan, summary)
    parts = (*plan.users, *_written(plan, summary, lines), *plan.results, *plan.lists)
    if gone := unseen(plan, parts):
        raise SummaryRejected(f"it would lose sight of {', '.join(gone[:5])}")
    if sum(value_tokens(part.block.wire()) for part in parts) >= plan.tokens:
        raise SummaryRejected("what would stand for the entries is longer than they are")
    hidden = (line for line in plan.lines if line.seq in plan.shown)
    known = tuple(sorted({line.seq: line for line in (*hidden, *lines)}.values(), key=lambda line: line.seq))
    return compaction(
        replace(
            cut_at(plan.view, plan.place, parts, plan.reason, known),
            kept=kept or {},
            traces={**plan.traces, "told": told},
        )
    )


def unseen(plan: Plan, parts: Iterable[Part]) -> list[str]:
    """The names that calls in view had used and that would stand nowhere any more."""
    text = "\n".join((plan.kept, *(part.block.text for part in parts if isinstance(part.block, Text))))
    return [use.name for use in plan.uses if use.name not in text]


def _nothing(plan: Plan, page: str) -> bool:
    return not page.strip()


def _too_much(plan: Plan, page: str) -> bool:
    return value_tokens({"type": "text", "text": page}) > TOO_MUCH * plan.sizes.summary


def _empty(plan: Plan, page: str) -> bool:
    told, older = names(page), [one.text for one in plan.leaving if one.origin.kind in ("summary", "index")]
    known = told & plan.said.keys() or any(name in page for name in plan.said)
    return len(plan.said) >= _TELLING and not (known or any(name in text for text in older for name in told))


_FAULTS: tuple[tuple[str, Callable[[Plan, str], bool]], ...] = (
    ("it is empty", _nothing),
    ("it is too long", _too_much),
    ("it names nothing of what it stands for", _empty),
)
"""What makes a text no summary."""

_LIES: tuple[tuple[str, Callable[[CheckedSummary], bool]], ...] = (
    ("too many of its claims name what nobody said", lambda found: found.false > FALSE * found.claims),
    ("nothing is left of it without its false claims", lambda found: not found.text),
)


def _written(plan: Plan, summary: str, lines: tuple[IndexLine, ...]) -> Iterator[Part]:
    seq = plan.view.seq + 1
    head = SUMMARY.format(thread=plan.thread, last=plan.last)
    yield Part("summary", seq, Text(f"{head}\n\n{summary}"))
    if lines:
        listed = "\n".join(line.text for line in lines)
        yield Part("index", seq, Text(f"{INDEX.format(thread=plan.thread, last=plan.last)}\n{listed}"))

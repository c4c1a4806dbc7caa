"""Checks a compaction before it is accepted: repairs it if possible, else refuses it.

Every name that calls had used (paths, identifiers, numbers, lines of errors) must stand in what stays, in the summary
or in the index. An empty summary, or one with false claims, is refused.
Standing rules, corrections and facts that the summary leaves out are added beside it.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from agentmem.compaction.carrying import carried
from agentmem.compaction.index import index
from agentmem.compaction.plan import Plan, cut_at, names
from agentmem.compaction.standing import standing_text
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
"""The most that a summary may take, as a multiple of its room; models count badly."""
FALSE = 1 / 3
"""The share of false claims from which the whole summary is refused."""
_TELLING = 20
"""From this many names on, a summary must name at least one of them."""


def accept(plan: Plan, page: str, kept: Json | None = None) -> Draft:
    """The compaction entry of ``plan`` with ``page`` as its summary. ``kept`` are the runtime's own values.

    Raises SummaryRejected with the reason.
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
    """The compaction entry of ``plan`` with a mechanical summary. Raises SummaryRejected if that does not help."""
    return _entry(plan, mechanical(plan), kept, max(plan.told, plan.sizes.said))


def _entry(plan: Plan, summary: str, kept: Json | None, told: int) -> Draft:
    """The entry with a summary, after which ``told`` tokens of text wait for a model's summary."""
    stands = _standing(plan, summary)
    lines = index(plan, f"{summary}\n{stands}")
    parts = (*plan.users, *_written(plan, summary, stands, lines), *plan.results, *plan.lists)
    if gone := unseen(plan, parts):
        raise SummaryRejected(f"it would lose sight of {', '.join(gone[:5])}")
    if sum(value_tokens(part.block.wire()) for part in parts) >= plan.tokens:
        raise SummaryRejected("what would stand for the entries is longer than they are")
    hidden = (line for line in plan.lines if line.seq in plan.shown)
    known = tuple(sorted({line.seq: line for line in (*hidden, *lines)}.values(), key=lambda line: line.seq))
    traces = {**plan.traces, "told": told}
    cut = cut_at(plan.view, plan.place, parts, plan.reason, known)
    return compaction(replace(cut, kept=kept or {}, standing=plan.stands.value(), traces=traces))


def unseen(plan: Plan, parts: Iterable[Part]) -> list[str]:
    """The names that calls in view had used and that would be lost."""
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
"""The reasons to refuse a text as a summary."""

_LIES: tuple[tuple[str, Callable[[CheckedSummary], bool]], ...] = (
    ("too many of its claims name what nobody said", lambda found: found.false > FALSE * found.claims),
    ("nothing is left of it without its false claims", lambda found: not found.text),
)


def _standing(plan: Plan, summary: str) -> str:
    """The lines that must stand beside ``summary``: those that it and the kept messages do not have word for word."""
    messages = {part.seq for part in plan.users}
    return standing_text(plan.stands, plan.thread, f"{plan.kept}\n{summary}", messages, plan.sizes.standing)


def _written(plan: Plan, summary: str, stands: str, lines: tuple[IndexLine, ...]) -> Iterator[Part]:
    seq = plan.view.seq + 1
    head = SUMMARY.format(thread=plan.thread, last=plan.last)
    yield Part("summary", seq, Text(f"{head}\n\n{summary}"))
    if stands:
        yield Part("index", seq, Text(stands))
    if lines:
        listed = "\n".join(line.text for line in lines)
        yield Part("index", seq, Text(f"{INDEX.format(thread=plan.thread, last=plan.last)}\n{listed}"))

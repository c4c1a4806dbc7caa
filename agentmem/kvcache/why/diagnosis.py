"""Finds broken prefixes: requests that read less from the cache than they could, with place, cause, price and fix.

A loss is divided so that nothing counts twice. The part before the first difference goes to the reason why it was not
read. The part between two differences goes to the first of them, and the rest to the last.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import inf

from agentmem.kvcache.why.causes import (
    CAUSES,
    CUT_ANEW,
    NOT_STORED,
    UNEXPLAINED,
    UNEXPLAINED_BY_ITSELF,
    CauseCase,
    CauseName,
    explain,
    fix,
    lifetime,
    uncovered,
)
from agentmem.kvcache.why.differences import FrameDifference, byte, differences, location, texts
from agentmem.kvcache.why.lineage import RequestPair, predecessor
from agentmem.kvcache.why.marks import OURS, is_ours
from agentmem.kvcache.why.observed import ObservedRequest
from agentmem.kvcache.why.texts import excerpts

_NOISE = 32, 0.002
"""Tokens, and a share of what was stored. A smaller loss is a difference of counting."""
_AS_FULL = 0.5
"""The share of the context that was cut first, below which nothing has to be cut again."""
_MISSING = next(one for one in CAUSES if one.name == "breakpoint_missing")
_WARMING_UP = 3
"""Requests that a conversation may take to reach the provider's minimum."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One cause of one request's loss. Requests have their observed numbers; it is compared with ``previous``.

    ``cause`` is None if nothing in the requests explains the loss. ``declared`` is true for a cut that the run itself
    made and recorded. ``segment``, ``block`` and ``byte`` are the place of the first difference, ``before`` and
    ``after`` its two sides; all are None if nothing differs. ``usd_lost`` is what mending it would save, None if prices
    are not known. ``together`` are causes that must be mended as well before it saves anything: what all of them save
    is said once, by the first.
    """

    request: int
    previous: int
    cause: CauseName | None
    declared: bool
    segment: str | None
    block: int | None
    byte: int | None
    before: str | None
    after: str | None
    tokens_lost: int
    usd_lost: float | None
    provider_reason: str | None
    fix: str
    together: tuple[CauseName, ...] = ()


def diagnose(requests: Sequence[ObservedRequest]) -> list[Finding]:
    """The findings on ``requests``, in the order of time. Requests without usage are skipped.

    A conversation below the provider's minimum is not a finding if it soon grows above it.
    """
    metered = [one for one in sorted(requests, key=lambda one: one.at) if one.usage]
    pairs = [pair for at, one in enumerate(metered) if (pair := predecessor(one, metered[:at]))]
    growing, lived_on = _growing(pairs), _lived_on(pairs)
    lost = [pair for pair in pairs if not (pair.replaced and pair.before.number in lived_on)]
    found = _with_writes(lost, [_together(pair, list(_findings(pair))) for pair in lost])
    anew = _cut_anew(pairs)
    return [
        replace(one, fix=CUT_ANEW) if one.cause == "compaction" and one.request in anew else one
        for one in found
        if one.cause != "below_minimum" or one.request not in growing
    ]


def _together(pair: RequestPair, found: list[Finding]) -> list[Finding]:
    """The findings of one pair. Where nothing is marked, nothing that changed saves anything by itself."""
    before = pair.before
    if not before.marked or before.path.breakpoints or before.used.input_tokens < before.rules.minimum:
        return found
    if not any(one.segment is not None for one in found):
        return found
    if _MISSING.name not in {one.cause for one in found}:
        found = [*found, _finding(CauseCase(pair, stored=False), _MISSING.name, fix(_MISSING, pair), 0)]
    names = tuple(dict.fromkeys(one.cause for one in found if one.cause))
    return [replace(one, together=tuple(name for name in names if name != one.cause)) for one in found]


def _with_writes(pairs: Sequence[RequestPair], found: Sequence[Sequence[Finding]]) -> Iterator[Finding]:
    """The findings, less what storing costs where a breakpoint is missing: the earlier request would have to write."""
    readable: dict[int, int] = {}
    written: set[int] = set()
    for pair, losses in zip(pairs, found, strict=True):
        before = pair.before
        readable[pair.now.number] = pair.now.used.cache_read_tokens + sum(one.tokens_lost for one in losses)
        fresh = before.used.input_tokens - readable.get(before.number, before.used.cache_read_tokens)
        stored = before.used.cache_write_5m_tokens + before.used.cache_write_1h_tokens
        for one in losses:
            unmarked = _MISSING.name in (one.cause, *one.together)
            if unmarked and one.tokens_lost and one.usd_lost is not None and before.number not in written:
                written.add(before.number)
                cost = _writing(pair.now, max(0, min(fresh - stored, before.used.uncached_tokens)))
                one = replace(one, usd_lost=max(0.0, one.usd_lost - cost))
            yield one


def _writing(request: ObservedRequest, tokens: int) -> float:
    rates = request.rates
    return tokens * max(0.0, rates.cache_write_5m - rates.uncached) if rates else 0.0


def _cut_anew(pairs: Sequence[RequestPair]) -> set[int]:
    """The requests in which a compaction of ours was made again, since its middleware had lost the one before.

    What is there then is far smaller than what was cut the first time, and the cache has not expired.
    """
    anew: set[int] = set()
    cut_at: dict[str, float] = {}
    for pair in pairs:
        if pair.compacted_by != OURS:
            continue
        size = sum(one.tokens for one in pair.before.messages)
        least = cut_at.get(pair.now.session, inf)
        lives = pair.now.at - pair.before.at <= lifetime(pair)
        if is_ours(pair.before.messages) and lives and size < _AS_FULL * least:
            anew.add(pair.now.number)
        elif not is_ours(pair.before.messages):
            cut_at[pair.now.session] = min(size, least)
    return anew


def _growing(pairs: Sequence[RequestPair]) -> set[int]:
    """The requests of conversations that were cached, or long enough, at most a few requests later."""
    steps: dict[int, float] = {}
    for pair in reversed(pairs):
        if pair.now.stored(len(pair.now.path.frames)) or _could_be_stored(pair.now):
            steps[pair.now.number] = 0
        left = steps.get(pair.now.number, inf) + 1
        steps[pair.before.number] = min(left, steps.get(pair.before.number, inf))
    return {number for number, left in steps.items() if left <= _WARMING_UP}


def _could_be_stored(one: ObservedRequest) -> bool:
    """True if a request has no breakpoint and is long enough for one."""
    return one.marked and not one.path.breakpoints and one.used.input_tokens >= one.rules.minimum


def _lived_on(pairs: Sequence[RequestPair]) -> set[int]:
    """The requests that another one extends. A request that shares little with them runs beside them, not instead."""
    return {pair.before.number for pair in pairs if pair.shared == len(pair.before.path.frames)}


def _findings(pair: RequestPair) -> Iterator[Finding]:
    """The losses of one request against the previous one, by cause."""
    if pair.relation is None:
        return
    read, kept = pair.now.used.cache_read_tokens, pair.before.stored(pair.shared)
    if kept - read > _least(kept):
        yield from _explained(CauseCase(pair), kept - read, read)
    explained = max(read, kept)
    if left_out := _never_stored(pair, explained):
        yield from _explained(CauseCase(pair, stored=False), left_out, explained)
        explained += left_out
    if pair.relation == "branches":
        yield from _of_head(pair, explained)
        return
    whole = pair.before.stored(len(pair.before.path.frames)) or pair.before.used.input_tokens
    changed = list(_of_what_changed(pair, explained, max(explained, whole)))
    if behind := _behind_marks(pair, changed, max(explained, whole)):
        yield from behind
    elif whole - explained > _least(whole):
        yield from changed


def _of_head(pair: RequestPair, explained: int) -> Iterator[Finding]:
    """The loss of a conversation that begins anew, if only times or ids in its system prompt keep it from reading what
    the one before left of tools and system."""
    head = len(pair.before.prompt.tools) + len(pair.before.prompt.system)
    late = pair.now.at - pair.before.at > lifetime(pair, head)
    whole = min(pair.before.stored(head), pair.now.tokens(head))
    if not pair.restarts or pair.concurrent or late or whole - explained <= _least(whole):
        return
    difference = next(one for one in differences(pair) if one.place == "system")
    case = CauseCase(pair, difference)
    for cause in explain(case):
        yield _finding(case, cause.name, fix(cause, pair), whole - explained, explained)


def _never_stored(pair: RequestPair, explained: int) -> int:
    """The tokens before the first difference that the earlier request did not store, but should have.

    Where something changed behind them and a breakpoint stands there, or none could be stored before it, all of the
    loss is the change's.
    """
    before, standing = pair.before, pair.before.tokens(pair.shared)
    whole = len(before.path.frames)
    anything = before.stored(whole)
    least = uncovered(standing) if anything else _least(standing)
    if pair.relation != "continues" or standing - explained <= least:
        return 0
    last = before.mark(whole)
    placed = anything or (last is not None and before.tokens(last.position + 1) >= before.rules.minimum)
    if (placed or standing < before.rules.minimum) and any(differences(pair)):
        return 0
    return standing - explained


def _behind_marks(pair: RequestPair, changed: Sequence[Finding], explained: int) -> list[Finding]:
    """The findings where marks stand too early and something changed besides; none where one of both is not so.

    What lies behind the last mark is read only where it is marked and stays as it was: both save it together.
    """
    before = pair.before
    whole = before.used.input_tokens
    names = tuple(name for one in changed if (name := one.cause) and name != "compaction")
    left = whole - explained
    if not names or not before.marked or not before.path.breakpoints or left <= uncovered(whole):
        return []
    both = [one if one.tokens_lost else replace(one, together=(_MISSING.name,)) for one in changed]
    missing = _finding(CauseCase(pair, stored=False), _MISSING.name, fix(_MISSING, pair), left, explained)
    return [*both, replace(missing, together=names)]


def _least(tokens: int) -> float:
    """The least loss of ``tokens`` that is more than a difference of counting."""
    least, share = _NOISE
    return max(least, share * tokens)


def _explained(case: CauseCase, lost: int, start: int) -> Iterator[Finding]:
    """A finding for each cause. The first bears the loss."""
    causes = explain(case)
    if not causes and (case.stored or case.pair.before.marked):
        unexplained = UNEXPLAINED if case.pair.before.marked else UNEXPLAINED_BY_ITSELF
        yield _finding(case, None, unexplained if case.stored else NOT_STORED, lost, start)
    for number, cause in enumerate(causes):
        yield _finding(case, cause.name, fix(cause, case.pair), 0 if number else lost, start)


def _of_what_changed(pair: RequestPair, standing: int, whole: int) -> Iterator[Finding]:
    """One finding for each place that differs; for the first of them if the cause is the same."""
    found: list[tuple[FrameDifference, CauseName, str]] = []
    for difference in differences(pair):
        for cause in explain(CauseCase(pair, difference)):
            if cause.name not in {name for _, name, _ in found}:
                found.append((difference, cause.name, fix(cause, pair)))
    starts = [standing, *(min(whole, max(standing, pair.now.tokens(one.start))) for one, _, _ in found[1:]), whole]
    for number, (difference, name, mended) in enumerate(found):
        lost = max(0, starts[number + 1] - starts[number])
        yield _finding(CauseCase(pair, difference), name, mended, lost, starts[number])


def _finding(case: CauseCase, cause: CauseName | None, mended: str, lost: int, start: int = 0) -> Finding:
    pair, difference = case.pair, case.difference
    segment, block = location(difference, pair.now) if difference else (None, None)
    before, after = excerpts(*texts(difference)) if difference else (None, None)
    return Finding(
        request=pair.now.number,
        previous=pair.before.number,
        cause=cause,
        declared=bool(difference) and pair.now.cuts > pair.before.cuts,
        segment=segment,
        block=block,
        byte=byte(difference, pair.now) if difference else None,
        before=before,
        after=after,
        tokens_lost=lost,
        usd_lost=_dollars(pair.now, lost, start),
        provider_reason=pair.now.provider_reason,
        fix=mended,
    )


def _dollars(request: ObservedRequest, lost: int, start: int) -> float | None:
    """The extra cost of the tokens lost from ``start`` on over reading them.

    What a request did not read it paid in the order of the prompt: writes for an hour, for five minutes, and the rest.
    """
    if request.rates is None:
        return None
    used, rates = request.used, request.rates
    paid, at, left = 0.0, max(0, start - used.cache_read_tokens), lost
    at = max(0, min(at, used.input_tokens - used.cache_read_tokens - lost))
    for tokens, rate in (
        (used.cache_write_1h_tokens, rates.cache_write_1h),
        (used.cache_write_5m_tokens, rates.cache_write_5m),
        (used.uncached_tokens, rates.uncached),
    ):
        taken = max(0, min(tokens - at, left))
        at, left, paid = max(0, at - tokens), left - taken, paid + taken * rate
    return paid - (lost - left) * rates.cache_read

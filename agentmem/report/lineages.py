"""How each request of a log of whole requests stands to the one that it continues: extends it, cuts it, breaks it.

A compaction of LangChain, of deepagents or of our own is known by its mark. It may leave a conversation with another
first message, so requests are compared over the whole log, and not within what looks like one conversation.
"""

from collections.abc import Mapping, Sequence

from agentmem.kvcache.why.causes import lifetime
from agentmem.kvcache.why.lineage import RequestPair, predecessor
from agentmem.kvcache.why.observed import ObservedRequest
from agentmem.meter.ledger import Break, classify


def breaks(observed: Sequence[ObservedRequest]) -> Mapping[int, Break]:
    """The relation of each request to the one before it in its conversation, by the request's number."""
    ordered = sorted(observed, key=lambda one: one.at)
    return {one.number: _break(predecessor(one, ordered[:at])) for at, one in enumerate(ordered)}


def _break(pair: RequestPair | None) -> Break:
    if pair is None or pair.relation in (None, "branches"):
        return "first"
    return classify(
        first=False,
        extends=pair.shared == len(pair.before.path.frames),
        cut=pair.summarised or pair.now.cuts > pair.before.cuts,
        idle=pair.now.at - pair.before.at,
        lifetime=lifetime(pair),
        read=2 * pair.now.used.cache_read_tokens > pair.before.used.input_tokens,
    )

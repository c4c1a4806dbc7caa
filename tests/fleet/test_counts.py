"""What runs took, counted by request and written together."""

from collections.abc import Mapping

from agentmem.fleet.counts import EACH, RunCounts, TogetherCounts, counted
from agentmem.types import Usage


def test_a_request_counts_its_tokens() -> None:
    """Input is all of it, cached or not; both kinds of cache writes are one number; without a reply dollars count."""
    usage = Usage("measured", 100, 60, 10, 5, 7)
    assert counted(0.5, usage) == RunCounts(0.5, 1, 175, 60, 15, 7)
    assert counted(0.25, None) == RunCounts(usd=0.25)


def test_counts_are_written_together_and_none_is_lost() -> None:
    """At most once a second, whatever run they are of; what is held of a run is written when it ends."""
    now, written = [0.0], list[Mapping[str, RunCounts]]()
    together = TogetherCounts(written.append, lambda: now[0])
    one = RunCounts(0.5, 1, 10, 4, 2, 3)
    together.add("a", one)
    together.add("a", one)
    together.add("b", one)
    together.end("a")
    together.end("a")
    now[0] = EACH
    together.add("c", one)
    together.end("c")
    assert written == [{"a": one}, {"a": one}, {"b": one, "c": one}]
    assert one.plus(one) == RunCounts(1.0, 2, 20, 8, 4, 6)

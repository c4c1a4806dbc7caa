"""agentmem.routing.health."""

from agentmem.routing.health import FAILURES, REST, Health


def failed(times: int) -> Health:
    health = Health()
    for _ in range(times):
        health.sent("small", 0.0)
        health.failed("small", 0.0)
    return health


def test_a_target_rests_after_failures_in_a_row() -> None:
    """Fewer failures do nothing; an answer between them begins the count anew."""
    assert failed(FAILURES - 1).why_not("small", 0.0) == ""
    assert "rests" in failed(FAILURES).why_not("small", 0.0)
    mended = failed(FAILURES - 1)
    mended.answered("small")
    mended.failed("small", 0.0)
    assert mended.state("small", 0.0) == "closed"


def test_after_a_rest_one_probe_is_let_through() -> None:
    """Half-open: one request goes; until it has ended no other does."""
    health = failed(FAILURES)
    assert health.state("small", REST + 1) == "half-open"
    assert health.why_not("small", REST + 1) == ""
    health.sent("small", REST + 1)
    assert "being tried" in health.why_not("small", REST + 2)
    health.answered("small")
    assert health.state("small", REST + 3) == "closed"
    assert health.why_not("small", REST + 3) == ""


def test_a_failed_probe_rests_twice_as_long() -> None:
    """Each failed probe doubles the rest."""
    health = failed(FAILURES)
    health.sent("small", REST + 1)
    health.failed("small", REST + 1)
    assert health.state("small", REST + 1 + 1.5 * REST) == "open"
    assert health.state("small", REST + 1 + 2 * REST + 1) == "half-open"


def test_a_probe_that_never_ends_does_not_close_the_target_for_good() -> None:
    """A probe that was lost, by a kill for example, makes room for another after a rest."""
    health = failed(FAILURES)
    health.sent("small", REST + 1)
    assert health.why_not("small", REST + 1 + REST + 1) == ""


def test_requests_a_minute_are_limited() -> None:
    """The limit counts the last sixty seconds."""
    health = Health()
    for second in (0.0, 10.0, 20.0):
        health.sent("small", second)
    assert "3 requests" in health.why_not("small", 30.0, 3)
    assert health.why_not("small", 61.0, 3) == ""
    assert health.why_not("small", 30.0) == ""
    assert health.why_not("other", 30.0, 3) == ""

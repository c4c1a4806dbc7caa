"""A worker: the first run of a group goes alone until its reply begins; threads have names that folders can have."""

import threading
from itertools import pairwise

import pytest

from agentmem.fleet.worker import TOLD_EVERY, WARM_FOR, Warmth, thread_of


def test_a_group_is_warmed_by_one_and_then_open_to_all() -> None:
    """The others wait until the first reply begins; later ones do not wait."""
    warmth, order, inside = Warmth(), list[str](), threading.Event()

    def follow() -> None:
        inside.set()
        with warmth.waited("g", "second"):
            order.append("second")

    with warmth.waited("g", "first"):
        other = threading.Thread(target=follow)
        other.start()
        inside.wait()
        order.append("first")
        assert warmth.begun("g")
        assert not warmth.begun("g")
        other.join()
    assert order == ["first", "second"]
    with warmth.waited("g", "third"), warmth.waited("g", "fourth"):
        order.append("both")


def test_a_group_that_had_no_reply_for_long_is_cold_again() -> None:
    """Its prefix has left the provider's cache: one run goes alone first, whoever led before and is still at work."""
    now = [0.0]
    warmth = Warmth(lambda: now[0])
    with warmth.waited("g", "first"):
        assert warmth.begun("g")
        now[0] = WARM_FOR
        with warmth.waited("g", "second"):
            assert warmth.begun("g")
            assert not warmth.begun("g")


def test_a_group_that_stays_warm_is_noted_again() -> None:
    """However long replies go on, the last note is never old enough for others to take the group for a cold one."""
    now, noted = [0.0], [0.0]
    warmth = Warmth(lambda: now[0])
    assert warmth.begun("g")
    while now[0] < 3 * WARM_FOR:
        now[0] += 7.0
        noted += [now[0]] if warmth.begun("g") else []
    assert max(later - one for one, later in pairwise(noted)) <= TOLD_EVERY + 7.0 < WARM_FOR
    assert len(noted) <= 3 * WARM_FOR / TOLD_EVERY + 1


def test_a_leader_that_fails_lets_the_next_one_lead() -> None:
    """Before its reply has begun."""
    warmth = Warmth()
    with pytest.raises(ValueError, match="mine"), warmth.waited("g", "first"):
        raise ValueError("mine")
    with warmth.waited("g", "second"):
        assert warmth.begun("g")


def test_threads_are_named_after_their_keys() -> None:
    """A key that no folder can have is hashed, the same everywhere."""
    assert thread_of("f", "order-12") == "f.order-12"
    assert thread_of("f", "../x") == thread_of("f", "../x") != thread_of("f", "../y")
    assert "/" not in thread_of("f", "../x")

"""Which worker begins with which run: all of them once, groups together, a cold group with one run."""

from collections import Counter
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from agentmem.fleet.schedule import Schedule

GROUPS = st.lists(st.sampled_from(["a", "b", "c"]), max_size=40)


@given(GROUPS, st.integers(1, 4), st.integers(1, 5), st.randoms(use_true_random=False))
def test_every_run_begins_once_and_no_worker_has_too_many(
    groups: list[str], workers: int, together: int, chance: Random
) -> None:
    """Whatever ends first, and also when a worker is lost: its runs begin again elsewhere."""
    schedule = Schedule(together)
    schedule.add((f"run-{at}", group) for at, group in enumerate(groups))
    names, warm, ended, lost = [f"w{at}" for at in range(workers)], set[str](), Counter[str](), 0
    while schedule.left:
        for worker, _ in schedule.next(names, warm):
            assert len(schedule.running[worker]) <= together
        busy = [(worker, key) for worker, keys in schedule.running.items() for key in keys]
        worker, key = chance.choice(busy)
        if lost < 2 and chance.random() < 0.2:
            lost += 1
            schedule.add(schedule.lost(worker).items())
            names[names.index(worker)] = f"new-{lost}"
        else:
            warm.add(schedule.ended(worker, key))
            ended[key] += 1
    assert ended == Counter(f"run-{at}" for at in range(len(groups)))


def test_a_cold_group_begins_with_one_run() -> None:
    """The others follow, on all workers, when it is warm."""
    schedule = Schedule(2)
    schedule.add((f"run-{at}", "a") for at in range(5))
    assert list(schedule.next(["x", "y"], ())) == [("x", "run-0")]
    assert list(schedule.next(["x", "y"], ())) == []
    assert [worker for worker, _ in schedule.next(["x", "y"], ("a",))] == ["y", "x", "y"]


def test_workers_stay_with_a_group_and_share_the_others() -> None:
    """Two groups on two workers: each has its own, whose prefix stays warm there."""
    schedule = Schedule(1)
    schedule.add((f"{group}{at}", group) for at in range(3) for group in "ab")
    first = dict(schedule.next(["x", "y"], "ab"))
    schedule.ended("x", first["x"])
    schedule.ended("y", first["y"])
    second = dict(schedule.next(["x", "y"], "ab"))
    assert {first["x"][0], first["y"][0]} == {"a", "b"}
    assert (first["x"][0], first["y"][0]) == (second["x"][0], second["y"][0])

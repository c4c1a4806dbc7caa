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
            for moved, group in schedule.lost(worker).items():
                schedule.resume(moved, group)
            names[names.index(worker)] = f"new-{lost}"
        else:
            warm.add(schedule.ended(worker, key))
            ended[key] += 1
    assert ended == Counter(f"run-{at}" for at in range(len(groups)))
    assert not schedule.moved


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


def test_runs_of_a_lost_worker_go_on_before_others_begin() -> None:
    """Whatever group the worker that is free was on; after them it goes back to the order of before."""
    schedule = Schedule(2)
    schedule.add((f"{group}{at}", group) for group in "ab" for at in range(10))
    begun = {key: worker for worker, key in schedule.next(["x", "y"], "ab")}
    lost = schedule.lost("y")
    for key, group in lost.items():
        schedule.resume(key, group)
    for key in [key for key, worker in begun.items() if worker == "x"]:
        schedule.ended("x", key)
    assert {key for _, key in schedule.next(["x"], "ab")} == lost.keys()
    schedule.ended("x", min(lost))
    ((_, after),) = schedule.next(["x"], "ab")
    assert after not in begun

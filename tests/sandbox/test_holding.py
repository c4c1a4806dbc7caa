"""agentmem.sandbox.holding: what is said to hold a limit, and that it does."""

import os
from dataclasses import fields
from pathlib import Path

import pytest

from agentmem.sandbox import Sandbox, SandboxLimits
from agentmem.sandbox.holding import HeldLimit, Walls, held_limits, here
from agentmem.sandbox.layered import disk_usage
from agentmem.sandbox.planning import Isolation
from tests.sandbox.takers import LIMITS, TAKERS, Taker, taken
from tests.sandbox.worlds import WORKING

NAMES = tuple(field.name for field in fields(SandboxLimits))
QUICK = ("memfd", "System V segments", "unlinked files", "sparse files with many names", "standard input")
"""Those tried by every run of the tests; all of them by `make bench`."""


def how(
    isolation: Isolation, boxed: bool, group: int | None, limits: SandboxLimits | None = None
) -> dict[str, HeldLimit]:
    found = held_limits(Walls(isolation, limits or SandboxLimits(), boxed, group, group))
    assert tuple(one.limit for one in found) == NAMES
    return {one.limit: one for one in found}


def test_the_table_says_what_holds() -> None:
    """Every limit has one line, behind every wall; what only looking holds is said to be watched."""
    best = how("namespaces", True, 2)
    assert {one.how for one in best.values()} == {"held"}
    assert best["memory"].by == "a control group (version 2)"
    weakest = how("landlock", False, None)
    watched = {name for name, one in weakest.items() if one.how == "watched"}
    assert watched == {"memory", "disk"} | ({"processes"} if os.getuid() == 0 else set())
    assert how("landlock", False, 1)["memory"].how == "held"


def test_files_in_memory_may_not_be_more_than_memory() -> None:
    """Where a command may write more than its memory, its control group must let it: memory is watched then."""
    limits = SandboxLimits(memory=64 << 20, disk=128 << 20)
    assert how("namespaces", True, 1, limits)["memory"].how == "watched"
    assert how("namespaces", False, 1, limits)["memory"].how == "held"


@pytest.mark.skipif(not WORKING, reason="no isolation works on this machine")
def test_a_result_and_this_machine_say_the_same(tmp_path: Path) -> None:
    """A command in a fork by default is held as `agentmem doctor` says."""
    (tmp_path / "source").mkdir()
    with Sandbox.fork(tmp_path / "source") as sandbox:
        assert sandbox.run("true").limits == here()


@pytest.mark.parametrize("taker", [one for one in TAKERS if one.name in QUICK], ids=lambda one: one.name)
@pytest.mark.parametrize("isolation", WORKING)
def test_what_is_held_is_held(tmp_path: Path, isolation: Isolation, taker: Taker) -> None:
    """Whoever takes more than it may has no more than 1.25 times as much, in memory and on the disk afterwards."""
    (tmp_path / "source").mkdir()
    with Sandbox.fork(tmp_path / "source", isolation=isolation, limits=LIMITS) as sandbox:
        ran = sandbox.run(["python3", "-c", taker.program], stdin=b"given")
        left = disk_usage(sandbox.where)
    held = {one.limit: one.how for one in ran.limits}
    if held[taker.what] == "held":
        assert taken(ran) <= 1.25 * getattr(LIMITS, taker.what), ran
    if held["disk"] == "held":
        assert left <= 1.25 * LIMITS.disk

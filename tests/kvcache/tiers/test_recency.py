"""The stack of last uses, beside a store that holds its blocks one by one."""

from hypothesis import given, settings
from hypothesis import strategies as st

from agentmem.kvcache.simulated.simulators import BlockStore
from agentmem.kvcache.tiers.recency import FoundRun, RecencyStack
from agentmem.kvcache.tiers.runs import Numbering
from tests.kvcache.tiers.workloads import chains


@given(chains(), st.integers(1, 40))
def test_a_depth_says_which_stores_have_a_block(blocks: list[list[int]], room: int) -> None:
    """A store of n blocks finds exactly the blocks at depths up to n."""
    stack, store, numbers = RecencyStack(), BlockStore(room), Numbering()
    for one in blocks:
        found = stack.use(numbers(one))
        assert sum(max(0, min(each.count, room - each.depth + 1)) for each in found) == store.read(one)
        store.store(one)


@given(chains(), st.integers(1, 40))
def test_a_limit_forgets_what_lies_deeper(blocks: list[list[int]], room: int) -> None:
    """With a limit, the stack finds what it found without one, up to the limit, and holds no more."""
    whole, limited, numbers = RecencyStack(), RecencyStack(room), Numbering()
    for one in blocks:
        runs = numbers(one)
        assert limited.leading(runs) == sum(each.count for each in limited.depths(runs))
        known = whole.use(runs)
        assert sum(each.count for each in limited.use(runs)) == sum(
            max(0, min(each.count, room - each.depth + 1)) for each in known
        )
        assert limited.held <= room


@settings(max_examples=5)
@given(st.integers(1, 3))
def test_long_work_keeps_its_depths(seed: int) -> None:
    """The stack is made anew when it has many empty places, and nothing changes by that."""
    stack = RecencyStack()
    for at in range(3_000):
        assert stack.use([(0, seed)]) == ([FoundRun(1, seed)] if at else [])
    stack.use([(50, 60)])
    assert stack.use([(0, seed)]) == [FoundRun(11, seed)]


def test_looking_is_no_use() -> None:
    """Depths and leading blocks can be asked for without a change."""
    stack = RecencyStack()
    stack.use([(0, 4)])
    stack.use([(10, 12)])
    assert stack.depths([(0, 9)]) == stack.depths([(0, 9)]) == [FoundRun(3, 4)]
    assert stack.leading([(0, 2), (10, 11), (20, 22)]) == 3

"""Runs of blocks, and values of them."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from agentmem.kvcache.tiers.runs import BlockRequest, Numbering, RunMap, length, runs_of

SHORT = st.tuples(st.integers(0, 30), st.integers(1, 9)).map(lambda one: (one[0], one[0] + one[1]))


@given(st.lists(st.integers(0, 20)))
def test_runs_say_the_same_as_the_blocks(blocks: list[int]) -> None:
    """Written out, runs are the blocks in their order, and no two of them could be one."""
    runs = runs_of(blocks)
    assert [one for start, end in runs for one in range(start, end)] == blocks
    assert all(one[1] != other[0] for one, other in pairwise(runs))
    assert length(runs) == len(blocks)


def test_a_request_counts_its_blocks() -> None:
    """They are those of all its runs."""
    assert BlockRequest(0.0, ((0, 4), (9, 10)), 77).blocks == 5


@given(st.lists(st.text(max_size=3)))
def test_each_key_has_one_number(keys: list[str]) -> None:
    """New keys get the next numbers, so that new blocks in a row are one run; known keys keep theirs."""
    numbers = Numbering()
    first = numbers(dict.fromkeys(keys))
    assert first == (((0, len(set(keys))),) if keys else ())
    assert numbers(dict.fromkeys(keys)) == first


@given(st.lists(st.tuples(SHORT, st.booleans(), st.integers(0, 3))), SHORT)
def test_values_of_runs_are_values_of_their_blocks(
    steps: list[tuple[tuple[int, int], bool, int]], asked: tuple[int, int]
) -> None:
    """Whatever is put and taken, a run map says of each block what a dictionary of blocks says."""
    values, blocks = RunMap(), dict[int, int]()
    for run, put, value in steps:
        taken = [
            one for first, last, was in values.take(run) for one in zip(range(first, last), [was] * 99, strict=False)
        ]
        assert taken == [(at, blocks.pop(at)) for at in range(*run) if at in blocks]
        if put:
            values.put(run, value)
            blocks |= dict.fromkeys(range(*run), value)
    found = [
        one for first, last, was in values.within(asked) for one in zip(range(first, last), [was] * 99, strict=False)
    ]
    assert found == [(at, blocks[at]) for at in range(*asked) if at in blocks]
    whole = next((at for at in range(*asked) if at not in blocks), asked[1])
    assert values.leading([asked]) == whole - asked[0]


def test_all_values_can_be_changed() -> None:
    """Each becomes what the function says."""
    values = RunMap()
    values.put((0, 3), 1)
    values.put((5, 6), 2)
    values.revalue(lambda value: value * 10)
    assert values.within((0, 9)) == [(0, 3, 10), (5, 6, 20)]
    assert len(values) == 2

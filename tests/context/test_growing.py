"""agentmem.context.growing."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from hypothesis import given
from hypothesis import strategies as st

from agentmem.context.growing import Growing

Change = tuple[int, Callable[[Growing[int]], Growing[int]], Callable[[tuple[int, ...]], tuple[int, ...]]]


def _plus(item: int, version: int) -> Change:
    return version, lambda one: one.plus(item), lambda one: (*one, item)


def _with_last(item: int, version: int) -> Change:
    return version, lambda one: one.with_last(item), lambda one: (*one[:-1], item)


@given(
    st.lists(st.integers(), max_size=4),
    st.lists(st.builds(_plus, st.integers(), st.integers()) | st.builds(_with_last, st.integers(), st.integers())),
)
def test_every_version_stays_as_it_was(first: list[int], changes: list[Change]) -> None:
    """Whichever version the next one is made from, each reads as a tuple made the same way."""
    versions = [(Growing(first), tuple(first))]
    for version, change, same in changes:
        one, known = versions[version % len(versions)]
        versions.append((change(one), same(known)))
    for one, known in versions:
        assert tuple(one) == known
        assert len(one) == len(known)
        assert one == known
        assert one == Growing(known)
        assert hash(one) == hash(known)
        assert one.each(str) == [str(item) for item in known]
        assert one[1:] == known[1:]
        assert one[::-1] == known[::-1]
        assert [one[at] for at in range(-len(known), len(known))] == [*known, *known]


def test_two_versions_of_one_length_differ() -> None:
    """What grew from the same version in two ways is two sequences, unequal and both whole."""
    trunk = Growing("ab")
    left, right = trunk.plus("c"), trunk.plus("d")
    assert (list(left), list(right), list(trunk)) == (["a", "b", "c"], ["a", "b", "d"], ["a", "b"])
    assert left != right
    assert "Growing(['a', 'b', 'd'])" in repr(right)


def test_growing_from_many_threads() -> None:
    """Threads that grow one version at once each get their own."""
    trunk = Growing(range(50))
    with ThreadPoolExecutor(8) as pool:
        grown = list(pool.map(trunk.plus, range(400)))
    assert [list(one) for one in grown] == [[*range(50), item] for item in range(400)]

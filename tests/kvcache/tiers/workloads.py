"""Workloads for the tests: conversations that grow, branch and come back, as chains of blocks."""

from hypothesis import strategies as st

from agentmem.kvcache.tiers.runs import BlockRequest, Numbering


@st.composite
def chains(draw: st.DrawFn, most: int = 30) -> list[list[int]]:
    """The blocks of requests: each goes on from a prefix of one before, or begins anew."""
    made: list[list[int]] = []
    fresh = 0
    for _ in range(draw(st.integers(1, most))):
        goes_on: bool = draw(st.booleans())
        shared = made[draw(st.integers(0, len(made) - 1))] if made and goes_on else []
        kept = shared[: draw(st.integers(0, len(shared)))]
        new = draw(st.integers(0 if kept else 1, 6))
        made.append([*kept, *range(fresh, fresh + new)])
        fresh += new
    return made


def requests(blocks: list[list[int]], size: int = 4, *, apart: float = 1.0, output: int = 5) -> list[BlockRequest]:
    """As requests of full blocks of ``size`` tokens, ``apart`` seconds from each other."""
    numbers = Numbering()
    return [BlockRequest(at * apart, numbers(one), len(one) * size, output, at % 3) for at, one in enumerate(blocks)]

"""Ways in which stored bytes can be damaged."""

from hypothesis import strategies as st


def damages(data: bytes, most: int) -> st.SearchStrategy[bytes]:
    """The data cut short anywhere, with any byte changed, or longer; or something else of ``most`` bytes."""
    return st.one_of(
        st.integers(0, len(data) - 1).map(lambda size: data[:size]),
        st.tuples(st.integers(0, len(data) - 1), st.integers(1, 255)).map(
            lambda at: data[: at[0]] + bytes([data[at[0]] ^ at[1]]) + data[at[0] + 1 :]
        ),
        st.binary(min_size=1, max_size=50).map(lambda more: data + more),
        st.binary(max_size=most),
    )

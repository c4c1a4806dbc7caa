"""Exact keys: no two questions share one."""

from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from agentmem.answers.values import AnswerScope, key_of, scope_of

texts = st.text(max_size=6)
contexts = st.builds(
    AnswerScope,
    texts,
    texts,
    texts,
    st.lists(texts, max_size=3).map(tuple),
    st.none() | st.text(min_size=1, max_size=4),
)


@settings(max_examples=50)
@given(st.lists(contexts, unique=True, min_size=2, max_size=6))
def test_no_two_contexts_share_a_scope(many: list[AnswerScope]) -> None:
    """Two contexts never share a scope, even if text moves from one part to the next."""
    for one, other in combinations(many, 2):
        assert scope_of(one) != scope_of(other)
        assert key_of(scope_of(one), "q") != key_of(scope_of(other), "q")

"""The score of two questions, as tuning needs it."""

import pytest

from agentmem.answers.scoring import scorer
from agentmem.recall.embedder import MiniLM, available


def test_scores_of_pairs() -> None:
    """Higher for the same question in other words; none where the guard objects or they are far apart."""
    if available():
        pytest.skip("needs the embedder")
    score = scorer(MiniLM())
    same = score("How do I reset my password?", "How can I reset my password?")
    assert same is not None
    assert same > 0.5
    assert score("How do I reset my password?", "How do I not reset my password?") is None
    assert score("How do I reset my password?", "Which whales sing?") is None

"""Nothing private leaves: by a word, a name or a page, in retries, fallbacks, summaries, delegates and batches."""

from contextlib import closing
from pathlib import Path

from tests.runtime.privately import PrivateDay


def test_of_a_hundred_private_requests_none_leaves(tmp_path: Path) -> None:
    """With an edge that fails in a fifth of its requests; open requests go to the cloud meanwhile."""
    with closing(PrivateDay(tmp_path, seed=7)) as day:
        kept = day.work(100)
    assert kept.leaked == 0
    assert kept.total >= 100
    assert kept.failed > 5
    assert kept.open > 5
    assert all(kept.private[kind] for kind in ("by a word", "by a name", "by a page", "in a batch", "delegates"))
    assert kept.private["summaries"] > 10

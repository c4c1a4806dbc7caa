"""A run that compacts is killed with SIGKILL again and again, and goes on each time."""

import random
from pathlib import Path

import pytest

from tests.runtime.killed import check, play


@pytest.mark.slow
def test_kills_across_compactions(tmp_path: Path) -> None:
    """Nothing lost, nothing doubled, no tool run twice, every view whole, whatever moment was hit."""
    kills = play(tmp_path, random.Random(3), kills=6)
    assert kills > 3
    assert check(tmp_path, kills) >= 2

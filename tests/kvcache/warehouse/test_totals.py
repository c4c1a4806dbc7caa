"""agentmem.kvcache.warehouse.totals."""

from pathlib import Path

import pytest

from agentmem.kvcache.warehouse.totals import FILE, add_totals, read_totals


def test_sums_grow(tmp_path: Path) -> None:
    """What is not said counts as nothing."""
    add_totals(tmp_path, {"requests": 1, "ram": 10, "seconds_saved": 0.5})
    add_totals(tmp_path, {"requests": 2, "disk": 5})
    assert read_totals(tmp_path) | {"slot": 0} == {
        "requests": 3,
        "slot": 0,
        "ram": 10,
        "disk": 5,
        "far": 0,
        "computed": 0,
        "seconds_saved": 0.5,
    }


@pytest.mark.parametrize("said", ["", "[]", '{"ram": "many", "other": 1}', "\x00"])
def test_a_file_that_says_nothing_is_zero(tmp_path: Path, said: str) -> None:
    """Sums are told, and nothing depends on them."""
    (tmp_path / FILE).write_text(said)
    assert set(read_totals(tmp_path).values()) == {0}

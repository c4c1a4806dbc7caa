"""agentmem.models.states."""

import struct
from collections.abc import Iterator
from io import BytesIO
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentmem.errors import WarehouseError
from agentmem.models.engine import Engine
from agentmem.models.states import StatePart, StateShape, parsed, reading, write_state

SHAPE = StateShape(((1, 12), (1, 8), (2, 3), (1, 5)))
"""Two layers with planes of different rows."""
PROMPT = [300 + at * 7 for at in range(150)]


def made(count: int, folder: Path, slot: int = 0) -> bytes:
    """A whole state of so many tokens, made of one part."""
    payload = bytes(at % 251 for at in range(count * SHAPE.token_bytes))
    write_state(folder / "made", SHAPE, range(count), slot, [StatePart(payload, count, count)])
    return (folder / "made").read_bytes()


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for one file at a time."""
    return tmp_path_factory.mktemp("states")


@pytest.fixture(scope="module")
def whole(engine: Engine) -> Iterator[tuple[Path, bytes]]:
    """A state that the real engine saved, and the folder that it reads states from."""
    assert engine._states is not None
    folder = engine._states.folder
    engine.erase()
    engine.post("/completion", {"prompt": PROMPT, "n_predict": 0, "id_slot": 0})
    engine.post("/slots/0?action=save", {"filename": "whole"})
    yield folder, (folder / "whole").read_bytes()


@given(st.integers(1, 40), st.sets(st.integers(1, 39)), st.integers(0, 3))
def test_a_state_cut_anywhere_is_put_together_again(scratch: Path, count: int, cuts: set[int], slot: int) -> None:
    """Byte for byte."""
    data = made(count, scratch, slot)
    state = parsed(BytesIO(data))
    ends = [0, *sorted(cut for cut in cuts if cut < count), count]
    parts = [StatePart(state.cut(start, end), end - start, end - start) for start, end in pairwise(ends)]
    write_state(scratch / "again", state.shape, state.tokens, slot, parts)
    assert (scratch / "again").read_bytes() == data
    assert len(data) == state.shape.size(count)


@given(st.data())
def test_the_rows_of_a_prefix_are_those_of_the_whole(scratch: Path, data: st.DataObject) -> None:
    """A last block that is used in part gives its first tokens' rows."""
    count = data.draw(st.integers(2, 40))
    keep = data.draw(st.integers(1, count))
    state = parsed(BytesIO(made(count, scratch)))
    write_state(scratch / "cut", SHAPE, state.tokens[:keep], 0, [StatePart(state.cut(0, count), count, keep)])
    cut = parsed(BytesIO((scratch / "cut").read_bytes()))
    assert cut.tokens == state.tokens[:keep]
    assert cut.cut(0, keep) == state.cut(0, keep)


@settings(max_examples=200)
@given(st.data())
def test_no_other_layout_is_taken_for_a_state(scratch: Path, data: st.DataObject) -> None:
    """Cut short or longer anywhere, or with another number in its head: refused, or still of the same length."""
    whole = made(20, scratch)
    at = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(WarehouseError):
        parsed(BytesIO(whole[:at]))
    with pytest.raises(WarehouseError):
        parsed(BytesIO(whole + b"\0" * (1 + at % 9)))
    head = data.draw(st.integers(0, 2))
    with pytest.raises(WarehouseError):
        parsed(BytesIO(whole[: 4 * head] + struct.pack("<I", at + 2**28) + whole[4 * head + 4 :]))


def test_parts_that_do_not_fit_are_refused(scratch: Path) -> None:
    """Before the engine sees them: too few tokens, a payload of another length, more taken than held."""
    size = SHAPE.token_bytes
    for parts in (
        [StatePart(b"x" * size, 1, 1)],
        [StatePart(b"x" * size, 2, 2)],
        [StatePart(b"x" * size, 1, 2)],
    ):
        with pytest.raises(WarehouseError):
            write_state(scratch / "bad", SHAPE, [1, 2], 0, parts)


def test_an_empty_file_is_refused(scratch: Path) -> None:
    """It has not even a head."""
    (scratch / "empty").write_bytes(b"")
    with pytest.raises(WarehouseError, match="too early"), reading(scratch / "empty"):
        raise AssertionError("it was read")


def test_the_real_engines_state_is_put_together_again(whole: tuple[Path, bytes], scratch: Path) -> None:
    """Out of blocks of 64 tokens and a tail, byte for byte."""
    state = parsed(BytesIO(whole[1]))
    assert list(state.tokens) == PROMPT
    ends = (0, 64, 128, 150)
    parts = [StatePart(state.cut(start, end), end - start, end - start) for start, end in pairwise(ends)]
    write_state(scratch / "again", state.shape, state.tokens, 0, parts)
    assert (scratch / "again").read_bytes() == whole[1]


def test_a_cut_prefix_decodes_like_a_cold_one(engine: Engine, whole: tuple[Path, bytes]) -> None:
    """The engine reads all of it, and writes the same tokens as after computing the prefix itself."""
    folder, data = whole
    state = parsed(BytesIO(data))
    asked = {"prompt": [*PROMPT[:100], 900, 901], "n_predict": 6, "id_slot": 0, "temperature": 0, "return_tokens": True}
    engine.erase()
    engine.post("/completion", {**asked, "prompt": PROMPT[:100], "n_predict": 0})
    cold = engine.post("/completion", asked)
    write_state(folder / "cut", state.shape, PROMPT[:100], 0, [StatePart(state.cut(0, 128), 128, 100)])
    engine.erase()
    assert engine.post("/slots/0?action=restore", {"filename": "cut"})["n_restored"] == 100
    warm = engine.post("/completion", asked)
    assert warm["timings"]["cache_n"] == cold["timings"]["cache_n"] == 100
    assert warm["tokens"] == cold["tokens"]

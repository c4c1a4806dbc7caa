"""agentmem.models.sealed."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmem.errors import ConfigError, ModelRejected
from agentmem.models.sealed import SEAL, States, states_in
from tests.damages import damages

DATA = bytes(range(256)) * 20


def saved(folder: Path, data: bytes = DATA, maker: str = "m") -> States:
    states = States(folder, maker)
    with states.saving("one.bin") as part:
        (folder / part).write_bytes(data)
    return states


@given(damages(DATA, 50))
def test_a_file_that_changed_is_refused(data: bytes) -> None:
    """Cut short anywhere, with any byte changed, longer, or another."""
    with TemporaryDirectory() as folder:
        states = saved(Path(folder))
        (Path(folder) / "one.bin").write_bytes(data)
        with pytest.raises(ModelRejected, match="not as it was saved"), states.restoring("one.bin"):
            raise AssertionError("it was handed over")
        assert sorted(path.name for path in Path(folder).iterdir()) == ["one.bin", f"one.bin{SEAL}"]


@given(
    st.binary(max_size=60)
    | st.sampled_from([b"[]", b"{}", b"null", b'{"maker": "m"}', b'{"maker": "m", "bytes": true}'])
)
def test_a_seal_that_changed_is_refused(data: bytes) -> None:
    """Whatever stands in it."""
    with TemporaryDirectory() as folder:
        states = saved(Path(folder))
        (Path(folder) / f"one.bin{SEAL}").write_bytes(data)
        with pytest.raises(ModelRejected), states.restoring("one.bin"):
            raise AssertionError("it was handed over")


def test_what_is_handed_over_is_a_copy_that_nobody_else_changes(tmp_path: Path) -> None:
    """And it is gone afterwards; both are for their owner's eyes only."""
    states = saved(tmp_path)
    with states.restoring("one.bin") as name:
        (tmp_path / "one.bin").write_bytes(b"changed meanwhile")
        assert (tmp_path / name).read_bytes() == DATA
        assert (tmp_path / name).stat().st_mode & 0o077 == 0
    assert not (tmp_path / name).exists()
    assert (tmp_path / f"one.bin{SEAL}").stat().st_mode & 0o077 == 0


def test_a_save_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    """The cache under the name stays whole, and nothing is left beside it."""
    states = saved(tmp_path)
    with pytest.raises(ModelRejected, match="could not be saved"), states.saving("one.bin"):
        pass  # the engine wrote no file
    with pytest.raises(ZeroDivisionError), states.saving("one.bin") as part:
        (tmp_path / part).write_bytes(b"half")
        raise ZeroDivisionError
    with states.restoring("one.bin") as name:
        assert (tmp_path / name).read_bytes() == DATA
    assert len(list(tmp_path.iterdir())) == 2


def test_a_file_without_a_seal_or_of_another_engine_is_refused(tmp_path: Path) -> None:
    """One from before, one of other weights, one that is not there."""
    saved(tmp_path)
    with (
        pytest.raises(ModelRejected, match="other weights or another engine"),
        States(tmp_path, "n").restoring("one.bin"),
    ):
        pass
    (tmp_path / f"one.bin{SEAL}").unlink()
    with pytest.raises(ModelRejected, match="has no seal"), States(tmp_path, "m").restoring("one.bin"):
        pass
    with pytest.raises(ModelRejected, match="there is no saved cache"), States(tmp_path, "m").restoring("two.bin"):
        pass


@pytest.mark.parametrize("name", ["", "..", "../x", "a/b", "/etc/passwd", ".x", "part-1", "x.seal", "a\nb", "x" * 300])
def test_only_a_plain_name_names_a_cache(tmp_path: Path, name: str) -> None:
    """Nothing outside the folder is read or written."""
    states = States(tmp_path, "m")
    for way in (states.saving, states.restoring):
        with pytest.raises(ConfigError, match="plain file name"), way(name):
            pass


def test_weights_are_told_apart(tmp_path: Path) -> None:
    """By their size and both their ends."""
    one, other = tmp_path / "a.gguf", tmp_path / "b.gguf"
    one.write_bytes(DATA)
    other.write_bytes(DATA[:-1] + b"x")
    assert states_in(tmp_path / "s", one).maker != states_in(tmp_path / "s", other).maker
    assert states_in(tmp_path / "s", one).maker == states_in(tmp_path / "s", one).maker


def test_a_seal_says_what_it_seals(tmp_path: Path) -> None:
    """Length, hash and maker, as JSON."""
    saved(tmp_path)
    seal = json.loads((tmp_path / f"one.bin{SEAL}").read_text())
    assert (seal["bytes"], seal["maker"], len(seal["sha256"])) == (len(DATA), "m", 64)

"""agentmem.kvcache.warehouse.folder."""

import os
import struct
from pathlib import Path

import pytest

from agentmem.errors import ConfigError
from agentmem.kvcache.eviction import policy
from agentmem.kvcache.warehouse.blocks import BLOCK, chain, seed_of
from agentmem.kvcache.warehouse.folder import BlockFolder
from agentmem.kvcache.warehouse.records import KvRecord, record_size

SEED = seed_of("tests")
PLENTY = 10**9
RECORDS = [KvRecord(SEED, block, bytes([at]) * 100) for at, block in enumerate(chain(SEED, range(5 * BLOCK)))]
SIZE = record_size(BLOCK, 100)


def opened(folder: Path, budget: int = PLENTY) -> BlockFolder:
    return BlockFolder(folder, budget, policy("lru"))


def filled(folder: Path, budget: int = PLENTY) -> BlockFolder:
    made = opened(folder, budget)
    for record in RECORDS:
        made.write(record)
    return made


def files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.kv"))


def test_the_index_is_rebuilt_by_a_scan(tmp_path: Path) -> None:
    """Another process finds every block, its parent, its place and its size."""
    one, other = filled(tmp_path), opened(tmp_path)
    assert other.standings.held.keys() == one.standings.held.keys()
    assert other.standings.bytes == one.standings.bytes == 5 * SIZE
    assert [other.read(record.block.key) for record in RECORDS] == RECORDS
    assert other.block(RECORDS[2].block.key) == RECORDS[2].block


def test_what_another_process_writes_is_found(tmp_path: Path) -> None:
    """Without a new scan of all; and what another one deleted is gone."""
    one, other = opened(tmp_path), opened(tmp_path)
    one.write(RECORDS[0])
    assert other.children(SEED) == (RECORDS[0].block.key,)
    one.remove([RECORDS[0].block.key])
    assert other.read(RECORDS[0].block.key) is None
    assert other.children(SEED) == ()


def test_a_damaged_file_is_refused_once_and_deleted(tmp_path: Path) -> None:
    """It is written anew when it has been computed again."""
    folder, key = filled(tmp_path), RECORDS[1].block.key
    file = next(path for path in files(tmp_path) if f".{key}." in path.name)
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    assert folder.read(key) is None
    assert folder.refused.total() == 1
    assert not file.exists()
    folder.write(RECORDS[1])
    assert folder.read(key) == RECORDS[1]


def test_a_block_of_another_version_is_left_alone(tmp_path: Path) -> None:
    """It is refused, and not asked for again."""
    folder, key = filled(tmp_path), RECORDS[1].block.key
    file = next(path for path in files(tmp_path) if f".{key}." in path.name)
    data = file.read_bytes()
    file.write_bytes(data[:4] + struct.pack("<I", 9) + data[8:])
    assert folder.read(key) is None
    assert folder.children(RECORDS[0].block.key) == ()
    assert file.exists()


def test_a_file_under_another_name_is_refused(tmp_path: Path) -> None:
    """Two whole files whose names were swapped."""
    folder = filled(tmp_path)
    first, second = files(tmp_path)[:2]
    content = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(content)
    assert sum(folder.read(record.block.key) is None for record in RECORDS) == 2
    assert folder.refused.total() == 2


def test_the_budget_is_for_all_processes(tmp_path: Path) -> None:
    """What others wrote counts, and what was used longest ago leaves, the end of a chain before its head."""
    filled(tmp_path)
    late = opened(tmp_path, 3 * SIZE)
    late.use([RECORDS[0].block.key])
    assert late.fit() == 3
    assert late.standings.bytes <= 3 * SIZE
    assert len(files(tmp_path)) == 2
    assert late.read(RECORDS[0].block.key) == RECORDS[0]


def test_what_is_replaced_is_deleted_later(tmp_path: Path) -> None:
    """It is not held any more; its file stays until what takes its place is written, or for good if written again."""
    folder, keys = filled(tmp_path), [record.block.key for record in RECORDS[:2]]
    folder.retire(keys)
    folder.scan()
    assert not set(keys) & folder.standings.held.keys()
    assert len(files(tmp_path)) == 5
    folder.write(RECORDS[0])
    while folder.unsettled:
        folder.settle()
    assert folder.read(keys[0]) == RECORDS[0]
    assert len(files(tmp_path)) == 4


def test_others_learn_what_was_used(tmp_path: Path) -> None:
    """By the times of files, once it is settled."""
    folder = filled(tmp_path)
    for path in files(tmp_path):
        os.utime(path, (1, 1))
    folder.use([RECORDS[3].block.key])
    while folder.unsettled:
        folder.settle()
    assert sum(one.used > 1 for one in opened(tmp_path).standings.held.values()) == 1


def test_a_block_larger_than_the_budget_is_not_written(tmp_path: Path) -> None:
    """Nothing else leaves for it."""
    folder = opened(tmp_path, SIZE - 1)
    folder.write(RECORDS[0])
    assert files(tmp_path) == []


def test_what_was_not_finished_is_swept_away(tmp_path: Path) -> None:
    """When it is old enough to be nobody's; a young one may be at work."""
    for place in (tmp_path, opened(tmp_path).landing):
        for name, age in (("part-old", 10**6), ("part-young", 0)):
            (place / name).write_bytes(b"half")
            at = (place / name).stat().st_mtime - age
            os.utime(place / name, (at, at))
    landing = opened(tmp_path).landing
    assert sorted(path.name for path in tmp_path.iterdir()) == [landing.name, "part-young"]
    assert [path.name for path in landing.iterdir()] == ["part-young"]


def test_strangers_are_passed_over(tmp_path: Path) -> None:
    """Files and folders that are no blocks do no harm and stay."""
    (tmp_path / "ab").mkdir()
    (tmp_path / "ab" / "notes.kv").write_text("mine")
    folder = filled(tmp_path)
    assert len(folder.standings) == 5
    assert folder.clear() == 5
    assert files(tmp_path) == [tmp_path / "ab" / "notes.kv"]


def test_blocks_are_for_their_owner_alone(tmp_path: Path) -> None:
    """They hold what was said."""
    filled(tmp_path / "kv")
    opened(tmp_path)  # a folder that was there, readable for others
    private = (tmp_path / "kv", tmp_path / "kv" / "landing", tmp_path / "landing", *files(tmp_path))
    assert all(path.stat().st_mode & 0o077 == 0 for path in private)


def test_a_folder_that_cannot_be_is_named(tmp_path: Path) -> None:
    """A file stands in its place."""
    (tmp_path / "kv").write_text("")
    with pytest.raises(ConfigError, match="kv cannot hold blocks"):
        opened(tmp_path / "kv")

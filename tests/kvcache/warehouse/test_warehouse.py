"""agentmem.kvcache.warehouse.warehouse."""

import subprocess
import sys
import threading
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentmem.errors import ConfigError
from agentmem.kvcache.warehouse.blocks import BLOCK, seed_of, shared
from agentmem.kvcache.warehouse.far import FarTier
from agentmem.kvcache.warehouse.warehouse import Warehouse, size_of
from agentmem.types import KvSources
from tests.kvcache.warehouse.made import SEED, known, state

LONG = list(range(1000, 1300))


class Shelf:
    """A far tier in a dict; ``broken`` makes it fail."""

    def __init__(self) -> None:
        self.held: dict[str, bytes] = {}
        self.broken = False

    def get(self, name: str) -> bytes | None:
        self.check()
        return self.held.get(name)

    def put(self, name: str, data: bytes) -> None:
        self.check()
        self.held[name] = data

    def check(self) -> None:
        if self.broken:
            raise TimeoutError


def put(warehouse: Warehouse, tokens: list[int], seed: str = SEED) -> int:
    return warehouse.put(seed, tokens, state(tokens))


def test_what_was_put_is_found_to_the_last_token(tmp_path: Path) -> None:
    """At once, for any prefix, and for prompts that go another way in the middle of a block."""
    with Warehouse(folder=tmp_path) as warehouse:
        put(warehouse, LONG)
        for wanted in (LONG, LONG[:150], LONG[:37], [*LONG[:170], 7, 8, 9], [*LONG, 1, 2], [1, 2]):
            assert known(warehouse, wanted) == shared(LONG, wanted)


tokens = st.lists(st.integers(1, 3), max_size=3).map(lambda one: [token for token in one for _ in range(BLOCK - 7)])


@settings(max_examples=60)
@given(st.lists(tokens, max_size=6), tokens, st.sampled_from(["lru", "value", "leaf-first"]))
def test_the_longest_known_prefix_is_found(stored: list[list[int]], wanted: list[int], eviction: str) -> None:
    """Token for token that of all that was put, from memory and from the disk, now and by the next process."""
    best = max((shared(one, wanted) for one in stored), default=0)
    with TemporaryDirectory() as folder:
        with Warehouse(folder=folder, ram=3000, eviction=eviction) as warehouse:
            for one in stored:
                put(warehouse, one)
            assert known(warehouse, wanted) == best
        with Warehouse(folder=folder, ram=0) as later:
            assert known(later, wanted) == best


def test_only_new_blocks_are_written(tmp_path: Path) -> None:
    """A context that has grown writes what is new; the shorter block at its end is replaced."""
    with Warehouse(folder=tmp_path) as warehouse:
        assert put(warehouse, LONG) == 5
        assert put(warehouse, LONG) == 0
        assert put(warehouse, [*LONG, 1, 2]) == 1
        assert put(warehouse, LONG[:100]) == 0
        warehouse.flush()
        assert len(list(tmp_path.rglob("*.kv"))) == 5


def test_a_payload_is_cut_only_if_it_is_new(tmp_path: Path) -> None:
    """What is held is not asked for."""
    cuts: list[tuple[int, int]] = []

    def payload(start: int, end: int) -> bytes:
        cuts.append((start, end))
        return state(LONG)(start, end)

    with Warehouse(folder=tmp_path) as warehouse:
        put(warehouse, LONG[:128])
        warehouse.put(SEED, LONG, payload)
    assert cuts == [(128, 192), (192, 256), (256, 300)]


def test_another_seed_finds_nothing(tmp_path: Path) -> None:
    """The same tokens of another model or engine."""
    with Warehouse(folder=tmp_path) as warehouse:
        put(warehouse, LONG)
        assert warehouse.find(seed_of("other"), LONG) == ()


def test_memory_has_its_budget(tmp_path: Path) -> None:
    """What does not fit is on the disk; without a disk it is gone."""
    with Warehouse(ram=4000, folder=tmp_path) as warehouse:
        put(warehouse, LONG)
        assert known(warehouse, LONG) == 300
        assert warehouse.stats()["ram"]["bytes"] <= 4000
    with Warehouse(ram=4000) as small:
        put(small, LONG)
        assert 0 < known(small, LONG) < 300
        assert small.stats()["disk"] is None


def test_what_is_read_from_the_disk_pushes_nothing_out(tmp_path: Path) -> None:
    """It is held in memory while that has room; then it is read into the caller's scratch."""
    with Warehouse(folder=tmp_path) as filling:
        put(filling, LONG)
    with Warehouse(ram=4000, folder=tmp_path) as warehouse:
        scratch = memoryview(bytearray(4000))
        payloads = []
        for one in warehouse.find(SEED, LONG):
            payload = warehouse.fetch(one, SEED, scratch)
            assert payload is not None
            payloads.append(bytes(payload))
        assert b"".join(payloads) == state(LONG)(0, 300)
        tiers = [one.tier for one in warehouse.find(SEED, LONG)]
        assert tiers == ["ram", "ram", "disk", "disk", "ram"]  # the shorter block at the end fits
        assert bytes(scratch[:4]) != b"\0" * 4


def test_a_shorter_end_makes_place_for_the_longer_one(tmp_path: Path) -> None:
    """Its file is gone when all is written."""
    with Warehouse(folder=tmp_path) as warehouse:
        put(warehouse, LONG[:100])
        warehouse.flush()
        short = set(tmp_path.rglob("*.kv"))
        put(warehouse, LONG[:120])
        warehouse.flush()
        assert known(warehouse, LONG[:120]) == 120
    kept = set(tmp_path.rglob("*.kv"))
    assert len(kept) == len(short) == 2
    assert len(kept & short) == 1


def test_several_processes_share_a_folder(tmp_path: Path) -> None:
    """Each finds what the others wrote while it runs."""
    with Warehouse(folder=tmp_path) as one, Warehouse(folder=tmp_path) as other:
        put(one, LONG[:200])
        one.flush()
        assert known(other, LONG) == 200
        put(other, LONG)
        other.flush()
        assert known(one, LONG) == 300


def test_threads_share_a_warehouse(tmp_path: Path) -> None:
    """While it evicts, writes and reads."""
    found: list[int] = []

    def work(number: int) -> None:
        for turn in range(1, 5):
            mine = [number] * 60 * turn
            put(warehouse, mine)
            found.append(known(warehouse, mine))

    with Warehouse(ram=5000, folder=tmp_path) as warehouse:
        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(found) == sorted([60, 120, 180, 240] * 4)


def test_damage_is_computed_again(tmp_path: Path) -> None:
    """The chain is known up to the damaged block; `verify` finds it and deletes it."""
    with Warehouse(folder=tmp_path) as warehouse:
        put(warehouse, LONG)
    for file in tmp_path.rglob("*.128.64.kv"):
        file.write_bytes(file.read_bytes()[:-5])
    with Warehouse(folder=tmp_path) as warehouse:
        assert known(warehouse, LONG) == 128
        assert sum(warehouse.stats()["refused"].values()) == 1
        assert known(warehouse, LONG) == 128
        put(warehouse, LONG)
        assert known(warehouse, LONG) == 300
        assert warehouse.verify()["refused"] == {}


def test_verify_counts(tmp_path: Path) -> None:
    """Whole blocks and refused ones."""
    with Warehouse(folder=tmp_path) as warehouse:
        put(warehouse, LONG)
        warehouse.flush()
        next(tmp_path.rglob("*.64.64.kv")).write_bytes(b"")
        found = warehouse.verify()
        assert (found["blocks"], found["whole"]) == (5, 4)
        assert warehouse.verify()["blocks"] == 4
    assert Warehouse().verify()["blocks"] == 0


def test_clear_forgets_everything(tmp_path: Path) -> None:
    """In memory and on the disk."""
    with Warehouse(folder=tmp_path) as warehouse:
        put(warehouse, LONG)
        assert warehouse.clear() == 5
        assert known(warehouse, LONG) == 0
        assert not list(tmp_path.rglob("*.kv"))


def test_a_disk_that_cannot_be_written_fails_nothing(tmp_path: Path) -> None:
    """What fits into memory is served from there; the fault is counted."""
    with Warehouse(folder=tmp_path / "kv") as warehouse:
        for bucket in range(256):
            (tmp_path / "kv" / f"{bucket:02x}").write_text("in the way")
        put(warehouse, LONG)
        warehouse.flush()
        assert known(warehouse, LONG) == 300
        assert sum(warehouse.stats()["faults"].values()) == 5


def test_what_was_given_is_told_after_a_restart(tmp_path: Path) -> None:
    """The sums are those of all processes."""
    for _ in range(2):
        with Warehouse(folder=tmp_path) as warehouse:
            warehouse.count(KvSources(slot=1, ram=2, disk=3, computed=4, seconds_saved=0.5))
    with Warehouse(folder=tmp_path) as later:
        assert later.stats()["used"] == {
            "requests": 2,
            "slot": 2,
            "ram": 4,
            "disk": 6,
            "far": 0,
            "computed": 8,
            "seconds_saved": 1.0,
        }


def test_a_far_tier_serves_other_machines(tmp_path: Path) -> None:
    """Whole blocks go there, behind; another folder finds them. What is damaged there is refused."""
    shelf = Shelf()
    far: FarTier = shelf
    with Warehouse(folder=tmp_path / "one", far=far) as one:
        put(one, LONG)
    with Warehouse(folder=tmp_path / "two", far=far) as two:
        assert {block.tier for block in two.find(SEED, LONG)} == {"far"}
        assert known(two, LONG) == 256
    for name, data in shelf.held.items():
        shelf.held[name] = data[:-1] + b"?"
    with Warehouse(far=far) as three:
        assert known(three, LONG) == 0


def test_a_far_tier_that_fails_is_left_alone(tmp_path: Path) -> None:
    """The request is served by what is near, and the fault counted."""
    shelf = Shelf()
    with Warehouse(folder=tmp_path, far=shelf) as warehouse:
        put(warehouse, LONG)
        warehouse.flush()
        shelf.broken = True
        assert known(warehouse, [*LONG, *range(200)]) == 300
        assert warehouse.stats()["faults"] == {"far": 1}


PROGRAM = """
import sys
from agentmem.kvcache.warehouse.warehouse import Warehouse
from tests.kvcache.warehouse.made import SEED, state
warehouse = Warehouse(folder=sys.argv[1])
tokens = list(range(300))
warehouse.put(SEED, tokens, state(tokens))
"""


def test_a_program_that_forgets_to_close_writes_all_the_same(tmp_path: Path) -> None:
    """The interpreter waits for what is written behind."""
    subprocess.run([sys.executable, "-c", PROGRAM, str(tmp_path)], check=True, timeout=120)
    with Warehouse(folder=tmp_path) as warehouse:
        assert known(warehouse, list(range(300))) == 300


@pytest.mark.parametrize(
    ("given", "size"), [(0, 0), (7, 7), ("256 MB", 256_000_000), ("2GB", 2_000_000_000), ("1.5k", 1500), ("12", 12)]
)
def test_sizes_are_bytes(given: int | str, size: int) -> None:
    """As a number, or as people write them."""
    assert size_of(given, "ram") == size


@pytest.mark.parametrize("given", ["much", "-1", -1, "", "1 XB", True])
def test_a_size_that_is_none_is_refused(given: int | str) -> None:
    """With what to write."""
    with pytest.raises(ConfigError, match=r'ram is .*"2 GB"'):
        Warehouse(ram=given)


@pytest.mark.parametrize("name", ["fifo", "belady"])
def test_an_eviction_that_cannot_be_is_refused(name: str) -> None:
    """An unknown one, and the one that knows the future."""
    with pytest.raises(ConfigError):
        Warehouse(eviction=name)

"""agentmem.models.warm: the real engine on tiny prompts."""

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentmem.kvcache.warehouse.warehouse import FoundBlock, Warehouse
from agentmem.models.engine import Engine
from agentmem.models.warm import EnginePace, Visit, weights_digest
from agentmem.models.weights import SMOLLM2
from agentmem.types import KvSources

SYSTEM = [400 + at * 3 for at in range(90)]
ONE, OTHER = [*SYSTEM, *range(1000, 1040)], [*SYSTEM, *range(2000, 2040)]


def asked(engine: Engine, prompt: list[int]) -> tuple[list[int], KvSources]:
    """Four tokens of a reply, and where the prompt came from."""
    answer, sources = engine.complete(prompt, n_predict=4, temperature=0, return_tokens=True, ignore_eos=True)
    assert sources is not None
    assert sources.slot + sources.ram + sources.disk + sources.computed == len(prompt)
    return answer["tokens"], sources


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the blocks are, over several engines."""
    return tmp_path_factory.mktemp("warehouse")


@pytest.fixture(scope="module")
def first(weights: Path, folder: Path) -> Iterator[Engine]:
    """An engine with one slot, and a warehouse that has room for one conversation in memory."""
    with Engine(context=512, warehouse=Warehouse(ram="4 MB", folder=folder)) as engine:
        yield engine


def test_a_conversation_comes_back_to_the_slot(first: Engine) -> None:
    """Another one was in it meanwhile. Only the last token is computed again, and the reply is the same."""
    cold, sources = asked(first, ONE)
    assert sources.computed == len(ONE)
    _, sources = asked(first, OTHER)
    assert (sources.slot, sources.computed) == (len(SYSTEM), 40)
    warm, sources = asked(first, ONE)
    assert (sources.slot, sources.ram + sources.disk, sources.computed) == (len(SYSTEM), 39, 1)
    assert warm == cold
    assert sources.seconds_saved != 0


def test_an_engine_that_was_killed_costs_nothing_but_its_start(first: Engine) -> None:
    """Between two requests: its state comes back from the warehouse, and the reply is the same."""
    before, _ = asked(first, ONE)
    old = first.process.number
    os.kill(old, signal.SIGABRT)
    first.process.ended_within(60)
    again, sources = asked(first, ONE)
    assert first.process.number != old
    assert (again, sources.computed) == (before, 1)


def test_a_later_session_finds_it(first: Engine, folder: Path) -> None:
    """Another process of the engine, with two slots, shares the folder while the first one runs."""
    assert first.warehouse is not None
    reply, _ = asked(first, ONE)
    first.warehouse.flush()
    with Engine(context=512, slots=2, warehouse=Warehouse(ram=0, folder=folder)) as second:
        again, sources = asked(second, ONE)
        assert (again, sources.disk, sources.computed) == (reply, len(ONE) - 1, 1)
        _, sources = asked(second, OTHER)
        assert sources.computed == 1
        assert second.warehouse_stats()["state_faults"] == {}


def test_a_damaged_block_is_computed_again(first: Engine, folder: Path) -> None:
    """A flipped byte, which the engine would accept in silence, and a file cut short, which would end it."""
    assert first.warehouse is not None
    reply, _ = asked(first, ONE)
    first.warehouse.flush()
    with Engine(context=512, warehouse=Warehouse(ram=0, folder=folder)) as second:
        files = sorted(folder.rglob("*.0.64.kv"))
        for file in files:
            data = bytearray(file.read_bytes())
            data[len(data) // 2] ^= 1
            file.write_bytes(data)
        for file in folder.rglob("*.64.64.kv"):
            file.write_bytes(file.read_bytes()[:1000])
        number = second.process.number
        again, sources = asked(second, ONE)
        assert (again, sources.computed) == (reply, len(ONE))
        assert second.process.number == number
        assert sum(second.warehouse_stats()["refused"].values()) >= 1


def test_other_settings_never_match(first: Engine, folder: Path, weights: Path) -> None:
    """A copy of the weights with one byte more is another model: nothing of the first one's is found."""
    seed, shape = first._warm._shape() or ("", None) if first._warm else ("", None)
    assert shape is not None
    assert weights_digest(weights) == SMOLLM2.sha256
    other = folder / "other.gguf"
    other.write_bytes(weights.read_bytes() + b"\0")
    with Engine(other, context=512, warehouse=Warehouse(ram=0, folder=folder)) as second:
        _, sources = asked(second, ONE)
        assert sources.computed == len(ONE)
        assert second._warm is not None
        assert (second._warm._shape() or ("",))[0] != seed
    other.unlink()


def test_threads_share_the_slots(first: Engine) -> None:
    """Each request has a slot to itself while it runs."""
    replies: list[list[int]] = []
    threads = [threading.Thread(target=lambda: replies.append(asked(first, ONE)[0])) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert replies[0] == replies[1] == replies[2]


def test_tokens_are_counted_where_they_came_from() -> None:
    """What the slot had first, then each block as far as the engine used it."""
    blocks = (
        FoundBlock("a", "ram", 0, 64, 64),
        FoundBlock("b", "disk", 64, 64, 64),
        FoundBlock("c", "disk", 128, 9, 5),
    )
    visit = Visit(0, held=50, brought=blocks, seconds=0.25)
    visit.answered(130, 20, 2.0)
    assert visit.sources == KvSources(slot=50, ram=14, disk=66, computed=20, seconds_saved=7.75)


def test_a_pace_before_the_first_request_is_zero() -> None:
    """Nothing is known then."""
    pace = EnginePace()
    assert pace.seconds_per_token == 0
    pace.add(10, 2.0)
    assert pace.seconds_per_token == 0.2

"""Kills and damage: no acknowledged block is lost, none is served wrong, and the user's process never ends.

First a writer of a real engine's states is killed at random moments, again and again. What it had acknowledged must be
found by the next process, byte for byte, nothing that is found may be wrong, and the engine must go on from it as from
what it computed itself in the same pieces. Then a real engine fills a warehouse; files of it
are cut, changed, swapped, and replaced by those of another model and of another KV type; each lookup must give either
the bytes that were stored or nothing. Last, the real engine serves over the damage, is killed itself, and must write
the tokens that it writes without a warehouse.
"""

import argparse
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from agentmem.errors import ModelError, WarehouseError
from agentmem.kvcache.warehouse.blocks import seed_of
from agentmem.kvcache.warehouse.records import KvRecord, decode, encode
from agentmem.kvcache.warehouse.warehouse import FoundBlock, Warehouse
from agentmem.models.engine import Engine, available
from agentmem.models.states import KvState, StatePart, parsed, write_state
from agentmem.models.warm import WarmSlots
from tests.benchmarks.data import skip
from tests.benchmarks.heading import ROOT, commit, heading, record_figures

CONTEXT, SHARED, OWN = 1024, 160, 64
KILLED_WITHIN = 0.08
"""A writer is killed after a random part of so many seconds: opening the folder and a context take some 20 ms."""
STORED = 12
"""Contexts of the engine's own state that writers store. When all are, the folder is full, and a new one is begun."""
STAGES = (100, 170, SHARED + OWN)
"""Each context is stored as it grows, so that longer blocks take the place of shorter ones."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A context, the files of the engine's own state of its stages, and what the engine writes on from the last one."""

    files: dict[int, bytes]
    state: KvState
    reply: list[int]


def kills(place: Path, count: int, r: random.Random) -> Counter[str]:
    """Kill a writer so many times, each at a random moment. After each kill the next process looks at all that was
    acknowledged, and the engine goes on from some of it.
    """
    seen = Counter[str]({"kills": count, "lost": 0, "wrong": 0, "decoded otherwise": 0})
    states = place / "states"
    states.mkdir(parents=True)
    with Engine(context=CONTEXT, cache_ram_mib=0, states=states) as engine:
        seed, stored = real_states(engine, states, r)
        folder, acknowledged = place / "0", dict[int, int]()
        for number in range(1, count + 1):
            steps = [(at, end) for at in range(len(stored)) for end in STAGES if end > acknowledged.get(at, 0)]
            steps.sort(key=lambda step: (STAGES.index(step[1]), r.random()))
            new = killed_writer(folder, seed, stored, steps, r.uniform(0, KILLED_WITHIN))
            acknowledged |= dict(new)
            seen["acknowledged"] += len(new)
            seen["killed in the middle of a file"] += any(folder.glob("part-*"))
            with Warehouse(folder=folder, ram=0, disk="4 GB") as after:
                looked = r.sample(sorted(acknowledged), len(acknowledged))
                looked.sort(key=acknowledged.__getitem__)
                whole = [look(after, seed, stored[at], acknowledged[at], states / "again", seen) for at in looked]
            if whole and whole[-1] and acknowledged[looked[-1]] == STAGES[-1]:
                decode_from(engine, stored[looked[-1]], seen)
            if [*acknowledged.values()] == len(stored) * [STAGES[-1]]:
                shutil.rmtree(folder)
                folder, acknowledged = place / str(number), {}
                seen["folders filled"] += 1
    return seen


def real_states(engine: Engine, states: Path, r: random.Random) -> tuple[str, list[Stored]]:
    """The seed of the engine's blocks, and contexts with their states."""
    shaped = WarmSlots(engine, Warehouse(), 1, states)._shape()
    assert shaped
    made = list[Stored]()
    for tokens in contexts(r, STORED):
        engine.erase()
        engine.post("/completion", {"prompt": tokens, "n_predict": 0, "id_slot": 0})
        engine.post("/slots/0?action=save", {"filename": "one"})
        file = (states / "one").read_bytes()
        state, files = parsed(BytesIO(file)), {STAGES[-1]: file}
        for end in STAGES[:-1]:
            write_state(states / "one", state.shape, tokens[:end], 0, [StatePart(state.cut(0, end), end, end)])
            files[end] = (states / "one").read_bytes()
        made.append(Stored(files, state, reply(engine, tokens)))
    return shaped[0], made


def killed_writer(
    folder: Path, seed: str, stored: list[Stored], steps: list[tuple[int, int]], within: float
) -> list[tuple[int, int]]:
    """Store contexts, each up to an end, in another process, and kill it after so many seconds. Returns those that it
    had acknowledged.
    """
    ends, words = os.pipe()
    writer = os.fork()
    if not writer:
        try:
            warehouse = Warehouse(folder=folder, ram="64 MB", disk="4 GB")
            for at, end in steps:
                state = stored[at].state
                warehouse.put(seed, state.tokens[:end], state.cut, state.shape.token_bytes)
                warehouse.flush()
                os.write(words, bytes([at, end]))
            signal.pause()
        finally:
            os._exit(1)
    os.close(words)
    time.sleep(within)
    os.kill(writer, signal.SIGKILL)
    os.waitpid(writer, 0)
    with os.fdopen(ends, "rb") as said:
        words_said = said.read()
    return list(zip(words_said[::2], words_said[1::2], strict=True))


def look(after: Warehouse, seed: str, one: Stored, end: int, file: Path, seen: Counter[str]) -> bool:
    """Put an acknowledged state together again: it must be whole, and the engine's own, byte for byte."""
    parts, tokens = [], one.state.tokens[:end]
    for block in after.find(seed, tokens):
        payload = after.fetch(block, seed)
        if payload is None:
            break
        parts.append(StatePart(payload, block.held, block.taken))
    seen["blocks looked up"] += len(parts)
    try:
        write_state(file, one.state.shape, tokens, 0, parts)
    except WarehouseError:
        seen["lost"] += 1
        return False
    right = file.read_bytes() == one.files[end]
    seen["wrong"] += not right
    return right


def decode_from(engine: Engine, one: Stored, seen: Counter[str]) -> None:
    """The engine must write from a state that was put together what it wrote from its own of the same split."""
    engine.erase()
    engine.post("/slots/0?action=restore", {"filename": "again"})
    tokens = list(one.state.tokens)
    answer, _ = engine.complete(tokens, **ASKED)
    seen["decoded after a kill"] += 1
    seen["decoded without computing"] += answer["timings"]["cache_n"] == len(tokens) - 1
    seen["decoded otherwise"] += answer["tokens"] != one.reply


Damage = Callable[[bytes, bytes, random.Random], bytes]


def _cut(data: bytes, other: bytes, r: random.Random) -> bytes:
    return data[: r.randrange(len(data))]


def _flipped(data: bytes, other: bytes, r: random.Random) -> bytes:
    at = r.randrange(len(data))
    return data[:at] + bytes([data[at] ^ (1 << r.randrange(8))]) + data[at + 1 :]


def _swapped(data: bytes, other: bytes, r: random.Random) -> bytes:
    return other


def _foreign(data: bytes, other: bytes, r: random.Random) -> bytes:
    """The same tokens in the same place, as another model has them: a whole record, with a digest that fits."""
    record = decode(data, _key(data))
    return encode(KvRecord(seed_of("another model"), record.block, r.randbytes(len(record.payload))))


def _other_type(data: bytes, other: bytes, r: random.Random) -> bytes:
    """The same block with rows of another KV type: fewer bytes for the same tokens, and a digest that fits."""
    record = decode(data, _key(data))
    return encode(KvRecord(seed_of("q8_0"), record.block, record.payload[: len(record.payload) * 17 // 32]))


DAMAGES: dict[str, Damage] = {
    "cut": _cut,
    "flipped": _flipped,
    "swapped": _swapped,
    "foreign model": _foreign,
    "other KV type": _other_type,
}


def _key(data: bytes) -> str:
    return data[72:104].hex()


def contexts(r: random.Random, count: int) -> list[list[int]]:
    """Prompts of this repository's text: a prefix that all share, and a stretch of their own."""
    with Engine(context=256) as engine:
        source = engine.tokens((ROOT / "ARCHITECTURE.md").read_text("utf-8"))
    starts = [r.randrange(SHARED, len(source) - OWN) for _ in range(count)]
    return [source[:SHARED] + source[start : start + OWN] for start in starts]


def filled(folder: Path, prompts: list[list[int]]) -> tuple[str, list[list[int]], int]:
    """Let a real engine fill a warehouse. Returns the seed, the replies without a warehouse, and a token's bytes."""
    replies = []
    with Engine(context=CONTEXT, cache_ram_mib=0) as cold:
        for prompt in prompts:
            replies.append(reply(cold, prompt))
    with Engine(context=CONTEXT, warehouse=Warehouse(ram="64 MB", folder=folder)) as engine:
        for prompt in prompts:
            reply(engine, prompt)
        assert engine._warm
        shaped = engine._warm._shape()
        assert shaped
    return shaped[0], replies, shaped[1].token_bytes


ASKED: dict[str, Any] = {"n_predict": 6, "temperature": 0, "return_tokens": True, "ignore_eos": True}


def reply(engine: Engine, prompt: list[int]) -> list[int]:
    answer, _ = engine.complete(prompt, **ASKED)
    tokens: list[int] = answer["tokens"]
    return tokens


def damage(folder: Path, count: int, seed: str, token_bytes: int, r: random.Random) -> Counter[str]:
    """Damage so many files, one after the other, and ask for each what it held."""
    seen = Counter[str]()
    files = sorted(folder.rglob("*.kv"))
    for number in range(count):
        file, other = r.sample(files, 2)
        whole = file.read_bytes()
        kind = list(DAMAGES)[number % len(DAMAGES)]
        damaged = DAMAGES[kind](whole, other.read_bytes(), r)
        record = decode(whole, _key(whole))
        file.write_bytes(damaged)
        with Warehouse(ram=0, folder=folder) as warehouse:
            seen[f"{kind}: tried"] += 1
            seen["accepted"] += served(warehouse, seed, record, token_bytes)
        file.write_bytes(whole)
    return seen


def served(warehouse: Warehouse, seed: str, record: KvRecord, token_bytes: int) -> bool:
    """True if the warehouse gives another payload for a block than the one that was stored."""
    block = record.block
    count = len(block.tokens)
    given = warehouse.fetch(FoundBlock(block.key, "disk", block.start, count, count), seed)
    return given is not None and (given != record.payload or len(given) != count * token_bytes)


def engine_over_damage(folder: Path, prompts: list[list[int]], cold: list[list[int]], r: random.Random) -> Counter[str]:
    """Serve over a damaged folder, with an engine that is killed between requests. Each reply must be the cold one, or
    the cold one at the same split: numbers round in another way where the engine computes a prompt in other pieces.
    """
    seen = Counter[str](differ=0)
    for file in r.sample(files := sorted(folder.rglob("*.kv")), len(files) // 2):
        kind = r.choice([_cut, _flipped, _swapped])
        file.write_bytes(kind(file.read_bytes(), r.choice(files).read_bytes(), r))
    warehouse = Warehouse(ram=0, folder=folder)
    with (
        tempfile.TemporaryDirectory() as states,
        Engine(context=CONTEXT, warehouse=warehouse) as engine,
        Engine(context=CONTEXT, cache_ram_mib=0, states=Path(states)) as plain,
    ):
        for at in range(2 * len(prompts)):
            prompt, expected = prompts[at % len(prompts)], cold[at % len(prompts)]
            process = engine.process
            seen["turns"] += 1
            try:
                answer, _ = engine.complete(prompt, **ASKED)
            except ModelError:
                seen["turns lost"] += 1
                continue
            seen["aborts by a state"] += not process.running
            if answer["tokens"] == expected:
                seen["as cold"] += 1
            elif answer["tokens"] == split_reply(plain, prompt, answer["timings"]["cache_n"]):
                seen["as cold at the same split"] += 1
            else:
                seen["differ"] += 1
            if at % 3 == 2:
                os.kill(process.number, signal.SIGKILL)
                process.ended_within(60)
                seen["engine kills"] += 1
    return seen


def split_reply(plain: Engine, prompt: list[int], at: int) -> list[int]:
    """The reply of an engine that computes a prompt up to ``at`` first, and then the rest."""
    plain.erase()
    if at:
        plain.complete(prompt[:at], n_predict=0)
    tokens: list[int] = plain.complete(prompt, **ASKED)[0]["tokens"]
    return tokens


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="not used: all is made here")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--damages", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    given = parser.parse_args()
    r = random.Random(given.seed)
    heading("warehouse_faults", "made here", split="none", seed=given.seed, kills=given.kills, damages=given.damages)
    if not available():
        skip("the local engine is not installed: `agentmem local install`")
    with tempfile.TemporaryDirectory(prefix="agentmem-faults-") as name:
        found: dict[str, dict[str, Any]] = {"writer": dict(kills(Path(name) / "kills", given.kills, r))}
        print(f"  writer: {found['writer']}", flush=True)
        folder = Path(name) / "kv"
        prompts = contexts(r, 6)
        seed, cold, token_bytes = filled(folder, prompts)
        size = sum(file.stat().st_size for file in folder.rglob("*.kv"))
        whole = sum(len(prompt) + 5 for prompt in prompts) * token_bytes
        found["damage"] = dict(damage(folder, given.damages, seed, token_bytes, r))
        print(f"  damage: {found['damage']}", flush=True)
        shutil.copytree(folder, Path(name) / "worn")
        found["engine"] = dict(engine_over_damage(Path(name) / "worn", prompts, cold, r))
        print(f"  engine: {found['engine']}", flush=True)
    return judged(given.json, found, size / whole)


def damages_tried(damage: dict[str, Any]) -> int:
    """The damaged files of all kinds."""
    return sum(count for name, count in damage.items() if name.endswith(": tried"))


def judged(file: Path | None, found: dict[str, dict[str, Any]], disk: float) -> int:
    writer, damage, engine = found["writer"], found["damage"], found["engine"]
    rows = (
        ("acknowledged contexts lost", writer["lost"], 0),
        ("states served after kills that are not the engine's own", writer["wrong"], 0),
        ("replies after kills that differ from cold ones", writer["decoded otherwise"], 0),
        ("damaged blocks accepted", damage.get("accepted", 0), 0),
        ("aborts by a state", engine.get("aborts by a state", 0), 0),
        ("replies that differ", engine.get("differ", 0), 0),
        ("turns lost", engine.get("turns lost", 0), 0),
        ("disk over whole states", round(disk, 3), 0.70),
    )
    missed = 0
    for name, value, most in rows:
        missed += value > most
        print(f"  {name}: {value}, at most {most} {'reached' if value <= most else 'MISSED'}")
    record_figures(found=found, disk_over_whole_states=disk, kills=writer["kills"], damages=damages_tried(damage))
    if file:
        made = {"benchmark": "warehouse_faults", "commit": commit(), "found": found, "disk": disk}
        file.write_text(json.dumps(made, indent=1), encoding="utf-8")
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())

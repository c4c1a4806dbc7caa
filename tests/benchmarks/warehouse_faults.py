"""Kills and damage: no acknowledged block is lost, none is served wrong, and the user's process never ends.

First a writer is killed at random points, again and again, in one folder. What it had acknowledged must be found by the
next process, byte for byte, and nothing that is found may be wrong. Then a real engine fills a warehouse; files of it
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
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from agentmem.errors import ModelError, ModelNotAvailable
from agentmem.kvcache.warehouse.blocks import seed_of
from agentmem.kvcache.warehouse.records import KvRecord, decode, encode
from agentmem.kvcache.warehouse.warehouse import FoundBlock, Warehouse
from agentmem.models.engine import Engine
from tests.benchmarks.data import skip
from tests.benchmarks.heading import ROOT, commit, heading
from tests.kvcache.warehouse.made import known

WRITER = """
import random, sys
from agentmem.kvcache.warehouse.warehouse import Warehouse
from tests.kvcache.warehouse.made import SEED, state
r = random.Random(sys.argv[2])
warehouse = Warehouse(folder=sys.argv[1], ram="1 MB")
while True:
    tokens = [r.randrange(3)] * r.randrange(1, 200) + [r.randrange(100) for _ in range(r.randrange(200))]
    warehouse.put(SEED, tokens, state(tokens))
    warehouse.flush()
    print(*tokens, flush=True)
"""
CONTEXT, SHARED, OWN = 1024, 160, 64


def kills(folder: Path, count: int, r: random.Random) -> Counter[str]:
    """Kill a writer so many times, each after a random number of contexts and a moment more."""
    seen = Counter[str]()
    acknowledged: list[list[int]] = []
    for number in range(count):
        command = [sys.executable, "-c", WRITER, str(folder), str(number)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout
            for _ in range(r.randrange(1, 5)):
                acknowledged.append([int(one) for one in writer.stdout.readline().split()])
            for _ in range(r.randrange(20_000)):
                pass  # somewhere in the middle of the next one
            writer.send_signal(signal.SIGKILL)
        with Warehouse(folder=folder, ram=0) as after:
            for tokens in r.sample(acknowledged, min(len(acknowledged), 8)) + acknowledged[-4:]:
                seen["looked up"] += 1
                try:
                    seen["lost"] += known(after, tokens) < len(tokens)
                except AssertionError:
                    seen["wrong"] += 1
    return seen | Counter(kills=count, acknowledged=len(acknowledged))


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
    with Engine(context=CONTEXT, warehouse=warehouse) as engine, Engine(context=CONTEXT, cache_ram_mib=0) as plain:
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
    with tempfile.TemporaryDirectory(prefix="agentmem-faults-") as name:
        found: dict[str, dict[str, Any]] = {"writer": dict(kills(Path(name) / "kills", given.kills, r))}
        print(f"  writer: {found['writer']}", flush=True)
        folder = Path(name) / "kv"
        try:
            prompts = contexts(r, 6)
            seed, cold, token_bytes = filled(folder, prompts)
        except ModelNotAvailable as error:
            skip(str(error))
        size = sum(file.stat().st_size for file in folder.rglob("*.kv"))
        whole = sum(len(prompt) + 5 for prompt in prompts) * token_bytes
        found["damage"] = dict(damage(folder, given.damages, seed, token_bytes, r))
        print(f"  damage: {found['damage']}", flush=True)
        shutil.copytree(folder, Path(name) / "worn")
        found["engine"] = dict(engine_over_damage(Path(name) / "worn", prompts, cold, r))
        print(f"  engine: {found['engine']}", flush=True)
    return judged(given.json, found, size / whole)


def judged(file: Path | None, found: dict[str, dict[str, Any]], disk: float) -> int:
    writer, damage, engine = found["writer"], found["damage"], found["engine"]
    rows = (
        ("acknowledged blocks lost", writer.get("lost", 0), 0),
        ("wrong blocks served after kills", writer.get("wrong", 0), 0),
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
    if file:
        made = {"benchmark": "warehouse_faults", "commit": commit(), "found": found, "disk": disk}
        file.write_text(json.dumps(made, indent=1), encoding="utf-8")
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())

"""Blocks that are found again after a restart: our warehouse, and stores that others wrote, each by its own interface.

Every store is given as many blocks of 64 tokens, 131,072 bytes each, by one process, which then ends; another process
counts those that it finds, byte for byte. Ours must find all. Peers are tried where they are installed, in
environments of their own; where one is not, that part is left out, and said so:

    python -m tests.benchmarks.warehouse_peers --lmcache PYTHON --mooncake PYTHON

LMCache (Apache-2.0; `pip install lmcache==0.5.6`) is given memory and a folder on the disk; its storage backends for
these are used, without an engine, and are asked only if they have a block. It has others, for stores elsewhere, which
are not tried. Mooncake's store (Apache-2.0; `pip install mooncake-transfer-engine-non-cuda`, with libibverbs) has a
master, which goes on, and a client with 256 MB of memory, which is what ends; its snapshots and its disk are off, as
they are by default. It is also tried as a far tier: a second warehouse, whose folder is empty, must find what the first
one was given, as long as that one's client lives.
"""

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from agentmem.kvcache.warehouse.blocks import BLOCK, seed_of
from agentmem.kvcache.warehouse.warehouse import Warehouse
from tests.benchmarks.heading import ROOT, heading, record_figures
from tests.objects import free_ports

COUNT, SIZE = 200, 131_072
LIMIT = 420
"""The most seconds for one process of a peer."""

OURS = """
import sys
from pathlib import Path
from tests.benchmarks.warehouse_peers import found, stored
folder, phase, count = sys.argv[1:]
print("FOUND", (stored if phase == "store" else found)(Path(folder), int(count)))
"""

LMCACHE = """
import asyncio, os, sys, threading, time
import torch
from lmcache.utils import CacheEngineKey
from lmcache.v1.config import LMCacheEngineConfig
from lmcache.v1.metadata import LMCacheMetadata
from lmcache.v1.storage_backend.local_cpu_backend import LocalCPUBackend
from lmcache.v1.storage_backend.local_disk_backend import LocalDiskBackend
folder, phase, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
config = LMCacheEngineConfig.from_defaults(
    chunk_size=64, local_cpu=True, max_local_cpu_size=0.5, local_disk=folder, max_local_disk_size=2.0
)
about = LMCacheMetadata("peer", 1, 1, 0, 0, torch.float16, (8, 2, 64, 1, 64))
loop = asyncio.new_event_loop()
threading.Thread(target=loop.run_forever, daemon=True).start()
memory = LocalCPUBackend(config, about, "cpu")
disk = LocalDiskBackend(config, loop, memory, "cpu")
keys = [CacheEngineKey("peer", 1, 0, 1000 + at, torch.float16) for at in range(count)]
if phase == "store":
    for at, key in enumerate(keys):
        made = memory.allocate(torch.Size((8, 2, 64, 64)), torch.float16)
        made.tensor.fill_(float(at))
        memory.submit_put_task(key, made)
        disk.submit_put_task(key, made)
        made.ref_count_down()
    until = time.monotonic() + 120
    while any(map(disk.exists_in_put_tasks, keys)) and time.monotonic() < until:
        time.sleep(0.05)
print("FOUND", sum(memory.contains(key) or disk.contains(key) for key in keys), flush=True)
os._exit(0)
"""

MOONCAKE = """
import sys
from mooncake.store import MooncakeDistributedStore
master, phase, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
store = MooncakeDistributedStore()
assert store.setup("localhost", "P2PHANDSHAKE", 256 << 20, 64 << 20, "tcp", "", master) == 0
blocks = [bytes([at]) * 131072 for at in range(count)]
if phase == "store":
    for at, block in enumerate(blocks):
        store.put(f"block-{at}", block)
print("FOUND", sum(store.get(f"block-{at}") == block for at, block in enumerate(blocks)), flush=True)
store.close()
"""

SERVING = """
import sys
from mooncake.store import MooncakeDistributedStore
store = MooncakeDistributedStore()
assert store.setup("localhost", "P2PHANDSHAKE", 256 << 20, 64 << 20, "tcp", "", sys.argv[1]) == 0
out = sys.stdout.buffer
for line in sys.stdin.buffer:
    verb, name, size = line.split()
    if verb == b"put":
        store.put(name.decode(), sys.stdin.buffer.read(int(size)))
        data = b""
    else:
        data = store.get(name.decode())
    out.write(b"%d\\n" % len(data) + data)
    out.flush()
"""


class PipedStore:
    """A far tier whose store lives in another Python, for it is not installed in this one."""

    def __init__(self, python: str, master: str) -> None:
        command = [python, "-c", SERVING, master]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )

    def get(self, name: str) -> bytes | None:
        return self._asked(f"get {name} 0\n".encode()) or None

    def put(self, name: str, data: bytes) -> None:
        self._asked(f"put {name} {len(data)}\n".encode() + data)

    def close(self) -> None:
        """End the client, and all that it held."""
        self._process.kill()
        self._process.communicate()

    def _asked(self, words: bytes) -> bytes:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(words)
        self._process.stdin.flush()
        return self._process.stdout.read(int(self._process.stdout.readline()))


class Lent:
    """A store that stays open when a warehouse is closed."""

    def __init__(self, store: PipedStore) -> None:
        self.get, self.put = store.get, store.put


SEED = seed_of("peers")


def tokens(at: int) -> list[int]:
    return [at] * BLOCK


def state(at: int, start: int, end: int) -> bytes:
    return bytes([at]) * (SIZE // BLOCK * (end - start))


def stored(folder: Path, count: int, far: Any = None) -> int:
    """Put so many blocks into a warehouse."""
    with Warehouse(folder=folder, ram="64 MB", far=far) as warehouse:
        for at in range(count):
            warehouse.put(SEED, tokens(at), partial(state, at))
    return count


def found(folder: Path, count: int, far: Any = None) -> int:
    """How many of them a warehouse gives back, byte for byte."""
    right = 0
    with Warehouse(folder=folder, ram=0, far=far) as warehouse:
        for at in range(count):
            blocks = warehouse.find(SEED, tokens(at))
            payload = warehouse.fetch(blocks[0], SEED) if blocks else None
            right += payload == state(at, 0, BLOCK)
    return right


def asked(python: str, code: str, place: str, phase: str, count: int) -> int | None:
    """What a process of a store says that it found; None if it did not get so far."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)} if python == sys.executable else None
    try:
        ran = subprocess.run(
            [python, "-c", code, place, phase, str(count)],
            capture_output=True,
            text=True,
            timeout=LIMIT,
            env=environment,
        )
    except subprocess.TimeoutExpired:
        return None
    return next((int(line.split()[1]) for line in ran.stdout.splitlines() if line.startswith("FOUND")), None)


@contextmanager
def mooncake_master(python: str) -> Iterator[str]:
    """A master of Mooncake's store on the loopback: its address."""
    where = [
        python,
        "-c",
        "import mooncake, pathlib; print(pathlib.Path(mooncake.__file__).parent / 'mooncake_master')",
    ]
    program = subprocess.run(where, capture_output=True, text=True, check=True).stdout.strip()
    rpc, metrics = free_ports(2)
    command = [program, f"-rpc_port={rpc}", f"-metrics_port={metrics}", "-rpc_address=127.0.0.1"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            wait_for(rpc)
            yield f"127.0.0.1:{rpc}"
        finally:
            process.send_signal(signal.SIGKILL)


def wait_for(port: int) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)


def restarted(name: str, python: str, code: str, place: str, count: int) -> dict[str, int | None]:
    """Store in one process, and find in another."""
    made = {phase: asked(python, code, place, phase, count) for phase in ("store", "find")}
    print(f"  {name}: {made['store']} of {count} blocks stored, {made['find']} found after a restart", flush=True)
    return made


def far_tier(python: str, folder: Path, count: int) -> int:
    """Mooncake's store behind two warehouses: what the second one finds of the first one's blocks."""
    with mooncake_master(python) as master:
        store = PipedStore(python, master)
        try:
            stored(folder / "one", count, Lent(store))
            return found(folder / "two", count, Lent(store))
        finally:
            store.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="not used: the blocks are made")
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--lmcache", help="the Python of an environment with LMCache")
    parser.add_argument("--mooncake", help="the Python of an environment with Mooncake's store")
    given = parser.parse_args()
    heading("warehouse_peers", "made here", split="none", seed="none", blocks=given.count, bytes=SIZE)
    figures: dict[str, Any] = {}
    few = min(40, given.count)
    with tempfile.TemporaryDirectory(prefix="agentmem-peers-") as name:
        folder = Path(name)
        ours = restarted("warehouse", sys.executable, OURS, str(folder / "kv"), given.count)
        figures["ours"] = ours["find"]
        if given.lmcache:
            (folder / "lmcache").mkdir()
            figures["lmcache"] = restarted("LMCache", given.lmcache, LMCACHE, f"{folder / 'lmcache'}/", given.count)
        if given.mooncake:
            with mooncake_master(given.mooncake) as master:
                figures["mooncake"] = restarted("Mooncake's store", given.mooncake, MOONCAKE, master, given.count)
            figures["far"] = far_tier(given.mooncake, folder, few)
            print(f"  Mooncake's store as a far tier: {figures['far']} of {few} blocks found by a second warehouse")
    left_out = [peer for peer in ("lmcache", "mooncake") if not getattr(given, peer)]
    print(f"  left out: {', '.join(left_out) or 'nothing'}")
    ok = ours["find"] == given.count and figures.get("far", few) == few
    record_figures(count=given.count, **figures)
    print(json.dumps(figures))
    print(f"  ours finds all: {'reached' if ok else 'MISSED'}")
    return int(not ok)


if __name__ == "__main__":
    sys.exit(main())

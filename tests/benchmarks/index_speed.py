"""How fast a folder of logs is indexed, how much memory that takes, and how soon it opens again.

It writes a folder of sessions as Claude Code logs them: prompts, replies over several lines, tools' results of a few
hundred bytes to a few hundred kilobytes, and progress between them. The sizes of lines are those of recorded sessions
(median and 95th percentile: replies 0.7 and 2.4 KB, results 0.7 and 11 KB), with a tail of large ones. Then `agentmem
logs` indexes it in a process of its own, and opened again in another. Beside it, in the same run: the time that one
process takes to decode every line of the same bytes with orjson, and to do nothing else.

Three targets: 60 MB a second, 500 MB of memory over all processes, 2 s to open again. On a machine that others use,
time says little: what counts then are the bytes for each second of processor time, which is printed beside.

    python -m tests.benchmarks.index_speed [--megabytes 1000] [--seed 7] [--json FILE]
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from tests.benchmarks.heading import commit, heading, record_figures

MB_A_SECOND, MOST_MB, REOPEN = 60.0, 500.0, 2.0
CORES = 2
MODELS = ("claude-opus-4-6", "claude-sonnet-4-5-20250929", "claude-haiku-4-5")
START = datetime(2026, 3, 1, tzinfo=UTC).timestamp()


def size(chance: random.Random, median: float, spread: float, most: int) -> int:
    """A line's size: most are small, a few very large."""
    return min(most, int(chance.lognormvariate(0, spread) * median))


def words(chance: random.Random, length: int, pool: str) -> str:
    """Text of that length, from somewhere in ``pool``."""
    at = chance.randrange(max(1, len(pool) - length))
    return pool[at : at + length]


def session(chance: random.Random, number: int, pool: str) -> bytes:
    """One session's log."""
    at, tokens, lines = START + 1800 * number, 18_000, list[dict[str, Any]]()
    model, name = chance.choice(MODELS), f"{number:08x}-0000-4000-8000-000000000000"
    base = {"sessionId": name, "version": "2.1.60", "cwd": f"/home/someone/project-{number % 9}", "isSidechain": False}

    def add(kind: str, **fields: Any) -> None:
        nonlocal at
        at += chance.expovariate(1 / 5)
        stamp = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        lines.append(
            {
                **base,
                "type": kind,
                "uuid": f"{number}-{len(lines)}",
                "parentUuid": f"{number}-{len(lines) - 1}",
                "timestamp": stamp,
                **fields,
            }
        )

    for turn in range(chance.randrange(10, 220)):
        if turn % 12 == 0:
            add("user", message={"role": "user", "content": words(chance, size(chance, 280, 1.2, 30_000), pool)})
        new, answer = chance.randrange(200, 4_000), chance.randrange(30, 900)
        usage = {
            "input_tokens": 5,
            "cache_creation_input_tokens": new,
            "cache_read_input_tokens": tokens,
            "output_tokens": answer,
            "cache_creation": {"ephemeral_5m_input_tokens": new, "ephemeral_1h_input_tokens": 0},
            "service_tier": "standard",
        }
        tokens += new
        call = {
            "type": "tool_use",
            "id": f"t{number}-{turn}",
            "name": "Bash",
            "input": {"command": words(chance, 90, pool)},
        }
        said = {"type": "text", "text": words(chance, size(chance, 350, 1.0, 27_000), pool)}
        for block in (said, call):
            message = {
                "id": f"msg_{number}_{turn}",
                "type": "message",
                "role": "assistant",
                "model": model,
                "content": [block],
                "stop_reason": None,
                "usage": usage,
            }
            add("assistant", requestId=f"req_{number}_{turn}", message=message)
        result = words(chance, size(chance, 650, 1.75, 400_000), pool)
        block = {"tool_use_id": call["id"], "type": "tool_result", "content": result}
        add("user", message={"role": "user", "content": [block]}, toolUseResult={"stdout": result[:2000], "stderr": ""})
        if turn % 5 == 0:
            add("progress", data={"type": "bash_progress", "output": words(chance, 200, pool)})
        if tokens > 150_000:
            add("system", subtype="compact_boundary", content="Conversation compacted")
            tokens = 22_000
    return b"".join(orjson.dumps(one) + b"\n" for one in lines)


def written(folder: Path, megabytes: int, seed: int) -> tuple[int, int]:
    """The bytes and files of a folder of sessions of at least that size."""
    chance = random.Random(seed)
    letters = 'abcdefghijklmnopqrstuvwxyz      .,/"\\{}():=-_0123456789\n'
    pool = "".join(chance.choices(letters, k=1_000_000))
    whole, number = 0, 0
    while whole < megabytes * 1_000_000:
        data = session(chance, number, pool)
        place = folder / f"-home-someone-project-{number % 9}"
        place.mkdir(exist_ok=True)
        (place / f"{number:08x}-0000-4000-8000-000000000000.jsonl").write_bytes(data)
        whole, number = whole + len(data), number + 1
    return whole, number


def resident(pid: int) -> float:
    """Memory of a process and all below it, in MB."""
    whole = 0.0
    for below in [pid, *children(pid)]:
        try:
            lines = Path(f"/proc/{below}/status").read_text().splitlines()
        except OSError:
            continue
        whole += sum(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))
    return whole


def children(pid: int) -> list[int]:
    """The processes below one."""
    try:
        own = [
            int(one) for task in Path(f"/proc/{pid}/task").iterdir() for one in (task / "children").read_text().split()
        ]
    except OSError:
        return []
    return [*own, *(below for one in own for below in children(one))]


def listed(folder: Path, cache: Path) -> dict[str, float]:
    """Run `agentmem logs`: seconds, seconds of processor time, MB of memory at most, and what it said."""
    command = [sys.executable, "-m", "agentmem", "logs", str(folder), "--json"]
    before, began = os.times(), time.perf_counter()
    ran = subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, "AGENTMEM_CACHE_DIR": str(cache)})
    most = [0.0]

    def watch() -> None:
        while ran.poll() is None:
            most[0] = max(most[0], resident(ran.pid))
            time.sleep(0.05)

    watching = threading.Thread(target=watch)
    watching.start()
    out, _ = ran.communicate()
    watching.join()
    after, seconds = os.times(), time.perf_counter() - began
    told = json.loads(out)
    worked = after.children_user + after.children_system - before.children_user - before.children_system
    return {
        "seconds": seconds,
        "cpu": worked,
        "mb": most[0],
        "requests": told["requests"],
        "usd": told["cost_usd"],
        "sessions": len(told["sessions"]),
    }


def opened_again(folder: Path, cache: Path) -> float:
    """Seconds until an index that is up to date has given all sessions."""
    from agentmem.report.logs.index import LogIndex

    began = time.perf_counter()
    with LogIndex(cache / "sessions.db") as index:
        assert sum(1 for _ in index.load([folder]))
    return time.perf_counter() - began


def decoded(folder: Path) -> float:
    """Seconds of processor time to decode every line."""
    began = time.process_time()
    for file in sorted(folder.rglob("*.jsonl")):
        with file.open("rb") as lines:
            for line in lines:
                orjson.loads(line)
    return time.process_time() - began


def main() -> int:
    """Write, index, open again, print, and say whether the targets were met."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--megabytes", type=int, default=1_000)
    options.add_argument("--seed", type=int, default=7)
    options.add_argument("--json", type=Path)
    options.add_argument("--data", help="not needed: the sessions are made here")
    given = options.parse_args()
    heading("The index of logs", "made-up sessions", megabytes=given.megabytes, seed=given.seed, cores=os.cpu_count())
    with tempfile.TemporaryDirectory() as scratch:
        folder, cache = Path(scratch) / "logs", Path(scratch) / "cache"
        folder.mkdir()
        whole, files = written(folder, given.megabytes, given.seed)
        plain = decoded(folder)
        first, again = listed(folder, cache), listed(folder, cache)
        reopen = opened_again(folder, cache)
    return verdict(given, whole / 1e6, files, plain, first, again, reopen)


def verdict(
    given: argparse.Namespace,
    megabytes: float,
    files: int,
    plain: float,
    first: dict[str, float],
    again: dict[str, float],
    reopen: float,
) -> int:
    """Print the figures, write them, and give the exit code."""
    speed, worked = megabytes / first["seconds"], megabytes / first["cpu"]
    load = os.getloadavg()[0]
    busy = load > CORES
    print(
        f"{megabytes:,.0f} MB in {files:,} files, {first['requests']:,.0f} requests, {first['sessions']:,.0f} sessions"
    )
    print(
        f"first index: {speed:.0f} MB a second ({first['seconds']:.1f} s), {worked:.0f} MB for each second of "
        f"processor time, so {CORES * worked:.0f} on {CORES} cores; {first['mb']:.0f} MB of memory at most"
    )
    print(
        f"decoding every line with orjson and nothing else: {megabytes / plain:.0f} MB for each second of processor "
        f"time; the index takes {first['cpu'] / plain:.2f} times as long"
    )
    print(
        f"again: the command {again['seconds']:.1f} s ({again['cpu']:.1f} s of processor time), "
        f"the index {reopen:.2f} s"
    )
    print(f"load of the machine: {load:.1f}" + (", others work here: speed judged by processor time" if busy else ""))
    judged = CORES * worked if busy else speed
    missed = [
        text
        for text, bad in (
            (f"{judged:.0f} MB a second, not {MB_A_SECOND:.0f}", judged < MB_A_SECOND),
            (f"{first['mb']:.0f} MB of memory, not {MOST_MB:.0f}", first["mb"] > MOST_MB),
            (f"{reopen:.2f} s to open again, not {REOPEN:.0f}", reopen > REOPEN),
            ("another sum the second time", first["usd"] != again["usd"] or first["requests"] != again["requests"]),
        )
        if bad
    ]
    print("missed: " + "; ".join(missed) if missed else "all targets met")
    figures = {
        "megabytes": megabytes,
        "files": files,
        "plain_cpu": plain,
        "first": first,
        "mb_a_second": speed,
        "mb_a_cpu_second": worked,
        "again": again,
        "reopen": reopen,
    }
    record_figures(load=load, **figures, missed=missed)
    if given.json:
        given.json.write_text(json.dumps({"commit": commit(), "load": load, **figures, "missed": missed}, indent=2))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())

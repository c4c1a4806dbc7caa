"""What the meter of `agentmem watch` and `proxy` adds: to the first byte, under load, and to its own memory.

A provider on loopback answers every request at once with a stream of events. The same requests go to it directly,
through the meter, and through a bare forwarder of starlette and httpx that records nothing; each is a process of its
own. First one after the other, for the time to the first byte; then 200 at once, for errors, memory and what the log
is missing. With --headroom also through headroom's proxy, as it ships and with its optimizer off: it does other work,
and its figures are printed beside, without a judgement.

    python -m tests.benchmarks.proxy_latency [--requests 10000] [--at-once 200] [--headroom PATH [--beside 1000]]
        [--json FILE]
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from tests.benchmarks.heading import commit, heading, record_figures

P50_MS, P99_MS = 3.0, 15.0
GROWTH_MB = 40.0
"""What the meter's memory may grow by under load, beyond what it had after the first hundredth of the requests."""
SIZES = (2_000, 300_000)
ONE_BY_ONE, WARM = 600, 50
PATIENCE = 120.0
"""Seconds without a byte after which a request counts as failed."""
_EVENTS: list[dict[str, Any]] = [
    {
        "type": "message_start",
        "message": {
            "id": "m",
            "type": "message",
            "role": "assistant",
            "model": "claude-opus-5",
            "content": [],
            "usage": {"input_tokens": 9, "cache_read_input_tokens": 400, "output_tokens": 1},
        },
    },
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    *[
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": f"word {at} "}}
        for at in range(30)
    ],
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 60}},
    {"type": "message_stop"},
]
HEADROOMS: dict[str, list[str]] = {"headroom": [], "headroom-plain": ["--no-optimize", "--no-cache"]}
"""Headroom's proxy as it ships, and with its optimizer and cache off."""
BESIDE = 200
"""Requests one by one to what is only printed beside."""
STREAM = b"".join(b"event: %s\ndata: %s\n\n" % (one["type"].encode(), json.dumps(one).encode()) for one in _EVENTS)
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: %d\r\n\r\n" % len(STREAM) + STREAM

BARE = """
import sys, httpx, uvicorn
from starlette.applications import Starlette
from starlette.responses import StreamingResponse
from starlette.routing import Route
client = httpx.AsyncClient(timeout=None, limits=httpx.Limits(max_connections=None, max_keepalive_connections=200))
async def forward(request):
    body = await request.body()
    headers = [(k, v) for k, v in request.headers.raw if k != b"host"]
    sent = client.build_request(request.method, sys.argv[2] + request.url.path, headers=headers, content=body)
    got = await client.send(sent, stream=True)
    return StreamingResponse(got.aiter_raw(), got.status_code, dict(got.headers), background=None)
app = Starlette(routes=[Route("/{path:path}", forward, methods=["GET", "POST"])])
uvicorn.run(app, port=int(sys.argv[1]), log_level="critical", access_log=False)
"""


def request(size: int, number: int = 0) -> bytes:
    """A request of about ``size`` bytes."""
    said = {"role": "user", "content": f"{number} " + "x" * size}
    body = json.dumps({"model": "claude-opus-5", "max_tokens": 50, "stream": True, "messages": [said]}).encode()
    head = b"POST /v1/messages HTTP/1.1\r\nhost: h\r\nx-api-key: none\r\ncontent-length: %d\r\n\r\n"
    return head % len(body) + body


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            await reader.readexactly(length)
            writer.write(ANSWER)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


def provide(port: int) -> None:
    """Serve as the provider, until the process ends."""

    async def serve() -> None:
        server = await asyncio.start_server(_answer, "127.0.0.1", port, backlog=1024, limit=1 << 20)
        await server.serve_forever()

    asyncio.run(serve())


def free() -> int:
    """A port that nobody uses."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


@contextmanager
def running(command: list[str], port: int, home: Path | None = None) -> Iterator[int]:
    """A server as a process, from when it listens; gives its process id. ``home`` is a home folder of its own."""
    own = {**os.environ, **({"HOME": str(home)} if home else {})}
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=own)
    try:
        until = time.monotonic() + 180
        while time.monotonic() < until:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.05)
        yield child.pid
    finally:
        child.send_signal(2)
        try:
            child.wait(60)
        except subprocess.TimeoutExpired:
            child.kill()


def first_bytes(port: int, size: int, requests: int = ONE_BY_ONE) -> list[float]:
    """Milliseconds to the first byte of each of so many requests, on one connection."""
    sent, took = request(size), []
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as one:
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for number in range(requests + WARM):
            began = time.perf_counter()
            one.sendall(sent)
            data = one.recv(65536)
            if number >= WARM:
                took.append(1000 * (time.perf_counter() - began))
            while not _whole(data):
                piece = one.recv(65536)
                if not piece:
                    raise ConnectionResetError(f"port {port} closed the connection: {data[:200]!r}")
                data += piece
            if not _answered(data):
                raise ValueError(f"port {port} answered otherwise: {data[:400]!r}")
    return took


def _whole(data: bytes) -> bool:
    """Whether a response is all there, whatever it says: by the length that it names, or its last chunk."""
    head, found, body = data.partition(b"\r\n\r\n")
    if not found:
        return False
    length = re.search(rb"(?im)^content-length: *(\d+)", head)
    return len(body) >= int(length[1]) if length else body.endswith(b"0\r\n\r\n")


def _answered(data: bytes) -> bool:
    return b" 200 " in data[:20] and b"message_stop" in data


async def load(port: int, requests: int, at_once: int, pid: int) -> tuple[int, float, float, float]:
    """Errors, seconds, and the process's memory in MB after a hundredth of ``requests`` and at the end."""
    left, failed, begun = iter(range(requests)), 0, 0.0
    memory = 0.0

    async def client() -> None:
        nonlocal failed, memory
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
        for number in left:
            if number == requests // 100:
                memory = resident(pid)
            try:
                writer.write(request(20_000, number))
                await writer.drain()
                data = b""
                while not _whole(data):
                    piece = await asyncio.wait_for(reader.read(65536), PATIENCE)
                    if not piece:
                        raise ConnectionResetError
                    data += piece
                failed += not _answered(data)
            except (ConnectionError, TimeoutError):
                failed += 1
                reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
        writer.close()

    begun = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(at_once)))
    return failed, time.perf_counter() - begun, memory, resident(pid)


def worked(pid: int) -> float:
    """Seconds of processor time that a process has used: what a busy machine does not change."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident(pid: int) -> float:
    """A process's memory, in MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1024


def main() -> int:
    """Measure, print, and say whether the targets were met."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--requests", type=int, default=10_000)
    options.add_argument("--at-once", type=int, default=200)
    found_ = shutil.which("headroom")
    options.add_argument(
        "--headroom",
        type=Path,
        default=found_,
        help="the program (package headroom-ai); by default the one on the PATH",
    )
    options.add_argument("--beside", type=int, default=1_000, help="requests at once to headroom's proxy, at most")
    options.add_argument("--json", type=Path)
    options.add_argument("--data", help="ignored: made-up requests")
    given = options.parse_args()
    heading("The meter's latency", "made-up requests", sizes=SIZES, requests=given.requests, at_once=given.at_once)
    found: dict[str, Any] = {"commit": commit()}
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log.jsonl"
        measured(found, given, log)
        found["log_lines"] = sum(1 for _ in log.open("rb")) if log.exists() else 0
    return verdict(found, given)


def measured(found: dict[str, Any], given: argparse.Namespace, log: Path) -> None:
    """Start the three servers, measure, and end them, so that the log is whole."""
    with ExitStack() as stack:
        provider, meter, bare = free(), free(), free()
        process = multiprocessing.Process(target=provide, args=(provider,), daemon=True)
        process.start()
        stack.callback(process.kill)
        upstream = f"http://127.0.0.1:{provider}"
        own = [
            sys.executable,
            "-m",
            "agentmem",
            "proxy",
            "--port",
            str(meter),
            "--upstream",
            upstream,
            "--log",
            str(log),
        ]
        pid = stack.enter_context(running(own, meter))
        other = stack.enter_context(running([sys.executable, "-c", BARE, str(bare), upstream], bare))
        servers = [("bare", bare, other), ("meter", meter, pid)]
        servers += [
            (name, port, stack.enter_context(running(command, port, log.parent)))
            for name, port, command in headrooms(given.headroom, upstream)
        ]
        latency(found, {"direct": provider, **{name: port for name, port, _ in servers}})
        for name, port, owner in servers:
            before = worked(owner)
            requests = min(given.requests, given.beside) if name in HEADROOMS else given.requests
            failed, seconds, early, late = asyncio.run(load(port, requests, given.at_once, owner))
            each = 1000 * (worked(owner) - before) / requests
            found[f"{name}_load"] = {
                "requests": requests,
                "a_second": requests / seconds,
                "cpu_ms_a_request": each,
                "failed": failed,
                "seconds": seconds,
                "early_mb": early,
                "late_mb": late,
            }
            print(
                f"{name}: {requests:,} requests, {given.at_once} at once: {failed} failed, "
                f"{requests / seconds:,.0f} a second, "
                f"{each:.1f} ms of processor time each, memory {early:.0f} MB then {late:.0f} MB"
            )


def headrooms(program: Path | None, upstream: str) -> list[tuple[str, int, list[str]]]:
    """Headroom's proxy as it ships, and with its optimizer and cache off."""
    made = []
    for name, options in HEADROOMS.items() if program else ():
        port = free()
        command = [str(program), "proxy", "--port", str(port), "--anthropic-api-url", upstream, "--no-rate-limit"]
        made.append((name, port, [*command, *options]))
    return made


def latency(found: dict[str, Any], ports: dict[str, int]) -> None:
    """Time to the first byte, one request after the other, and what each adds to a direct one."""
    for size in SIZES:
        direct = 0.0, 0.0
        for name, port in ports.items():
            took = first_bytes(port, size, BESIDE if name in HEADROOMS else ONE_BY_ONE)
            p50, p99 = median(took), quantiles(took, n=100)[98]
            direct = (p50, p99) if name == "direct" else direct
            found[f"{name}_{size}"] = {
                "p50_ms": p50,
                "p99_ms": p99,
                "added_p50_ms": p50 - direct[0],
                "added_p99_ms": p99 - direct[0],
            }
            print(
                f"{name}, {size:,} bytes: first byte p50 {p50:.2f} ms, p99 {p99:.2f} ms; "
                f"added {p50 - direct[0]:.2f} and {p99 - direct[0]:.2f} ms"
            )


def verdict(found: dict[str, Any], given: argparse.Namespace) -> int:
    """Print what was missed, write the figures, and give the exit code."""
    whole = len(SIZES) * (ONE_BY_ONE + WARM) + given.requests
    missed = [
        f"{size:,} bytes: {part}"
        for size in SIZES
        for part, limit in (("added_p50_ms", P50_MS), ("added_p99_ms", P99_MS))
        if found[f"meter_{size}"][part] > limit
    ]
    under = found["meter_load"]
    missed += ["requests failed"] if under["failed"] else []
    missed += ["memory grew"] if under["late_mb"] - under["early_mb"] > GROWTH_MB else []
    missed += [f"the log has {found['log_lines']:,} of {whole:,} lines"] if found["log_lines"] < whole else []
    load = os.getloadavg()[0]
    print(
        f"load of the machine: {load:.1f}" + (", others work here: times are longer than its own" if load > 2 else "")
    )
    print("missed: " + "; ".join(missed) if missed else "all targets met")
    record_figures(**found, load=load, missed=missed)
    if given.json:
        given.json.write_text(json.dumps({**found, "missed": missed}, indent=2))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())

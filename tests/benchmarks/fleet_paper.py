"""On paper: what 100,000 agents a day at 100:1 take of Postgres, an object store and workers, and the first limit.

Runs of a realistic size are made here, and what each left in every table is measured, with its commits, its log and its
CPU. The rest is arithmetic from there. Prices are assumptions at the top, to be replaced by one's own.
"""

import argparse
import resource
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg

from agentmem.fleet.board import FleetLimits, Permit, open_board, opened
from agentmem.fleet.counts import counted
from agentmem.fleet.fleet import Fleet
from agentmem.fleet.tasks import FleetTask, keyed
from agentmem.kvcache.tiers.hardware import EngineSpec
from agentmem.meter import prices
from agentmem.types import Usage
from tests.benchmarks.fleet_agents import MODEL
from tests.benchmarks.heading import heading, record_figures
from tests.postgres import new_database, postgres_server

AGENTS = 100_000
RATIO, OUTPUT = 100, 300
"""Input over output tokens, and output tokens of a reply."""
REPLY_SECONDS, PEAK = 5.0, 3.0
"""Seconds of a model's reply, and the busiest hour over the day's mean."""
POSTGRES_HOUR, POSTGRES_GB_MONTH = 0.48, 0.115
OBJECT_GB_MONTH, OBJECT_PUTS = 0.023, 0.005 / 1000
"""Dollars: 4 vCPUs with 32 GB, its storage, S3's standard class and a PUT (list prices, to be replaced)."""
WORKER_MB, RESULT = 290, 10_000
"""Memory of a worker on Ray as measured by `tests.benchmarks.fleet`, and the bytes of a tool's result."""
PLANS = (
    ("append", "SELECT id, name, head, tip, parent, parent_seq FROM threads WHERE name = 'bench.order-1' FOR UPDATE"),
    (
        "read",
        "SELECT seq, parent, kind, bytes, sha256 FROM entries WHERE thread = 1 AND seq > 3 ORDER BY seq LIMIT 128",
    ),
    ("lease", "UPDATE leases SET expires = 0 WHERE thread = 'bench.order-1' AND owner = 'x'"),
    ("settle", "UPDATE fleet_runs SET usd = usd + 1 WHERE fleet = 'bench' AND key = 'order-1'"),
)


def grown(given: argparse.Namespace, database: str, folder: Path) -> dict[str, Any]:
    """What a run leaves: bytes in each table, commits, bytes of log, seconds of CPU of the worker."""
    common = {"replies": given.replies, "seconds": 0.0, "folder": str(folder), "result": RESULT}
    work = keyed(FleetTask(f"Check {at}.", f"order-{at}", more=common) for at in range(given.runs + 4))
    place = "tests.benchmarks.fleet_agents:make_agent"
    with Fleet(place, database, name="bench", folder=folder / "runs", together=4) as fleet:
        fleet.map(work[:4])  # tables, imports and catalogues are there before it is measured
        before, cpu = sizes(database), resource.getrusage(resource.RUSAGE_SELF)
        fleet.map(work)
    after, used = sizes(database), resource.getrusage(resource.RUSAGE_SELF)
    tables = {name: (after[name] - before.get(name, 0)) / given.runs for name in after}
    seconds = (used.ru_utime + used.ru_stime - cpu.ru_utime - cpu.ru_stime) / given.runs
    return {"tables": {name: size for name, size in sorted(tables.items()) if size > 0}, "cpu_seconds": seconds}


def sizes(database: str) -> dict[str, float]:
    """Bytes of each table with its indices, the commits, and the bytes of the log."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("SELECT pg_stat_force_next_flush()")
        found = connection.execute(
            "SELECT tablename, pg_total_relation_size(quote_ident(schemaname) || '.' || quote_ident(tablename))"
            " FROM pg_tables WHERE schemaname = current_schema()"
        ).fetchall()
        others = connection.execute(
            "SELECT xact_commit, pg_current_wal_lsn() - '0/0' FROM pg_stat_database WHERE datname = current_database()"
        ).fetchone()
    assert others is not None
    return {name: float(size) for name, size in found} | {"commits": float(others[0]), "log": float(others[1])}


def plans(database: str) -> dict[str, str]:
    """The plan of each statement that a turn makes: the first line."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("SET enable_seqscan = off")  # the tables are small here
        made = {name: connection.execute(f"EXPLAIN {sql}".encode()).fetchall() for name, sql in PLANS}
    scans = {name: [row[0].strip(" ->") for row in rows if "Scan" in row[0]] for name, rows in made.items()}
    return {name: "; ".join(lines) for name, lines in scans.items()}


def rate(database: str, seconds: float) -> float:
    """Requests a second that one fleet's row of limits permits and settles, asked by eight threads."""
    counts, passed = counted(0.005, Usage("simulated", 1, 1, 0, 0, 1)), [0] * 8
    with opened(database, "limits") as board:
        board.submit(keyed(f"task {at}" for at in range(8)), FleetLimits(max_usd=1e9))
        keys = [key for key, _ in board.open()]
    end = time.monotonic() + seconds

    def work(at: int) -> None:
        own = open_board(database, "limits")
        while time.monotonic() < end:
            assert own.reserve(keys[at], 0.01, 1) == Permit()
            own.settle(keys[at], 0.01, counts)
            passed[at] += 1
        own.storage.close()

    threads = [threading.Thread(target=work, args=(at,)) for at in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return sum(passed) / seconds


def commits(database: str, seconds: float) -> float:
    """Commits of one small row a second, by eight connections."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("CREATE TABLE paper (a BIGINT, b BYTEA)")
    end = time.monotonic() + seconds

    def work(at: int) -> int:
        done = 0
        with psycopg.connect(database, autocommit=True) as connection:
            while time.monotonic() < end:
                connection.execute("INSERT INTO paper VALUES (%s, %s)", (done, b"x" * 200))
                done += 1
        return done

    with ThreadPoolExecutor(8) as pool:
        return sum(pool.map(work, range(8))) / seconds


def paper(given: argparse.Namespace, run: dict[str, Any], permitted: float, committed: float) -> dict[str, Any]:
    """A day of agents, from what one run left."""
    a_second = AGENTS / 86_400
    tables = {name: size for name, size in run["tables"].items() if name not in ("commits", "log")}
    kept = sum(tables.values())
    seconds = given.replies * REPLY_SECONDS
    live = a_second * seconds * PEAK
    tokens_in = AGENTS * given.replies * OUTPUT * RATIO
    found = prices.rates("anthropic", MODEL)
    assert found is not None
    read, fresh = tokens_in * given.hit_rate, tokens_in * (1 - given.hit_rate)
    usd = read * found.cache_read + fresh * found.cache_write_5m + AGENTS * given.replies * OUTPUT * found.output
    engine = EngineSpec.named("H100", "llama-3.3-70b", None)
    context = 2 * OUTPUT * RATIO  # the last request of a run that grows evenly
    engines = live * context / engine.kv_tokens
    cores = a_second * PEAK * run["cpu_seconds"]
    month = 30 * AGENTS * kept / 1e9
    demand = {
        "commits a second at the peak": (a_second * PEAK * run["tables"].get("commits", 0.0), committed),
        "requests a second through one fleet's limits": (a_second * PEAK * given.replies, permitted),
    }
    return {
        "runs_at_once": live,
        "workers": live / 16,
        "worker_memory_gb": live / 16 * WORKER_MB / 1000,
        "cores_for_workers": cores,
        "journal_gb_a_day": AGENTS * kept / 1e9,
        "log_gb_a_day": AGENTS * run["tables"].get("log", 0.0) / 1e9,
        "journal_gb_after_30_days": month,
        "object_gb_a_day": AGENTS * given.replies * RESULT / 1e9,
        "usd_postgres_month": POSTGRES_HOUR * 730 + month * POSTGRES_GB_MONTH,
        "usd_objects_month": 30 * AGENTS * given.replies * RESULT / 1e9 * OBJECT_GB_MONTH
        + 30 * AGENTS * 2 * OBJECT_PUTS,
        "input_tokens_a_minute_at_the_peak": tokens_in / 1440 * PEAK,
        "uncached_tokens_a_minute_at_the_peak": fresh / 1440 * PEAK,
        "usd_models_a_day": usd,
        "engines_of_own_for_kv": engines,
        "demand": {
            name: {"needed": needed, "here": here, "share": needed / here} for name, (needed, here) in demand.items()
        },
    }


def shown(tables: dict[str, float], demand: dict[str, dict[str, float]]) -> dict[str, float]:
    """What a run leaves, in kilobytes, and what all of them need at the peak."""
    own = {name: size for name, size in tables.items() if name not in ("commits", "log")}
    names = {"commits": "commits a second at the peak", "requests": "requests a second through one fleet's limits"}
    return {
        "kilobytes": sum(own.values()) / 1000,
        "entries": own["entries"] / 1000,
        "checkpoints": sum(size for name, size in own.items() if name.startswith("checkpoint_")) / 1000
        + own.get("checkpoints", 0.0) / 1000,
        "commits": tables["commits"],
        "log": tables["log"] / 1000,
        **{f"{name}_at_the_peak": demand[what]["needed"] for name, what in names.items()},
        **{f"{name}_here": demand[what]["here"] for name, what in names.items()},
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="not needed: the runs are made here")
    parser.add_argument("--runs", type=int, default=40)
    parser.add_argument("--replies", type=int, default=20)
    parser.add_argument("--hit-rate", type=float, default=0.97)
    parser.add_argument("--seconds", type=float, default=5.0)
    given = parser.parse_args()
    heading("fleet on paper", "made here", agents_a_day=AGENTS, ratio=f"{RATIO}:1", hit_rate=given.hit_rate)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="agentmem-paper-")))
        server = stack.enter_context(postgres_server())
        database = new_database(server)
        run = grown(given, database, folder)
        planned = plans(database)
        made = paper(given, run, rate(database, given.seconds), commits(database, given.seconds))
    print("  a run leaves, bytes by table: " + ", ".join(f"{name} {size:,.0f}" for name, size in run["tables"].items()))
    print(f"  and takes {run['cpu_seconds']:.2f} s of CPU")
    for name, line in planned.items():
        print(f"  {name}: {line}")
    for name, value in made.items():
        if name != "demand":
            print(f"  {name.replace('_', ' ')}: {value:,.2f}")
    for name, one in made["demand"].items():
        print(f"  {name}: {one['needed']:,.0f} needed, {one['here']:,.0f} here ({one['share']:.0%})")
    scans = [name for name, line in planned.items() if "Seq Scan" in line]
    record_figures(run=run, a_run=shown(run["tables"], made["demand"]), plans=planned, **made)
    print(f"  without an index: {', '.join(scans) or 'none'}")
    return int(bool(scans))


if __name__ == "__main__":
    sys.exit(main())

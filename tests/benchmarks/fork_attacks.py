"""Attacks on sandboxes, watched from outside: ways out, ways of taking memory and disk, and what hostile runs leave.

1. Every way out of tests/sandbox/escapes.py by a command of its own, behind every wall that works here.
2. Fourteen ways of taking memory or disk, each for more than it may have: the most that was taken, against the limit.
3. Hostile runs, one after the other: which processes, mounts, files and control groups are there when all have ended.

As root each part is run once more by an ordinary user (65534), where its Python can read the packages.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from agentmem.sandbox import Sandbox, SandboxLimits
from agentmem.sandbox.layered import disk_usage
from agentmem.sandbox.planning import Isolation
from tests.benchmarks.heading import heading, record_figures
from tests.sandbox import takers
from tests.sandbox.escapes import BY_ITSELF, CANNOT, ESCAPES, PRELUDE, RUNNER
from tests.sandbox.takers import LIMITS, MEBIBYTE, TAKERS
from tests.sandbox.worlds import SECRET, WORKING, World, world

MOST = 1.25
WORDS = ("ESCAPED", "BROKEN", SECRET)
RUNS = 1000
NOBODY = 65534
HOSTILE = (
    "setsid sh -c 'trap \"\" TERM HUP; exec sleep 60417' & (sleep 60417 & sleep 60417 &) ; exit 3",
    "mkdir -p d/e; chmod 0 d/e d; mkfifo p; ln -s / root; touch /tmp/x /dev/shm/x; kill -9 $$",
    'python3 -c \'import os\nfor i in range(300): os.mkdir("d"); os.chdir("d")\'',
    "python3 -c 'x = bytearray(500 << 20)'; head -c 90000000 /dev/zero >big; kill -9 -1",
    "yes | head -c 3000000; sleep 60417",
    "bomb() { bomb | bomb & }; bomb; sleep 60417",
    'python3 -c \'import os\nk = [os.memfd_create("m") for _ in range(9)]\nfor f in k: os.write(f, b"x" * 9000000)\'',
)


def escapes(isolation: Isolation, host: World, names: Sequence[str]) -> dict[str, list[str]]:
    """The ways out that were found, and those whose attempt was not made, each with what shows it."""
    found = {}
    for name in names:
        if (isolation, name) in CANNOT:
            continue
        before = host.state()
        with Sandbox.fork(host.source, isolation=isolation, limits=SandboxLimits(seconds=60, disk=64 << 20)) as sandbox:
            rows = json.dumps([(name, ESCAPES[name])])
            command = ["python3", "-c", PRELUDE + RUNNER, *host.arguments(sandbox.where), rows]
            ran = sandbox.run(command)
        signs = [f"printed {line[:200]}" for line in ran.output.splitlines() if any(word in line for word in WORDS)]
        if "tried" not in ran.output and name not in BY_ITSELF:
            signs.append(f"ended before it was tried, by {ran.killed or ran.exit_code}: {ran.output[-200:]}")
        signs += [f"was {old}, is {new}" for old, new in zip(before, host.state(), strict=True) if old != new]
        if signs:
            found[name] = signs
    return found


def taken(isolation: Isolation, source: Path) -> list[dict[str, Any]]:
    """Of each way of taking memory or disk, the most bytes that it had, or left on the disk, and how that is held."""
    rows = []
    for taker in TAKERS:
        with Sandbox.fork(source, isolation=isolation, limits=LIMITS) as sandbox:
            ran = sandbox.run(["python3", "-c", taker.program], stdin=b"given")
            most = max(takers.taken(ran), disk_usage(sandbox.where) if taker.what == "disk" else 0)
        rows.append(
            {
                "way": taker.name,
                "what": taker.what,
                "how": next(one.how for one in ran.limits if one.limit == taker.what),
                "taken": most,
                "share": most / getattr(LIMITS, taker.what),
                "killed": ran.killed,
                "exit": ran.exit_code,
            }
        )
    return rows


def hostile(isolation: Isolation, source: Path, runs: int) -> dict[str, Any]:
    """Run them; what was there before, in the middle and after. Ends each within a second."""
    Sandbox.fork(source, isolation=isolation).close()
    before, worst = outside(), dict[str, int]()
    limits = SandboxLimits(seconds=1, memory=128 << 20, disk=16 << 20, processes=48, printed=MEBIBYTE)
    for number in range(runs):
        with Sandbox.fork(source, isolation=isolation, limits=limits) as sandbox:
            thread = threading.Thread(
                target=sandbox.run, args=(HOSTILE[number % len(HOSTILE)],), kwargs={"timeout": 0.3}
            )
            thread.start()
            if number % 50 == 4:
                time.sleep(0.15)
                now = outside()
                worst = {name: max(worst.get(name, 0), now[name]) for name in now}
            thread.join()
    return {"before": before, "during": worst, "after": outside()}


def outside() -> dict[str, int]:
    """What somebody outside sees of all sandboxes of this process; what a command leaves sleeps for 60417 seconds."""
    processes = 0
    for one in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            mine = f"PPid:\t{os.getpid()}\n" in (one / "status").read_text()
            processes += mine or b"60417" in (one / "cmdline").read_bytes()
    forks = Path(tempfile.gettempdir()) / f"agentmem-{os.getuid()}" / "forks"
    mounts = sum("agentmem" in line for line in Path("/proc/self/mounts").read_text().splitlines())
    groups = len(list(Path("/sys/fs/cgroup").glob(f"**/agentmem-{os.getpid()}-*")))
    free = os.statvfs(tempfile.gettempdir())
    fields = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    return {
        "processes": processes,
        "mounts": mounts,
        "forks": len(list(forks.iterdir())) if forks.is_dir() else 0,
        "control groups": groups,
        "disk used, MiB": (free.f_blocks - free.f_bfree) * free.f_frsize >> 20,
        "memory available, MiB": int(fields["MemAvailable"].split()[0]) >> 10,
    }


LEFT = ("processes", "mounts", "forks", "control groups")


def measure(parts: Sequence[str], runs: int, names: Sequence[str]) -> dict[str, Any]:
    """All that was asked for, as this user. ``names`` are the ways out to try."""
    told: dict[str, Any] = {"user": os.getuid(), "walls": list(WORKING), "escapes": {}, "taken": {}, "hostile": {}}
    for isolation in WORKING:
        with tempfile.TemporaryDirectory() as folder, world(Path(folder)) as host:
            if "escapes" in parts:
                why = escapes(isolation, host, names)
                told["escapes"][isolation] = {"tried": len(names), "found": list(why), "why": why}
            if "taken" in parts:
                told["taken"][isolation] = taken(isolation, host.source)
            if "hostile" in parts:
                told["hostile"][isolation] = hostile(isolation, host.source, -(-runs // len(WORKING)))
    return told


def well(told: dict[str, Any]) -> bool:
    """Whether no way out was found, nothing that is held took too much, and nothing was left."""
    found = [name for one in told["escapes"].values() for name in one["found"]]
    over = [row for rows in told["taken"].values() for row in rows if row["how"] == "held" and row["share"] > MOST]
    left = [one for one in told["hostile"].values() if any(one["after"][name] > one["before"][name] for name in LEFT)]
    return not found and not over and not left


def report(told: dict[str, Any]) -> None:
    print(f"\nas user {told['user']}")
    for isolation, one in told["escapes"].items():
        print(f"  {isolation}: {one['tried']} ways out tried, found: {', '.join(one['found']) or 'none'}")
        for name, signs in one["why"].items():
            print("".join(f"    {name}: {sign}\n" for sign in signs), end="")
    for isolation, rows in told["taken"].items():
        print(f"  {isolation:<34}{'of':<8}{'':<10}{'taken, MiB':>11}{'of the limit':>14}  end")
        for row in rows:
            amount = f"{row['taken'] / MEBIBYTE:>11.0f}{row['share']:>14.2f}"
            print(f"    {row['way']:<32}{row['what']:<8}{row['how']:<10}{amount}  {row['killed'] or row['exit']}")
    for isolation, seen in told["hostile"].items():
        print(f"  {isolation}, hostile runs:{'':<6}{'before':>10}{'during':>10}{'after':>10}")
        for name in seen["before"]:
            print(f"    {name:<30}{seen['before'][name]:>10}{seen['during'].get(name, 0):>10}{seen['after'][name]:>10}")


def as_nobody(arguments: Sequence[str], folder: str) -> dict[str, Any] | None:
    """The same by an ordinary user; None where it cannot be, with a line that says why."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "TMPDIR": folder,
        "HOME": folder,
        "PYTHONDONTWRITEBYTECODE": "1",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "safe.directory",
        "GIT_CONFIG_VALUE_0": "*",
    }
    for python in dict.fromkeys((sys.executable, f"/usr/bin/python{sys.version_info[0]}.{sys.version_info[1]}")):
        command = [python, "-m", "tests.benchmarks.fork_attacks", "--as-json", *arguments]
        with suppress(OSError):
            ran = subprocess.run(
                command,
                env=environment,
                user=NOBODY,
                group=NOBODY,
                extra_groups=[],
                capture_output=True,
                text=True,
                check=False,
            )
            if ran.returncode == 0:
                told: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
                return told
            print(f"not tried by user {NOBODY} with {python}: {ran.stderr.strip().splitlines()[-1:]}", file=sys.stderr)
    return None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=RUNS, help="hostile runs of each user, behind all walls together")
    parser.add_argument("--part", action="append", choices=["escapes", "taken", "hostile"])
    parser.add_argument("--only", action="append", choices=[*ESCAPES], metavar="NAME", help="a way out, by its name")
    parser.add_argument("--times", type=int, default=1, help="how often each way out is tried")
    parser.add_argument("--as-json", action="store_true", help="print only the JSON, for this user")
    parser.add_argument("--data", help="not used: all is made here")
    given = parser.parse_args()
    parts = given.part or ["escapes", "taken", "hostile"]
    names = [name for name in given.only or ESCAPES for _ in range(given.times)]
    if given.as_json:
        print(json.dumps(measure(parts, given.runs, names)))
        return 0
    settings = {"seed": "none", "memory": f"{LIMITS.memory:,}", "disk": f"{LIMITS.disk:,}", "runs": given.runs}
    heading(
        "fork_attacks", f"{len(ESCAPES)} ways out and {len(TAKERS)} ways of taking, made here", split="none", **settings
    )
    everybody = [measure(parts, given.runs, names)]
    if os.getuid() == 0:
        arguments = ["--runs", str(given.runs), *(word for part in parts for word in ("--part", part))]
        arguments += ["--times", str(given.times), *(word for name in given.only or () for word in ("--only", name))]
        with tempfile.TemporaryDirectory() as folder:
            os.chown(folder, NOBODY, NOBODY)
            told = as_nobody(arguments, folder)
        everybody += [told] if told else []
    for one in everybody:
        report(one)
    record_figures(users=everybody)
    reached = all(map(well, everybody)) and (os.getuid() != 0 or len(everybody) > 1)
    print(f"no way out, at most {MOST} x what is held, nothing left: {'reached' if reached else 'MISSED'}")
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main())

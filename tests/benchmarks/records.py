"""What is kept of a benchmark's run: how it ended, its figures, and what it printed. As JSON, one file for each."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from threading import Timer
from types import MappingProxyType
from typing import Any

from tests.benchmarks.data import SKIPPED
from tests.benchmarks.heading import ROOT

SMALL: Mapping[str, Sequence[str]] = {
    "answers_banking77": ("--seeds", "2"),
    "answers_cost": ("--questions", "400"),
    "answers_gptcache": ("--lookups", "600", "--entries", "10000"),
    "answers_latency": ("--entries", "100000"),
    "answers_peers": ("--lookups", "600"),
    "answers_tune": ("--rows", "2000"),
    "fleet": ("--runs", "320", "--parts", "2"),
    "fleet_faults": ("--kills", "250"),
    "fleet_host": ("--runs", "320"),
    "flat_cost": ("--marks", "200000", "1000000"),
    "fork_attacks": ("--runs", "60"),
    "forks": ("--forks", "20"),
    "humanevalpack": ("--tasks", "12"),
    "importing": ("--rounds", "1"),
    "index_speed": ("--megabytes", "200"),
    "kills": ("--kills", "24"),
    "mcp_faults": ("--calls", "200"),
    "merge_kills": ("--kills", "60"),
    "middleware": ("--chain", "1", "--requests", "200"),
    "middleware_turn": ("--turns", "600"),
    "needles": ("--tokens", "300000"),
    "proof_cheats": ("--count", "100"),
    "proxy_latency": ("--requests", "1000"),
    "replay_chains": ("--only", "recorded"),
    "replay_peers": ("--budget", "120000"),
    "reworded": ("--tokens", "300000"),
    "why_matrix": ("--seeds", "2"),
}
"""Settings with which a benchmark is done sooner. Its record names them; its targets stay as they are."""

GOOD = ("met", "skipped")
_OUTCOMES = {0: "met", 1: "missed", SKIPPED: "skipped"}
_MOST_LINES = 120


@dataclass(frozen=True, slots=True)
class Record:
    """One run of one benchmark. ``outcome``: met, missed, skipped, failed, too long, or not run.

    ``processor`` are the seconds of all cores that it took with what it started and waited for: unlike ``seconds``,
    they are much the same on a busy machine.
    """

    benchmark: str
    outcome: str
    command: str = ""
    seconds: float = 0.0
    day: str = ""
    commit: str = ""
    data: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    figures: Mapping[str, Any] = field(default_factory=dict)
    printed: Sequence[str] = ()
    processor: float = 0.0

    def of(self, commit: str) -> bool:
        """If it is of this commit, and of no other files."""
        return self.commit == commit and not commit.endswith("+")

    def write(self, path: Path) -> None:
        """Keep it as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"schema": 1, **asdict(self)}, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> "Record | None":
        """The record in a file; None where there is none."""
        if not path.is_file():
            return None
        kept = json.loads(path.read_text(encoding="utf-8"))
        return cls(**{key: value for key, value in kept.items() if key != "schema"})


@dataclass(slots=True)
class Running:
    """The process groups of runs beside each other, which end together."""

    groups: list[int] = field(default_factory=list)
    ended: bool = False

    def end(self) -> None:
        """End them all."""
        self.ended = True
        for group in self.groups:
            with suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)


def run(
    name: str,
    data: str,
    *,
    small: bool = False,
    limit: float | None = None,
    options: Sequence[str] = (),
    beside: Running | None = None,
) -> Record:
    """Run one benchmark and show what it prints, unless it runs ``beside`` others: its record. After ``limit`` seconds
    its tree is ended. ``options`` are its own; those that name places of this machine stand in the record by names.
    """
    arguments = [*(SMALL.get(name, ()) if small else ()), *options]
    given = [(before, one) for before, one in pairwise(options) if Path(one).is_absolute() or Path(one).exists()]
    places = {one: before.lstrip("-").upper() for before, one in given}
    command = [sys.executable, "-m", f"tests.benchmarks.{name}", "--data", data, *arguments]
    began = time.monotonic()
    lines, code, late, processor = _heard(command, limit, beside)
    outcome = "too long" if late else _OUTCOMES.get(code, f"failed ({code})")
    shown = [hidden(line, data, places) for line in lines]
    record = made(name, outcome, shown, time.monotonic() - began, [places.get(one, one) for one in arguments])
    return replace(record, processor=round(processor, 2))


def _heard(command: Sequence[str], limit: float | None, beside: Running | None) -> tuple[list[str], int, bool, float]:
    """What a process printed, its exit code, whether it was ended after its limit, and its processor seconds."""
    late, lines = list[bool](), list[str]()
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    ) as process:

        def end() -> None:
            late.append(True)
            os.killpg(process.pid, signal.SIGKILL)

        timer = Timer(limit, end) if limit else None
        if timer:
            timer.start()
        if beside:
            beside.groups.append(process.pid)
        try:
            assert process.stdout
            for line in process.stdout:
                if not beside:
                    print(line, end="", flush=True)
                lines.append(line.rstrip("\n"))
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            return lines, process.returncode, bool(late), used.ru_utime + used.ru_stime
        except KeyboardInterrupt:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        finally:
            if timer:
                timer.cancel()
            if beside:
                beside.groups.remove(process.pid)


def hidden(line: str, data: str, others: Mapping[str, str] = MappingProxyType({})) -> str:
    """The line without what is this machine's alone: folders of recordings, checkout and run, and ``others``."""
    places = {str(Path(data).resolve()): "DIR", data: "DIR", str(ROOT): ".", sys.prefix: ".venv"}
    for place, name in {**others, **places}.items():
        line = line.replace(place, name)
    return re.sub(re.escape(tempfile.gettempdir()) + r"/[\w./-]*\w", "SCRATCH", line)


def made(name: str, outcome: str, lines: Sequence[str], seconds: float, arguments: Sequence[str] = ()) -> Record:
    """The record of a run that has printed ``lines``; the last of them that is the benchmark's JSON has its figures."""
    said: dict[str, Any] = {}
    shown = []
    for line in lines:
        if line.startswith('{"schema": 1, "benchmark": '):
            said = json.loads(line)
        else:
            shown.append(line)
    if outcome == "missed" and (not said or any(line.startswith("Traceback ") for line in shown)):
        outcome = "failed (1)"  # Python ends with 1 as well where it could not go on
    command = shlex.join(["python", "-m", f"tests.benchmarks.{name}", *arguments])
    return Record(
        benchmark=name,
        outcome=outcome,
        command=command,
        seconds=round(seconds, 1),
        day=datetime.now(UTC).date().isoformat(),
        commit=said.get("commit", ""),
        data=said.get("data", ""),
        settings=said.get("settings", {}),
        figures=said.get("figures", {}),
        printed=shown[-_MOST_LINES:],
    )


def table(records: Sequence[Record]) -> str:
    """A line of markdown for each, and one for all."""
    rows = [f"| {one.benchmark} | {one.outcome} | {one.seconds:,.1f} | {one.processor:,.1f} |" for one in records]
    met = sum(one.outcome == "met" for one in records)
    minutes = sum(one.seconds for one in records) / 60
    end = f"{met} of {len(records)} met, in {minutes:.1f} minutes."
    return "\n".join(
        ["| benchmark | outcome | seconds | of the processor |", "|---|---|---:|---:|", *rows, "", end, ""]
    )

"""Kills and pauses across processes and hosts that share one list of tasks: none is lost, none is done twice.

Workers, each with a host name of its own where the system allows it, run the same tasks under their keys, on Postgres,
each task in a folder that only its host has. They are killed with SIGKILL or paused with SIGSTOP at random and others
take over. Every task stamps numbers in a file; a stamp twice is an effect twice. From time to time the server drops all
connections, and at the end a link is silent for a while. Kills of idle workers would prove nothing: only those of a
worker that held a run are counted.
"""

import argparse
import ctypes
import os
import random
import signal
import socket
import sys
import tempfile
import threading
import time
from contextlib import closing, suppress
from pathlib import Path

import psycopg

from agentmem.errors import AgentmemError
from agentmem.menu.menu import tool
from agentmem.models.scripted import ScriptedModel, place
from agentmem.runtime.agent import Agent
from agentmem.runtime.components import open_saver
from agentmem.transcript import kept_pages
from agentmem.transcript.journal import open_journal
from agentmem.transcript.transcript import readable
from agentmem.types import Draft, Message, Request, Text, ToolCall
from tests.benchmarks.heading import heading, record_figures
from tests.forwarder import Forwarder
from tests.postgres import new_database, postgres_server

SEED, KILLS, TASKS, WORKERS, TURNS, LEASE = 26, 1000, 30, 6, 6, 2
TAKEOVER = 35.0
"""The most seconds after which work goes on."""


def play(url: str, folder: Path, pages: Path, name: str) -> None:
    """One task: a run that stamps, and leaves a page for each stamp."""

    def stamp(turn: int) -> str:
        """Stamps a turn.

        Args:
            turn: which
        """
        with (folder / "stamps").open("a") as stamps:
            stamps.write(f"{name} {turn}\n")
        (pages / f"page{turn}.md").write_text(f"{name}, turn {turn}\n")
        return f"stamped {turn}"

    def script(request: Request) -> Message:
        time.sleep(0.02)
        turn = place(request)
        block = ToolCall(f"call_{turn}", "stamp", f'{{"turn": {turn}}}') if turn < TURNS else Text(f"{name} done.")
        return Message("assistant", (block,))

    tools = [tool(stamp, effect="write")]
    with Agent(ScriptedModel(script), pages, tools=tools, database=url, archive=None) as agent:
        agent.run(f"Stamp {name}.", key=name)


def work(url: str, folder: Path, host: str, names: list[str]) -> bool:
    """A worker: plays every task, with pages in folders that only its host has. True if all are done."""
    if os.geteuid() == 0 and ctypes.CDLL(None).unshare(0x04000000) == 0:  # CLONE_NEWUTS: a host name of its own
        socket.sethostname(host)
    done = 0
    for name in names:
        try:
            play(url, folder, folder / host / name, name)
            done += 1
            (folder / "done" / name).touch()
        except AgentmemError as error:
            print(f"    {host}: {type(error).__name__}: {error}", flush=True)
    return done == len(names)


def started(url: str, folder: Path, host: str, names: list[str]) -> int:
    """A worker's process id. It is forked: it makes connections and leases of its own."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        code = int(not work(url, folder, host, names))
    finally:
        os._exit(code)


class Fleet:
    """The workers, and what was done to them."""

    def __init__(self, server: str, folder: Path, chance: random.Random) -> None:
        self.server, self.url, self.folder, self.chance = server, f"{server}&lease_seconds={LEASE}", folder, chance
        self.workers: dict[int, str] = {}
        self.paused: dict[int, float] = {}
        self.kills = self.pauses = self.drops = self.hosts = 0

    def play(self, names: list[str], kills: int) -> None:
        """Plays the tasks, with faults until there were so many kills."""
        done = False
        while not done:
            while len(self.workers) < WORKERS:
                self.hosts += 1
                ended = {one.name for one in (self.folder / "done").iterdir()}
                left = [name for name in names if name not in ended]  # and one that has ended, which is not begun again
                some = left + self.chance.sample(names, 1)
                host, order = f"host{self.hosts}", self.chance.sample(some, len(some))
                self.workers[started(self.url, self.folder, host, order)] = host
            time.sleep(self.chance.uniform(0.03, 0.3))
            done = self.reap()
            if not done and self.kills < kills and self.workers:
                self.hurt()
            self.wake()
        self.end()

    def reap(self) -> bool:
        """Takes note of workers that ended. True if one of them had finished all tasks."""
        finished = False
        for child in list(self.workers):
            gone, status = os.waitpid(child, os.WNOHANG)
            if gone:
                del self.workers[child]
                self.paused.pop(child, None)
                finished |= status == 0
        return finished

    def hurt(self) -> None:
        """One fault: a kill, a pause, or all connections dropped."""
        holders = self._holders()
        what, worker = self.chance.random(), self.chance.choice(list(self.workers))
        if what < 0.9:
            with suppress(ProcessLookupError):
                os.kill(worker, signal.SIGKILL)
                self.kills += worker in holders
        elif what < 0.97 and worker not in self.paused:
            os.kill(worker, signal.SIGSTOP)
            self.paused[worker] = time.monotonic() + LEASE + 1
            self.pauses += 1
        elif what >= 0.97:
            with psycopg.connect(self.server, autocommit=True) as other:
                other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
            self.drops += 1

    def wake(self) -> None:
        """Paused workers go on once others could take over."""
        for one, until in list(self.paused.items()):
            if time.monotonic() > until:
                del self.paused[one]
                with suppress(ProcessLookupError):
                    os.kill(one, signal.SIGCONT)

    def end(self) -> None:
        """Ends all workers."""
        for child in self.workers:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        self.workers.clear()

    def _holders(self) -> set[int]:
        with psycopg.connect(self.server) as other:
            return {int(owner.split(" ")[1]) for (owner,) in other.execute("SELECT owner FROM leases").fetchall()}


def check(url: str, folder: Path, names: list[str]) -> tuple[int, int, int, int]:
    """Tasks lost, tasks doubled, effects done twice, and pages that are missing where a result says they were made."""
    stamps = (folder / "stamps").read_text().splitlines()
    lost = doubled = missing = 0
    with open_journal(url) as journal:
        for name in names:
            known = journal.submission(name)
            entries = list(journal.entries(known.thread)) if known else []
            kinds = [entry.kind for entry in entries]
            lost += kinds.count("assistant") < TURNS + 1 or kinds.count("tool_result") < TURNS
            doubled += kinds.count("user") > 1 or kinds.count("assistant") > TURNS + 1
            said = " ".join(readable(entry) for entry in entries if entry.kind == "tool_result")
            where = kept_pages.workspace_of(journal.storage, known.thread) if known else None
            pages = kept_pages.read(journal.storage, where) if where else {}
            missing += sum(f"stamped {turn}" in said and f"page{turn}.md" not in pages for turn in range(TURNS))
    return lost, doubled, len(stamps) - len(set(stamps)), missing


def silent(server: str, seconds: float) -> float:
    """The seconds after which an append went on when a link that was silent for so long was back."""
    link = Forwarder(server)
    with open_journal(link.url) as journal, journal.lease("t"):
        journal.append("t", [Draft("note", b"a")], head=-1)
        link.silence()
        began, mending = time.monotonic(), threading.Timer(seconds, link.mend)
        mending.start()
        journal.append("t", [Draft("note", b"b")], head=0)
        took = time.monotonic() - began - seconds
        assert [entry.data for entry in journal.entries("t")] == [b"a", b"b"]
    link.close()
    return took


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="not needed: the tasks are made here")
    parser.add_argument("--kills", type=int, default=KILLS)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--silence", type=float, default=20.0, help="seconds that the link is silent")
    given = parser.parse_args()
    heading("fleet_faults", "made here", seed=given.seed, kills=given.kills, tasks=TASKS, workers=WORKERS, turns=TURNS)
    names = list[str]()
    with postgres_server() as server, tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "done").mkdir()
        fleet = Fleet(new_database(server), Path(folder), random.Random(given.seed))
        with open_journal(fleet.url), closing(open_saver(fleet.url)):
            pass  # the tables are there before the workers
        while fleet.kills < given.kills:
            fresh = [f"task {len(names) + number}" for number in range(TASKS)]
            fleet.play(fresh, given.kills)
            names += fresh
            print(f"  {len(names)} tasks, {fleet.kills} kills", flush=True)
        lost, doubled, twice, missing = check(fleet.url, Path(folder), names)
        back = silent(new_database(server), given.silence)
    print(f"{fleet.kills} kills of workers with a run, {fleet.pauses} pauses, {fleet.drops} drops, {fleet.hosts} hosts")
    print(f"{len(names)} tasks: {lost} lost, {doubled} doubled, {twice} effects twice, {missing} pages missing")
    print(f"a link that was silent for {given.silence:.0f} s: on {back:.1f} s after it was back")
    record_figures(
        kills=fleet.kills,
        pauses=fleet.pauses,
        drops=fleet.drops,
        hosts=fleet.hosts,
        tasks=len(names),
        lost=lost,
        doubled=doubled,
        effects_twice=twice,
        pages_missing=missing,
        seconds_after_silence=back,
    )
    return int(bool(lost or doubled or twice or missing) or back > TAKEOVER)


if __name__ == "__main__":
    sys.exit(main())

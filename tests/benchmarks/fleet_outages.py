"""Outages under agents at work: Postgres crashes, its disk is full, its link is cut, object storage answers 500 or 503.

A worker in a process of its own plays tasks with effects and pages, one after the other in each of three threads, while
the outage comes and goes. Judged are: no run ended with an error, nothing was lost, doubled or done twice, work went on
soon after the outage, and all that was said was a sentence. What this machine or this user cannot do is left out, and
said; without root these are the small disk and the link.
"""

import argparse
import json
import logging
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from agentmem.errors import AgentmemError
from agentmem.models.scripted import ScriptedModel, place
from agentmem.recall.archive import LanceArchive
from agentmem.runtime.agent import Agent
from agentmem.transcript.journal import open_journal
from agentmem.types import Request
from tests.benchmarks.fleet_faults import check, play
from tests.benchmarks.heading import heading, record_figures
from tests.benchmarks.outages import NETWORK, Link, OutageUnavailable, fill, link, module, small_disk
from tests.faulty import Outage, faulty
from tests.forwarder import through
from tests.objects import ObjectsUnavailable, object_server
from tests.postgres import LocalServer, local_server, new_database

THREADS = 3
SOON = 15.0
"""The most seconds after an outage until a task is done again."""
PORT = 5432
_SENTENCE = re.compile(r"[^\n]{20,600}")
_NOT_ONE = ("Traceback", "Error(", "psycopg", "0x")

Wait = Callable[[float], None]


# The worker.


def work(url: str, folder: Path, own: Callable[[str, Path, str], None]) -> None:
    """Plays tasks until the folder has a file ``stop``; notes the end of each, each error and what was logged."""
    notes, lock, numbers = folder / "notes", threading.Lock(), count()

    def note(kind: str, text: str) -> None:
        with lock, notes.open("a") as out:
            out.write(json.dumps([time.time(), kind, text]) + "\n")

    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: note("said", record.getMessage())  # type: ignore[method-assign]
    logging.getLogger().addHandler(handler)

    def loop() -> None:
        while not (folder / "stop").exists():
            name = f"task {next(numbers)}"
            try:
                own(url, folder, name)
                note("done", name)
            except AgentmemError as error:
                note("error", f"{name}: {type(error).__name__}: {error}")

    threads = [threading.Thread(target=loop) for _ in range(THREADS)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()


def stamping(url: str, folder: Path, name: str) -> None:
    """A task with effects and pages."""
    play(url, folder, folder / "pages" / name, name)


def archiving(url: str, folder: Path, name: str) -> None:
    """A task whose conversation leaves the window for an archive in object storage."""

    def turn(request: Request) -> Any:
        at = place(request)
        return {"text": f"Step {at}.", "calls": [{"read": {"page": "stock.md"}}]} if at < 3 else f"{name} is done."

    pages = folder / "pages" / name
    pages.mkdir(parents=True, exist_ok=True)
    (pages / "stock.md").write_text("".join(f"Shelf {one} of {name} holds {one * 7} bolts.\n" for one in range(150)))
    model = ScriptedModel(turn, by_purpose={"summary": lambda request: "## Goal\n- Count the bolts.\n"})
    with Agent(model, pages, database=url, archive=(folder / "archive").read_text()) as agent:
        agent.run(f"Count the bolts of {name}.", thread=name, key=name)
        agent.run("And again.", thread=name, key=f"{name} again")
        assert agent.compact(name) is not None


def forward(socket_folder: str) -> None:
    """Passes connections to the database's end of the link on to the server's socket file, until it is killed."""
    import asyncio

    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(1 << 16):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, out = await asyncio.open_unix_connection(f"{socket_folder}/.s.PGSQL.5432")
        await asyncio.gather(pipe(reader, out), pipe(there, writer))

    async def serve() -> None:
        server = await asyncio.start_server(client, f"{NETWORK}.1", PORT)
        print("ready", flush=True)
        await server.serve_forever()

    asyncio.run(serve())


# The parts.


def played(
    url: str,
    folder: Path,
    outage: Callable[[Wait], None],
    kind: str = "stamping",
    wrapped: Callable[..., list[str]] = lambda *command: list(command),
) -> dict[str, Any]:
    """A worker's notes around an outage: it works for a while, meets the outage, works for a while and stops."""
    command = wrapped(*module("fleet_outages", "--work", kind, "--url", url, "--folder", str(folder)))
    with subprocess.Popen(command) as worker:
        try:
            _await(folder, worker, 8)
            began = time.time()
            outage(time.sleep)
            ended = time.time()
            _await(folder, worker, 8, since=ended)
            (folder / "stop").touch()
            worker.wait(120)
        finally:
            worker.kill()
    notes = _notes(folder)
    done = [text for _, what, text in notes if what == "done"]
    said = {re.sub(r"(?<!\w)\d+|(?<=%)\d+|(?<=test)\d+", "N", text) for at, what, text in notes if what != "done"}
    back = min(at for at, what, _ in notes if what == "done" and at > ended) - ended
    return {
        "done": len(done),
        "during": sum(began < at < ended for at, what, _ in notes if what == "done"),
        "errors": sum(what == "error" for _, what, _ in notes),
        "seconds": ended - began,
        "seconds_until_on": back,
        "said": sorted(said),
        "no_sentence": sum(not is_sentence(one) for one in said),
        "names": done,
    }


def is_sentence(text: str) -> bool:
    """One line for a person, without what only a programmer reads."""
    return bool(_SENTENCE.fullmatch(text)) and not any(mark in text for mark in _NOT_ONE)


def _notes(folder: Path) -> list[tuple[float, str, str]]:
    path = folder / "notes"
    return [tuple(json.loads(line)) for line in path.read_text().splitlines()] if path.exists() else []


def _await(folder: Path, worker: "subprocess.Popen[bytes]", tasks: int, since: float = 0.0) -> None:
    """Until so many tasks were done since a time."""
    end = time.monotonic() + 180
    while sum(what == "done" and at > since for at, what, _ in _notes(folder)) < tasks:
        if worker.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"the worker came no further: {_notes(folder)[-3:]}")
        time.sleep(0.1)


def crash(server: LocalServer, folder: Path, seconds: float) -> dict[str, Any]:
    """Postgres ends at once, and is started again after a while."""

    def outage(wait: Wait) -> None:
        server.crash()
        wait(min(seconds, 10.0))
        server.start()

    return _checked(server, folder, lambda url: played(url, folder, outage))


def full_disk(folder: Path, seconds: float) -> dict[str, Any]:
    """The disk of a Postgres of its own fills up, and has room again after a while."""
    with small_disk(160) as disk, local_server(disk) as server:

        def outage(wait: Wait) -> None:
            filler = fill(disk)
            wait(seconds)
            filler.unlink()
            server.start()  # it may have ended: a log that cannot be written ends it

        return _checked(server, folder, lambda url: played(url, folder, outage))


def cut_link(server: LocalServer, folder: Path, seconds: float) -> dict[str, Any]:
    """Worker and database are on hosts of their own, and the cable between them is pulled."""

    def outage_of(cable: Link) -> Callable[[Wait], None]:
        def outage(wait: Wait) -> None:
            cable.down()
            wait(seconds)
            cable.up()

        return outage

    with link() as cable, _forwarding(cable, server.url):

        def over(url: str) -> dict[str, Any]:
            return played(through(url, f"{NETWORK}.1", PORT), folder, outage_of(cable), wrapped=cable.worker)

        return _checked(server, folder, over)


@contextmanager
def _forwarding(cable: Link, url: str) -> Iterator[None]:
    place_of_socket = parse_qs(urlsplit(url).query)["host"][0]
    command = cable.database(*module("fleet_outages", "--forward", place_of_socket))
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout and process.stdout.readline() == "ready\n"
            yield
        finally:
            process.kill()


def _checked(server: LocalServer, folder: Path, run: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
    """The notes of a run on a new database, and what the database has of it."""
    url = f"{new_database(server.url)}&lease_seconds=5"
    made = run(url)
    lost, doubled, twice, missing = check(url, folder, made.pop("names"))
    return {**made, "lost": lost, "doubled": doubled, "effects_twice": twice, "pages_missing": missing}


def busy_store(server: LocalServer, folder: Path, seconds: float) -> dict[str, Any]:
    """Object storage answers 500, then 503, for so long in all; agents keep what leaves their window there."""
    url = new_database(server.url)
    with object_server() as store:
        outage = Outage(store.endpoint, 500, left=0)
        with faulty(outage) as endpoint:
            os.environ.update(store.environ())
            place = f"{store.url('outage').partition('?')[0]}?endpoint={endpoint}"
            (folder / "archive").write_text(place)

            def busy(wait: Wait) -> None:
                outage.left = 10**9
                wait(seconds / 2)
                outage.status = 503
                wait(seconds / 2)
                outage.left = 0

            made = played(url, folder, busy, "archiving")
            lost = _unarchived(url, place, made.pop("names"))
    return {**made, "answered_with_errors": outage.met, "lost": lost}


def _unarchived(url: str, place_of_archive: str, names: list[str]) -> int:
    """Of the threads: those of which nothing is found in the archive, which another host opens now."""
    with open_journal(url) as journal:
        archive = LanceArchive(journal, place_of_archive)
        lost = 0
        for name in names:
            found = archive.search(name, f"bolts of {name}", 3)
            lost += not any(name in piece.text for piece in found)
        archive.close()
    return lost


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="not needed: the tasks are made here")
    parser.add_argument("--only", choices=("crash", "full disk", "cut link", "busy store"))
    parser.add_argument("--seconds", type=float, default=20.0, help="of the full disk and the cut link")
    parser.add_argument("--busy", type=float, default=60.0, help="seconds of 500 and 503")
    for name in ("--work", "--url", "--folder", "--forward"):
        parser.add_argument(name, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.forward:
        forward(given.forward)
        return 0
    if given.work:
        work(given.url, Path(given.folder), {"stamping": stamping, "archiving": archiving}[given.work])
        return 0
    heading("fleet_outages", "made here", seconds=given.seconds, busy=given.busy, threads=THREADS)
    missed = [_part(name, given) for name in PARTS if given.only in (None, name)]
    return int(any(missed))


PARTS: dict[str, Callable[[LocalServer, Path, argparse.Namespace], dict[str, Any]]] = {
    "crash": lambda server, folder, given: crash(server, folder, given.seconds),
    "full disk": lambda server, folder, given: full_disk(folder, given.seconds),
    "cut link": lambda server, folder, given: cut_link(server, folder, given.seconds),
    "busy store": lambda server, folder, given: busy_store(server, folder, given.busy),
}
_NONE = ("errors", "lost", "doubled", "effects_twice", "pages_missing", "no_sentence")


def _part(name: str, given: argparse.Namespace) -> bool:
    """Plays one part and prints it; true if it missed its target."""
    with tempfile.TemporaryDirectory(prefix="agentmem-outage-") as folder, local_server() as server:
        try:
            made = PARTS[name](server, Path(folder), given)
        except (OutageUnavailable, ObjectsUnavailable) as error:
            print(f"  {name}: not played ({error})", flush=True)
            return False
    missed = any(made.get(one) for one in _NONE) or made["seconds_until_on"] > SOON
    shown = {one: value for one, value in made.items() if one != "said"}
    print(f"  {name}: {', '.join(f'{one} {_short(value)}' for one, value in shown.items()).replace('_', ' ')}")
    for text in made["said"]:
        print(f"    said: {text}")
    print(f"    {'missed' if missed else 'met'}", flush=True)
    record_figures(**{name.replace(" ", "_"): made})
    return missed


def _short(value: Any) -> str:
    return f"{value:.1f}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    sys.exit(main())

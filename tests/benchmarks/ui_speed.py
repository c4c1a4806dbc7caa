"""How soon the served page shows something: the list of 2,000 sessions, a session of 2,000 turns, and one of 5,000.

It makes its logs itself, serves them as `agentmem ui` does, and opens them in a headless Chromium. The times are the
page's own performance measures: from the address that is asked for to what is drawn, with what the server needs for it.
First numbers come from the index; a session is whole when its texts were read. That the long session is usable is
the time from a click on a bar to its messages, and the longest frame while the list is scrolled from end to end. At
last that session is written on, a turn at a time, while it is looked at.

    python -m tests.benchmarks.ui_speed [--sessions 2000] [--turns 2000] [--long 5000] [--repeats 5] [--json FILE]

Exits with 1 if the list, the session with all its texts or the click take a second or more. Without a Chromium it is
skipped.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from agentmem.ui.server import PageServer
from tests.benchmarks.data import SKIPPED
from tests.benchmarks.heading import heading, record_figures
from tests.browser.chromium import Tab, chromium, program, tab
from tests.ui.desk import NOON, SOURCE, Session, call, ordinary, said

TARGET_MS = 1_000.0
USABLE_MS = 1_000.0
"""From a click on a bar of the long session to its messages."""


def long_session(name: str, turns: int, at: float = NOON + 3_600) -> Session:
    """A session of so many turns, compacted where a client would."""
    one = Session(name, at, turns)
    one.ask("Go through all the files, one after the other.")
    for turn in range(turns):
        if one.context > 150_000:
            one.compact("All files up to here were read, and nothing was found in them. " * 20)
        given = call(f"{name}{turn}", "Read", file_path=f"src/part_{turn}.py")
        one.work(said(f"Part {turn}."), given, result=SOURCE * (1 + turn % 4))
    return one


def made(folder: Path, sessions: int, turns: int, long: int) -> tuple[Path, Session]:
    """The logs: so many sessions over 30 days in ten projects, and the two long ones; and the longest of them."""
    for number in range(sessions - 2):
        ordinary(number, NOON - 1_290 * number, SOURCE[:200]).write(folder / f"project-{number % 10}")
    long_session("aa-turns", turns).write(folder / "long")
    last = long_session("bb-long", long, NOON + 90_000)
    last.write(folder / "long")
    return folder, last


@contextmanager
def page(root: Path, address: str) -> Iterator[Tab]:
    """A browser of its own."""
    with chromium(root) as devtools, tab(devtools) as opened:
        opened.open(address)
        yield opened


def measured(opened: Tab, name: str) -> float:
    """The last measure of that name, in milliseconds."""
    value: float = opened.until(f"(performance.getEntriesByName('{name}').at(-1) || {{}}).duration")
    return value


def listed(opened: Tab, address: str, repeats: int) -> dict[str, Any]:
    """The list, loaded anew each time; and the longest frame while it is scrolled."""
    times = []
    for _ in range(repeats):
        opened.open(address)
        times.append(measured(opened, "list drawn"))
    frames = opened.run(
        "new Promise((done) => { const times = []; let last = performance.now(), at = 0; const step = () => { "
        "const now = performance.now(); times.push(now - last); last = now; at += 2000; scrollTo(0, at); "
        "if (at < document.body.scrollHeight) requestAnimationFrame(step); else done(times); }; "
        "requestAnimationFrame(step); })"
    )
    rows = opened.run("document.querySelectorAll('.row').length")
    return {"drawn_ms": median(times), "longest_frame_ms": max(frames), "median_frame_ms": median(frames), "rows": rows}


def opened_session(opened: Tab, id: str, whole_as: str = "session drawn") -> dict[str, float]:
    """A session that nobody looked at before: its first numbers, all of it, and a turn's messages after a click."""
    opened.run("performance.clearMeasures()")
    opened.run(f"go('#/s/{id}')")
    whole = measured(opened, whole_as)
    first = opened.run("(performance.getEntriesByName('session first drawn').at(-1) || {}).duration") or whole
    place = opened.box("#cache .u-over")
    clicked = opened.run("performance.now()")
    opened.press(place["x"] + 0.7 * place["width"], place["y"] + place["height"] / 2)
    opened.until("document.querySelector('#panel .block[open] .text *')")
    turn = opened.run("performance.now()") - clicked
    return {"first_ms": first, "whole_ms": whole, "click_ms": turn}


def grown(opened: Tab, log: Path, one: Session, repeats: int) -> dict[str, float]:
    """The session in sight is written on: from the write to the new turn on the page, and the bytes sent for it."""
    times, sent = [], []
    for number in range(repeats):
        before, known = opened.run("count"), len(one.records)
        given = call(f"more{number}", "Read", file_path="src/more.py")
        one.work(said("And more."), given, result=SOURCE)
        opened.run("performance.clearResourceTimings()")
        began = time.perf_counter()
        with log.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(record) + "\n" for record in one.records[known:])
        opened.until(f"count > {before}")
        times.append(1000 * (time.perf_counter() - began))
        sent.append(
            opened.run(
                "performance.getEntriesByType('resource').filter((one) => one.name.includes('since='))"
                ".reduce((sum, one) => sum + one.transferSize, 0)"
            )
        )
    return {"shown_ms": median(times), "bytes": median(sent)}


def run(root: Path, sizes: argparse.Namespace) -> dict[str, Any]:
    """Everything that is measured."""
    folder, last = made(root / "logs", sizes.sessions, sizes.turns, sizes.long)
    bytes_ = sum(path.stat().st_size for path in folder.rglob("*.jsonl"))
    indexed = []
    for _ in range(2):
        began = time.perf_counter()
        with PageServer([folder], index=root / "sessions.db", jobs=0) as server:
            server.ready()
            indexed.append(time.perf_counter() - began)
    with (
        PageServer([folder], index=root / "sessions.db", jobs=0) as server,
        page(root / "browser", server.address) as opened,
    ):
        server.ready()
        ids = {family.name: family.id for family, _ in server.shelf.families()}
        return {
            "megabytes": bytes_ / 1e6,
            "first_index_s": indexed[0],
            "second_index_s": indexed[1],
            "list": listed(opened, server.address, sizes.repeats),
            "session": opened_session(opened, ids["aa-turns"]),
            "long": opened_session(opened, ids["bb-long"]),
            "grown": grown(opened, folder / "long" / "bb-long.jsonl", last, sizes.repeats),
        }


def report(found: dict[str, Any], sizes: argparse.Namespace) -> bool:
    """Print the figures; whether the targets are reached."""
    print(
        f"{sizes.sessions:,} sessions, {found['megabytes']:,.0f} MB; read in {found['first_index_s']:.1f} s at first,"
    )
    print(f"in {found['second_index_s']:.1f} s from the index, while which the page shows what there is so far")
    one = found["list"]
    print(f"list drawn in {one['drawn_ms']:,.0f} ms (median of {sizes.repeats}), {one['rows']} rows are elements;")
    print(
        f"scrolled to the end: frames of {one['median_frame_ms']:.0f} ms, the longest {one['longest_frame_ms']:.0f} ms"
    )
    for name, turns in (("session", sizes.turns), ("long", sizes.long)):
        two = found[name]
        print(
            f"session of {turns:,} turns: numbers in {two['first_ms']:,.0f} ms, "
            f"with all texts {two['whole_ms']:,.0f} ms, messages {two['click_ms']:,.0f} ms after a click on a bar"
        )
    more = found["grown"]
    print(
        f"the long session grew by a turn: on the page {more['shown_ms']:,.0f} ms after it was written (looked at five "
        f"times a second), {more['bytes']:,.0f} bytes sent"
    )
    limits = (
        ("the list", one["drawn_ms"], TARGET_MS),
        ("the session with its texts", found["session"]["whole_ms"], TARGET_MS),
        ("a click in the long session", found["long"]["click_ms"], USABLE_MS),
    )
    missed = [f"{what} took {took:,.0f} ms, not {most:,.0f}" for what, took, most in limits if took >= most]
    print("missed: " + "; ".join(missed) if missed else "all targets met")
    load = os.getloadavg()[0]
    print(
        f"load of the machine: {load:.1f}" + (", others work here: times are longer than its own" if load > 2 else "")
    )
    record_figures(**found, load=load, missed=missed)
    return not missed


def main() -> int:
    parser = argparse.ArgumentParser(description="Time the served page.")
    parser.add_argument("--sessions", type=int, default=2_000)
    parser.add_argument("--turns", type=int, default=2_000)
    parser.add_argument("--long", type=int, default=5_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", type=Path, help="write the figures there")
    parser.add_argument("--data", help="not needed: the logs are made here")
    given = parser.parse_args()
    if program() is None:
        print("skipped: no Chromium is installed here")
        return SKIPPED
    sizes = {"sessions": given.sessions, "turns": given.turns, "long": given.long, "repeats": given.repeats}
    heading("ui_speed", "made here, from fixed seeds", **sizes)
    with tempfile.TemporaryDirectory() as folder:
        found = run(Path(folder), given)
    if given.json:
        given.json.write_text(json.dumps(found, indent=2))
    return int(not report(found, given))


if __name__ == "__main__":
    sys.exit(main())

"""A day on one machine: what was computed once is not computed again.

Two agents take turns on one local engine, which has room for one conversation. Without more they would push each other
out, and each turn would be computed from the start. A warehouse keeps the KV state in blocks: what both begin with is
kept once, a fork starts warm, and a later session, with an engine of its own, finds all of it on the disk.

At the end a session is killed while it writes its blocks, and the next one goes on from those that are whole.

The replies come from a script; the bytes of each request go through llama.cpp, and its counters tell what it computed.
It takes about a minute on one core. With a folder as its argument the warehouse stays there, for
`agentmem local cache stats --folder FOLDER/kv`.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from agentmem import Agent, Engine, KvSources, ModelError, ScriptedModel, Warehouse
from agentmem.meter import rows

SHARED = "You work in a small print shop. Paper is ordered on Mondays. Be brief, and name the page. " * 3


def line(who: str, sources: KvSources | None) -> str:
    """Where the KV state of a request came from."""
    assert sources
    return (
        f"{who:22} slot {sources.slot:5}  RAM {sources.ram:5}  disk {sources.disk:5}  computed {sources.computed:5}"
        f"  saved {sources.seconds_saved:5.1f} s"
    )


def turn(agent: Agent, who: str, task: str, thread: str) -> None:
    """One turn, and its line."""
    agent.run(task, thread=thread)
    print(line(who, list(rows(agent.journal, thread))[-1].sources), flush=True)


def agent(engine: Engine, folder: Path, name: str) -> Agent:
    """An agent whose replies are scripted and whose requests the engine takes."""
    model = ScriptedModel([f"{name} has looked at it."] * 9, meter=engine, sequential=True)
    return Agent(model, folder / name, tools=[], system=SHARED)


def day(folder: Path) -> None:
    """Two agents by turns, and a fork."""
    warehouse = Warehouse(ram="7 MB", disk="200 MB", folder=folder / "kv")
    with Engine(context=2048, warehouse=warehouse) as engine:
        with agent(engine, folder, "Coder") as coder, agent(engine, folder, "Tester") as tester:
            for task in ("Look at order 17.", "And at order 18."):
                turn(coder, "coder", task, "main")
                turn(tester, "tester", task.replace("order", "invoice"), "main")
            coder.fork("main", to="other-way")
            turn(coder, "coder, a fork", "Try it another way.", "other-way")
            warehouse.flush()
            with Engine(context=2048, warehouse=Warehouse(ram=0, disk="200 MB", folder=folder / "kv")) as later:
                model = ScriptedModel(["It is still there."], meter=later, sequential=True)
                with Agent(model, folder / "Tester", tools=[]) as again:
                    turn(again, "tester, later", "And at invoice 19.", "main")
        stats = warehouse.stats()
    used, disk = stats["used"], stats["disk"]
    print(
        f"the warehouse holds {disk['blocks']} blocks of {disk['tokens']} tokens, {disk['bytes'] / 1e6:.0f} MB on disk"
    )
    known = used["slot"] + used["ram"] + used["disk"]
    print(f"{known / (known + used['computed']):.0%} of {known + used['computed']} tokens were not computed again")


def opened(folder: Path) -> Engine:
    """An engine of its own over the day's folder, with nothing in memory."""
    return Engine(context=2048, warehouse=Warehouse(ram=0, disk="200 MB", folder=folder / "kv"))


ORDERS = "Look at these orders: " + ", ".join(str(number * 37) for number in range(60))


def session(folder: Path) -> None:
    """A session that is killed when it writes the first block of its turn."""
    with opened(folder) as engine, agent(engine, folder, "Night") as night:
        night.run(ORDERS, thread="main")


def killed(folder: Path) -> None:
    """Kill such a session, and see what the next one finds."""
    before = len(list(folder.rglob("*.kv")))
    with subprocess.Popen([sys.executable, __file__, "--session", str(folder)]) as process:
        while process.poll() is None and not any((folder / "kv").glob("part-*")):
            time.sleep(0.0005)
        process.kill()
    unfinished = len(list((folder / "kv").glob("part-*")))
    with Warehouse(ram=0, disk="200 MB", folder=folder / "kv") as after:
        found = after.verify()
    print(
        f"a session was killed while it wrote: {found['blocks'] - before} new blocks, {unfinished} file not finished;"
    )
    print(f"{found['whole']} of {found['blocks']} blocks are whole")
    with opened(folder) as engine, agent(engine, folder, "Night") as again:
        turn(again, "night, after the kill", ORDERS, "again")


def main() -> None:
    if sys.argv[1:2] == ["--session"]:
        session(Path(sys.argv[2]))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(sys.argv[1] if len(sys.argv) > 1 else name)
        try:
            day(folder)
            killed(folder)
        except ModelError as error:
            print(f"The day needs the local engine: {error}")


if __name__ == "__main__":
    main()

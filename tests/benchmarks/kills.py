"""Kills at random points across runs with compactions: every resume goes on, and nothing is lost or done twice."""

import argparse
import random
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from tests.benchmarks.heading import heading, record_figures
from tests.runtime.killed import TURNS, check, play

SEED, KILLS, EACH = 11, 200, 12


def pause(chance: random.Random) -> None:
    """Up to 20 ms, so that the kill falls anywhere in a turn."""
    time.sleep(chance.uniform(0, 0.02))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="not needed: the runs are made here")
    parser.add_argument("--kills", type=int, default=KILLS)
    given = parser.parse_args()
    heading("kills", "made here", seed=SEED, kills=given.kills, turns_a_run=TURNS)
    kills = runs = compactions = 0
    while kills < given.kills:
        with tempfile.TemporaryDirectory() as folder:
            chance = random.Random(SEED + runs)
            wait = partial(pause, chance)
            done = play(Path(folder), chance, min(EACH, given.kills - kills), wait)
            compactions += check(Path(folder), done)
        kills, runs = kills + done, runs + 1
    print(f"  {runs} runs, {kills} kills, {compactions} compactions: every run finished with its transcript whole,")
    print("  no call without its result and no tool run twice (1.00 of the target)")
    record_figures(runs=runs, kills=kills, compactions=compactions)
    return int(compactions < runs)


if __name__ == "__main__":
    sys.exit(main())

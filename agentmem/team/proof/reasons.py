"""The reasons why a test is not proven, as one table, and the mark that a test in the judge gets for one.

The judge runs it by itself, without the rest of agentmem.
"""

from dataclasses import dataclass, field
from typing import Any

REASONS: dict[str, str] = {
    "untouched": "it calls nothing of the code",
    "compares": "the code itself decides a comparison",
    "checked": "a function of the code's makes its comparison",
    "class": "the code takes a class of the tests",
    "object": "the code takes an object of the tests that cannot be lent to it",
    "changes": "the code changes an object of the tests",
    "source": "the source of the code is read",
    "special": "it uses a special attribute of the code",
    "private": "it reads an object's private attribute, or sets a private name",
    "process": "it asks of its own process what the code did, which ran in another",
    "steered": "it changes pytest or unittest, which run it",
    "program": "it starts the project as a program",
    "foreign": "it uses what is not the project's through the project's modules",
    "put": "it puts something into a class or an object of Python's, where the code has its own",
    "replaced": "it calls what it has put in place of the code",
    "large": "a value is too large, or nested too deeply",
    "array": "an array has items that cannot cross",
    "rewritten": "it reads a file again that the code could have changed",
    "named": "it opens one of the tests' own files, by a name that the code returned",
    "relative": "it reads a file by a name relative to where it runs: take Path(__file__).parent",
    "linked": "it reads through a link in a folder that it shares with the code: read what the link names",
    "runs": "it runs, or unpickles, what the code may have returned",
    "argument": "the code changes an argument, and the test goes on to use it",
    "shared": "it changes a container that the code holds too, and apart from the code has a copy of",
    "stops": "the code raises StopIteration, which ends the loops of whoever calls it",
    "ended": "Python, or a library, took an exception of the code's for an answer",
    "swallowed": "an assertion failed inside the code, and the code did not let it out, or was called again",
    "idle": "no assertion of it ran, or one did not or failed, and it passed all the same",
    "kept": "the code uses what another test lent to it",
    "starred": "the code's names stand in the place of others, by from ... import *",
    "late": "it ran out of time",
    "skipped": "it is skipped, or expected to fail",
    "fixture": "it needs a fixture or a plugin that is not there",
    "missing": "what it imports or reads is not there without the code",
    "apart": "it fails apart from the code on the old code too, and not in one process",
    "order": "it fails when the tests run in another order",
    "chance": "it fails on the old code in one run, and not in another",
    "contradiction": "the code answers the same call differently in it and in another test",
    "specification": "the code answers a call otherwise than an example in the task or in the old docstring",
    "wording": "it fails when the code is only reformatted or its local names change",
    "unjudged": "it was not run apart from the code",
    "unknown": "it asks for what cannot cross",
}
"""Why a test that passes is not proven. The first that holds is told."""


class NotProven(BaseException):
    """Ends a test that cannot be proven. No ``except Exception`` of a test holds it up."""


class Gone(BaseException):
    """Ends a test whose code ended its process, came too late, or broke the wire."""


@dataclass(slots=True)
class Marks:
    """What is noticed while one test runs: its calls of the code, why it cannot be proven, and how it broke.

    ``doubts`` are reasons that count only if the test fails: where a proxy is not all that it stands for.
    ``testing`` is false as long as only its file is loaded, ``moved`` true once the test has changed the surroundings
    of the code: its environment, its arguments, or what is in its place. ``came`` says of objects by which call they
    came first. ``test`` counts the tests; 0 is what all share. ``lasting`` holds for every test of the file, and
    ``wide`` is true if values of the code came before the test, for all tests of the file. ``changed`` are the
    surroundings of its own that the code has changed. ``passing`` are reasons that count only if the test
    passes. ``turns`` counts the calls in which the code may have changed what it holds.
    """

    calls: int = 0
    why: dict[str, str] = field(default_factory=dict)
    doubts: dict[str, str] = field(default_factory=dict)
    broken: str = ""
    trace: list[tuple[str, str]] = field(default_factory=list)
    asserted: int = 0
    testing: bool = False
    moved: bool = False
    came: dict[int, str] = field(default_factory=dict)
    test: int = 0
    lasting: dict[str, str] = field(default_factory=dict)
    wide: bool = False
    changed: set[str] = field(default_factory=set)
    passing: dict[str, str] = field(default_factory=dict)
    turns: int = 0

    def reset(self) -> None:
        self.testing, self.moved = True, False
        self.calls, self.why, self.broken, self.trace, self.asserted = 0, dict(self.lasting), "", [], 0
        self.doubts, self.changed, self.passing = {}, set(), {}
        self.came = {}
        self.test += 1

    def not_proven(self, reason: str, about: str = "") -> Any:
        """Mark the test, and end it."""
        self.mark(reason, about)
        raise NotProven(f"{REASONS[reason]}{f': {about}' if about else ''}")

    def settled(self, outcome: str) -> dict[str, str]:
        """Why a test that has ended is not proven."""
        for reason, about in self.passing.items() if outcome == "passed" else ():
            self.mark(reason, about)
        return self.why

    def doubt(self, reason: str, about: str = "") -> None:
        """Note why the test may fail apart from the code and not with it."""
        self.doubts.setdefault(reason, about[:200])

    def mark(self, reason: str, about: str = "") -> None:
        """Mark the test, and let it go on. What is said of a name while the file is loaded holds for all its tests."""
        self.why.setdefault(reason if reason in REASONS else "unknown", about[:200])
        if reason in ("compares", "starred", "runs", "ended") and not self.testing:
            self.lasting.setdefault(reason, about[:200])

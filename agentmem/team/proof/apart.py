"""Runs tests apart from the code: a judge with the tests and a subject with the code, each behind walls of its own.

Each run makes two new forks that nobody can write. The two processes share pipes, and one temporary folder for the
files that tests pass to the code; the judge follows no link in it.
"""

import contextlib
import json
import os
import secrets
import threading
import time
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import agentmem
from agentmem.errors import SandboxError
from agentmem.sandbox import Sandbox
from agentmem.sandbox.layered import disk_usage
from agentmem.sandbox.planning import MOUNTING, TEMPORARY
from agentmem.sandbox.ties import Ties
from agentmem.team.proof.layout import ProjectLayout
from agentmem.team.proof.ready import BOOT, compiled
from agentmem.team.proof.run_folders import new_folder

PACKAGE = Path(agentmem.__file__).resolve().parent
_MANY = 4  # files of tests from which on two pairs of processes run them
_EACH = 2000  # bytes of a file of tests that take as long as its beginning
_READ = 64 << 20  # bytes that are read of what the judge tells
_SHARED = 1 << 30  # bytes that the temporary folder may hold

_TEMPORARY = Path(TEMPORARY)
"""Where both processes have the folder that they share. The tests have no place in there: the code could move the
folders above them away, and lay others in their place."""
_ELSEWHERE = (Path("/var/tmp"), Path.home())

_HERE = "here"
"""The empty folder in which the tests run, beside theirs. The code can tell no name of either: each lies in a folder of
its own, as what a process shares with another is named among its mounts."""


@dataclass(frozen=True, slots=True)
class SeenTest:
    """What one test did apart from the code. ``trace`` are its calls of the code, each with what came out."""

    id: str
    outcome: str
    why: Mapping[str, str] = field(default_factory=dict)
    broken: str = ""
    said: str = ""
    trace: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ApartRun:
    """A run: its tests by id, and the last lines that its processes printed, for people."""

    tests: Mapping[str, SeenTest]
    ended: bool
    said: str = ""
    seconds: float = 0.0


def can_be_apart(fork: Sandbox) -> str | None:
    """None where two processes can be kept apart, else the reason why not."""
    if fork.isolation in MOUNTING:
        return None
    return f"the isolation {fork.isolation!r} cannot keep the tests from the code; it needs one that mounts"


def _is_shared(place: Path) -> bool:
    return place.resolve().is_relative_to(_TEMPORARY)


@dataclass(frozen=True, slots=True)
class ApartBounds:
    """The limits of a run: its seconds, those of one call, the subjects and the pairs of processes it may use."""

    seconds: float = 600.0
    call: float = 60.0
    lives: int = 5
    pairs: int = 2


def run_apart(
    code: Sandbox,
    layout: ProjectLayout,
    tests: Mapping[str, bytes],
    files: Sequence[str],
    environment: Mapping[str, str],
    *,
    changed: Mapping[str, bytes] | None = None,
    reverse: bool = False,
    without: Collection[str] = (),
    bounds: ApartBounds = ApartBounds(),
) -> ApartRun:
    """Run test ``files`` in a judge, and the code of the fork ``code`` in a subject. The fork is not changed.

    ``tests`` are all files of tests, by path; none of them is in the subject. ``changed`` are files of the code with
    another content, as for a mutant. ``reverse`` runs files, and each file's tests, in the opposite order; tests
    ``without`` which they are run are named by their ids. Many files are run by two pairs of processes at a time.
    """
    began, orders = time.monotonic(), {"reverse": reverse, "without": sorted(without)}
    files = files[::-1] if reverse else files
    parts = _halves(files, tests) if len(files) >= _MANY and bounds.pairs > 1 else [files]
    with ThreadPoolExecutor(len(parts)) as pool:
        runs = list(
            pool.map(lambda part: _run(code, layout, tests, part, environment, changed or {}, orders, bounds), parts)
        )
    seen = {test: one for run in runs for test, one in run.tests.items()}
    said = "\n".join(run.said for run in runs)
    return ApartRun(seen, all(run.ended for run in runs), said, time.monotonic() - began)


def _halves(files: Sequence[str], tests: Mapping[str, bytes]) -> list[list[str]]:
    """The files in two parts that take about as long, by their sizes; each in the order in which they were."""
    first, weights = set[str](), [0, 0]
    for path in sorted(files, key=lambda one: len(tests[one]), reverse=True):
        place = int(weights[1] < weights[0])
        weights[place] += len(tests[path]) + _EACH
        first |= {path} if place == 0 else set()
    return [[one for one in files if one in first], [one for one in files if one not in first]]


def _run(
    code: Sandbox,
    layout: ProjectLayout,
    tests: Mapping[str, bytes],
    files: Sequence[str],
    environment: Mapping[str, str],
    changed: Mapping[str, bytes],
    orders: Mapping[str, Any],
    bounds: ApartBounds,
) -> ApartRun:
    with ExitStack() as opened:
        shared, kept = (opened.enter_context(new_folder(_place(code.where.parent))) for _ in range(2))
        shared.chmod(0o1777)
        root = kept / secrets.token_hex(8)
        (kept / _HERE).mkdir()
        subject = opened.enter_context(code.fork_again(writable=()))
        _strip(subject, layout, changed)
        packages = {f"{one}/__init__.py": b"" for one in layout.around}  # for relative imports of tests inside
        for path, data in {**packages, **tests}.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(data)
        judge = opened.enter_context(
            Sandbox.fork(kept, isolation=code.isolation, writable=(), readable=(PACKAGE,), where=None)
        )
        pair = _Pair(subject, judge, root.name, layout, shared, environment, bounds)
        ended, said = pair.run({**orders, "files": list(files)})
        return ApartRun(_seen(pair.told), ended, said)


def _place(beside: Path) -> Path:
    """A folder that can hold others, outside of /tmp."""
    fit = (one for one in (beside, *_ELSEWHERE) if os.access(one, os.W_OK) and not _is_shared(one))
    return next(fit, beside)


def _strip(subject: Sandbox, layout: ProjectLayout, changed: Mapping[str, bytes]) -> None:
    """Take the tests out of a fork, and put changed files in."""
    for path in subject.files():
        if layout.is_test(path):
            subject.delete(path)
    for path, data in changed.items():
        subject.write(path, data)


class _Pair:
    """The two processes of one run."""

    def __init__(
        self,
        subject: Sandbox,
        judge: Sandbox,
        tests: str,
        layout: ProjectLayout,
        shared: Path,
        environment: Mapping[str, str],
        bounds: ApartBounds,
    ) -> None:
        self.subject, self.judge, self.layout, self.shared = subject, judge, layout, shared
        self.tests = tests
        self.environment = {name: one for name, one in environment.items() if not name.startswith("PYTHON")}
        self.bounds = bounds
        self.told = bytearray()
        self.life, self.over, self.closed = 0, False, set[int]()
        self.looked, self.full = time.monotonic(), False

    def run(self, orders: dict[str, Any]) -> tuple[bool, str]:
        """Run both, and wait until both have ended. Returns whether the judge came to its end, and what it printed."""
        wires = [(os.pipe(), os.pipe()) for _ in range(self.bounds.lives)]
        out, out_in = os.pipe()
        ends = [[b[0], a[1]] for a, b in wires]
        reader = threading.Thread(target=self._listen, args=(out,))
        coder = threading.Thread(target=self._subjects, args=([(a[0], b[1]) for a, b in wires],))
        try:
            for thread in (reader, coder):
                thread.start()
            given = {**orders, "lives": ends, "out": out_in}
            said = self._judge(given, [*(end for pair in ends for end in pair), out_in])
        finally:
            self.over = True
            self._close(out_in, *(end for pair in ends for end in pair))  # so that the subject hears of the end
            coder.join()
            reader.join()
            self._close(out, *(end for pair in wires for pipe in pair for end in pipe))
        return b'{"end"' in self.told, said

    def _judge(self, orders: dict[str, Any], descriptors: Sequence[int]) -> str:
        root = self.judge.source / self.tests
        given = {
            **orders,
            "root": str(root),
            "here": str(self.judge.source / _HERE),
            "seconds": min(self.bounds.call, self.bounds.seconds),
            "limit": self.bounds.seconds,
            "tops": sorted(self.layout.tops),
            "late": sorted(self.layout.late),
            "own": sorted(self.layout.own_modules),
            "around": self.layout.packages_around,
            "roots": [str(root / one) for one in self.layout.code_paths],
            "programs": sorted(self.layout.programs),
            "paths": [str(root / one) for one in self.layout.test_paths],
            "options": list(self.layout.options),
            "opened": {
                "tops": sorted(self.layout.tops | self.layout.late),
                "paths": [str(self.subject.source / one) for one in self.layout.code_paths],
                "folder": str(self.subject.source),
            },
        }
        ties = Ties(tuple(descriptors), self.shared, follow=False, runs=False, ended=self._too_much)
        ran = self.judge.run(
            self._command("judge"),
            timeout=self.bounds.seconds,
            env=self.environment,
            stdin=compiled() + json.dumps(given).encode("ascii"),
            ties=ties,
        )
        return ran.output[-4000:] + (f"\n[ended because of {ran.killed}]" if ran.killed else "")

    def _subjects(self, wires: Sequence[tuple[int, int]]) -> None:
        """Start one subject after the other, each when the judge has given up the one before."""
        for number, (incoming, outgoing) in enumerate(wires):
            folders = [one for one in self.layout.hidden if (self.subject.source / one).is_dir()]
            hidden = tuple(one for one in folders if self.subject.exists(one))
            ties = Ties(
                (incoming, outgoing), self.shared, hidden=hidden, ended=partial(self._ended, number), own_user=True
            )
            command = [*self._command("subject"), str(incoming), str(outgoing)]
            with contextlib.suppress(SandboxError):
                seconds, environment = self.bounds.seconds, self.environment
                self.subject.run(command, timeout=seconds, env=environment, stdin=compiled(), ties=ties)
            self._close(incoming, outgoing)  # so that the judge hears of its end
            while not self.over and self.life <= number:
                time.sleep(0.02)
            if self.over:
                return

    def _close(self, *descriptors: int) -> None:
        for one in set(descriptors) - self.closed:
            self.closed.add(one)
            os.close(one)

    def _command(self, module: str) -> list[str]:
        """A part of this package, in a Python that is isolated but for the seed of its hashes, as in the check."""
        return [str(self.layout.python), "-s", "-P", "-B", "-c", BOOT.format(package=str(PACKAGE), module=module)]

    def _ended(self, number: int) -> bool:
        return self.over or self.life > number or self._too_much()

    def _too_much(self) -> bool:
        """True when the shared folder holds too much, looked at once in two seconds."""
        if time.monotonic() - self.looked > 2:
            self.full, self.looked = self.full or disk_usage(self.shared) > _SHARED, time.monotonic()
        return self.full

    def _listen(self, out: int) -> None:
        """Read what the judge tells, until it and all that it started have ended."""
        kept = 0
        while data := os.read(out, 1 << 16):
            if len(self.told) < _READ:
                self.told += data
            while (end := self.told.find(b"\n", kept)) >= 0:
                if self.told[kept:end].startswith(b'{"life"'):
                    self.life += 1
                kept = end + 1


def _seen(told: bytes | bytearray) -> dict[str, SeenTest]:
    """The tests that a judge told of, each with the worst that it did. Lines of another form are passed over."""
    found: dict[str, SeenTest] = {}
    for line in bytes(told).split(b"\n"):
        one = _test(line)
        if one is None:
            continue
        if one.id not in found or _worse(one) > _worse(found[one.id]):
            found[one.id] = one
    return found


def _worse(test: SeenTest) -> int:
    return 3 if test.broken else 2 if test.why else 0 if test.outcome == "passed" else 1


def _test(line: bytes) -> SeenTest | None:
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict) or not all(isinstance(said.get(key), str) for key in ("id", "outcome")):
        return None
    why, trace = said.get("why"), said.get("trace")
    reasons = {_text(key): _text(text) for key, text in why.items()} if isinstance(why, dict) else {}
    pairs = [one for one in trace if isinstance(one, list) and len(one) == 2] if isinstance(trace, list) else []
    return SeenTest(
        _text(said["id"]),
        _text(said["outcome"]),
        reasons,
        _text(said.get("broken", "")),
        _text(said.get("said", "")),
        tuple((_text(call), _text(answer)) for call, answer in pairs),
    )


def _text(value: Any) -> str:
    """A text that can be written: halves of letters, as an error of the code may hold, are spelled out."""
    return str(value).encode("utf-8", "backslashreplace").decode("utf-8")

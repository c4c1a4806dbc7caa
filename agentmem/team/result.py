"""What a team's work comes to: rounds, refusals, and the result."""

from base64 import b64decode, b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, get_args

from agentmem.sandbox import Diff, FileChange
from agentmem.team.budget import TeamSpent
from agentmem.team.report import Report
from agentmem.team.roles import Name
from agentmem.team.sharing import Shared
from agentmem.types import Json

Reason = Literal["pass", "rounds", "budget", "no_progress", "refused"]
"""Why a team stopped. pass: the tester's pass was proven. rounds: as many as were allowed. budget: the money or the
tokens. no_progress: the same tests failed with the same errors twice, or the same attempt was refused twice. refused:
the tester filed no report that stands."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Something that was not accepted: the rule's name, whose work it was, in which round, and what it was told."""

    rule: str
    role: Name
    round: int
    said: str


@dataclass(frozen=True, slots=True)
class Round:
    """One round: the tester's verdict that stands ("none": there is none), what is wrong, as ids with error lines.

    ``failing`` counts failing tests; ``mutants`` are those that the tester's tests were tried on: killed, in all.
    """

    number: int
    verdict: Literal["pass", "fail", "none"]
    faults: tuple[str, ...] = ()
    failing: int | None = None
    mutants: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class TeamResult:
    """How a team's work ended.

    ``verdict`` is that of the state that is kept, the one with the fewest failing tests: ``diff`` is its change against
    the repository, ``tests`` are the tester's files. ``report`` is the last that stands and ``page`` all of it as
    markdown, also kept in the file ``path``. ``shared`` says what the tester's first request read of the coder's
    prefix. Nothing has reached the repository: ``Team.merge`` does that.
    """

    thread: str
    task: str
    verdict: Literal["pass", "fail", "none"]
    reason: Reason
    said: str
    rounds: tuple[Round, ...]
    refusals: tuple[Refusal, ...]
    report: Report | None
    diff: Diff
    tests: Diff
    spent: TeamSpent
    shared: Shared | None = None
    page: str = ""
    path: str = ""

    @property
    def passed(self) -> bool:
        return self.verdict == "pass"


def pack(changes: Iterable[FileChange]) -> list[dict[str, Any]]:
    """Changes as JSON, for a checkpoint."""
    return [
        {
            "path": one.path,
            "kind": one.kind,
            "mode": one.mode,
            "before": _packed(one.before),
            "after": _packed(one.after),
        }
        for one in changes
    ]


def unpack(values: Iterable[Json]) -> Diff:
    """What `pack` made of a diff."""
    return Diff(
        tuple(
            FileChange(
                path=one["path"],
                kind=one["kind"],
                binary=any(b"\0" in (data or b"") for data in (_unpacked(one["before"]), _unpacked(one["after"]))),
                before=_unpacked(one["before"]),
                after=_unpacked(one["after"]),
                mode=one["mode"],
            )
            for one in values
        )
    )


def reason_of(name: str) -> Reason:
    """A reason from a checkpoint."""
    known: dict[str, Reason] = {one: one for one in get_args(Reason)}
    return known[name]


def _packed(data: bytes | None) -> str | None:
    return None if data is None else b64encode(data).decode("ascii")


def _unpacked(text: str | None) -> bytes | None:
    return None if text is None else b64decode(text)

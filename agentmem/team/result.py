"""The values of a team's work: rounds, refusals, and the result."""

from base64 import b64decode, b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, get_args

from agentmem.sandbox import Diff, FileChange
from agentmem.team.budget import TeamSpent
from agentmem.team.proof.verdict import Proof
from agentmem.team.report import Report
from agentmem.team.roles import Name
from agentmem.team.sharing import Shared
from agentmem.types import Json

Reason = Literal["pass", "rounds", "budget", "no_progress", "refused"]
"""The reason why a team stopped.

- pass: the tester's pass stands; ``TeamResult.proof`` says whether it is proven
- rounds: all rounds were used
- budget: the dollars or the tokens were used
- no_progress: the same tests failed twice with the same errors, or the same attempt was refused twice
- refused: no report of the tester was accepted
"""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refused attempt or report: the rule's name, the role and round, and the message that the role got."""

    rule: str
    role: Name
    round: int
    said: str


@dataclass(frozen=True, slots=True)
class Round:
    """One round: the verdict of the accepted report ("none" without one), and the faults as ids with error lines.

    ``failing`` counts failing tests. ``mutants`` are those that the tester's tests killed, and those tried in all.
    """

    number: int
    verdict: Literal["pass", "fail", "none"]
    faults: tuple[str, ...] = ()
    failing: int | None = None
    mutants: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class TeamResult:
    """The result of a team's work. Nothing has reached the repository yet: `Team.merge` does that.

    ``verdict``: of the state that is kept, which is the one with the fewest failing tests.
    ``diff``: that state's change against the repository. ``tests``: the tester's files.
    ``reason`` and ``said``: why the work stopped, as a name and in words.
    ``report``: the last report that was accepted.
    ``spent``: the requests, tokens and dollars of both roles.
    ``shared``: the part of the tester's first request that was read from the coder's prefix.
    ``page``: everything as markdown, also in the file ``path``.
    ``proof``: what the pass of that state is worth, test by test; None where no report passed it.
    ``trusts_code``: whether a pass counts that is not proven (``Team(trust_code=True)``).

    Example:
        >>> result = team.run("Reject negative prices.")
        >>> if result.passed:
        ...     team.merge(result)
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
    proof: Proof | None = None
    trusts_code: bool = False

    @property
    def proven(self) -> bool:
        """True if the pass is proven."""
        return self.verdict == "pass" and self.proof is not None and self.proof.verdict == "proven"

    @property
    def passed(self) -> bool:
        """True if the pass counts: it is proven, or the code is trusted."""
        return self.proven or (self.verdict == "pass" and self.trusts_code)


def pack(changes: Iterable[FileChange]) -> list[dict[str, Any]]:
    """Changes as JSON, for a checkpoint."""
    return [
        {
            "path": one.path,
            "kind": one.kind,
            "mode": one.mode,
            "old_mode": one.old_mode,
            "links": [one.was_link, one.is_link],
            "before": _packed(one.before),
            "after": _packed(one.after),
        }
        for one in changes
    ]


def unpack(values: Iterable[Json]) -> Diff:
    """The diff that `pack` wrote."""
    return Diff(
        tuple(
            FileChange(
                path=one["path"],
                kind=one["kind"],
                binary=any(b"\0" in (data or b"") for data in (_unpacked(one["before"]), _unpacked(one["after"]))),
                before=_unpacked(one["before"]),
                after=_unpacked(one["after"]),
                mode=one["mode"],
                old_mode=one.get("old_mode", 0o644),
                was_link=one.get("links", [False, False])[0],
                is_link=one.get("links", [False, False])[1],
            )
            for one in values
        )
    )


def reason_of(name: str) -> Reason:
    """A reason that was read from a checkpoint."""
    known: dict[str, Reason] = {one: one for one in get_args(Reason)}
    return known[name]


def _packed(data: bytes | None) -> str | None:
    return None if data is None else b64encode(data).decode("ascii")


def _unpacked(text: str | None) -> bytes | None:
    return None if text is None else b64decode(text)

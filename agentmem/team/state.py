"""What LangGraph checkpoints of a team's work: plain JSON, from which another process can go on."""

from typing import Any, TypedDict


class TeamState(TypedDict, total=False):
    """``task`` is what to do. All else is the work's own.

    ``round`` and ``tries`` count; ``message`` is what the next role is told; ``attempt`` and ``tests`` are the changes
    of coder and tester (see result.pack). ``report`` is what the tester filed last and ``stands`` the last report that
    was accepted; ``ran`` are the commands behind it. ``heads`` are the ends of the roles' threads when the step before
    was done, ``since`` that of the tester's when the round began. ``rounds``, ``refusals`` and ``pages`` grow; ``mark``
    is what the last round came to, to see whether the next is the same; ``best`` is the state with the fewest faults.
    ``stop`` is a result's reason, and ``said`` says it in words.
    """

    task: str
    round: int
    tries: int
    message: str | None
    attempt: list[dict[str, Any]]
    tests: list[dict[str, Any]]
    report: dict[str, Any] | None
    stands: dict[str, Any] | None
    ran: list[str]
    heads: dict[str, int]
    since: int
    rounds: list[dict[str, Any]]
    refusals: list[dict[str, Any]]
    pages: list[str]
    mark: list[str]
    best: dict[str, Any] | None
    stop: str
    said: str

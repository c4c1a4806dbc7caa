"""The state of a team's work that LangGraph checkpoints: plain JSON, so that another process can continue."""

from typing import Any, TypedDict


class TeamState(TypedDict, total=False):
    """``task`` is the task. Everything else is written by the work itself.

    ``round``, ``tries``: counters.
    ``message``: the message for the next role.
    ``attempt``, ``tests``: the changes of coder and tester (see result.pack).
    ``report``: the tester's last report. ``stands``: the last accepted one. ``ran``: the commands behind it.
    ``heads``: the ends of the roles' threads after the last step. ``since``: the tester's when the round began.
    ``rounds``, ``refusals``, ``pages``: lists that grow.
    ``mark``: the outcome of the last round, to see if the next one is the same.
    ``proof``: the proof of the last accepted report. ``best``: the state with the fewest faults.
    ``stop``, ``said``: the reason why the work stopped, as a name and in words.
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
    proof: dict[str, Any] | None
    best: dict[str, Any] | None
    stop: str
    said: str

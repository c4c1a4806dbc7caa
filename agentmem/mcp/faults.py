"""The ways in which a server fails, each with the sentence that the model is told in place of a result."""

from collections.abc import Callable
from dataclasses import dataclass

from agentmem.errors import ToolError

MOST = 16_000_000
"""The most bytes that a server may send in answer to one request. Pictures are the longest that tools return."""

SENTENCES = {
    "died": "The server {server} ended while it worked on {tool}, so the call may or may not have taken effect.{said} "
    "It is started again for the next call: look at what it should have changed before you repeat this one.",
    "stalled": "The server {server} did not answer {tool} within {seconds:g} seconds. The call may have taken effect: "
    "look before you repeat it, and ask for less at a time.",
    "flooded": "The server {server} sent more than {most:,} bytes for {tool}, so it was stopped and nothing of the "
    "answer is kept. It is started again for the next call: ask for less, or filter more.",
    "absent": "The server {server} cannot be reached now, so {tool} was not called: {why}.{said} {onward}",
    "refused": "The server {server} refused the call of {tool}: {why}",
    "gone": "The server {server} has no tool {tool} any more. {near}Use another tool, or say what you lack.",
    "unreadable": "The server {server} answered {tool} in a form that the protocol does not have: {why}",
}
"""What the model is told, by what happened."""


class ServerFault(ToolError):
    """A call that a server did not serve. ``kind`` is a key of SENTENCES."""

    def __init__(self, kind: str, **facts: object) -> None:
        self.kind = kind
        super().__init__(SENTENCES[kind].format(**facts))


class Flooded(Exception):
    """A server has sent more than it may."""


GRACE = 2.0
"""Seconds that a server has to end by itself after its input has been closed, as the protocol's rules for stdio say."""


@dataclass(slots=True)
class Flow:
    """Counts what a server sends since it was last asked for something. ``ended`` is called when it has ended.

    ``patience`` are the seconds that the server has to end by itself, once it is no longer needed.
    """

    most: int = MOST
    ended: Callable[[], object] = lambda: None
    flooded: bool = False
    patience: float = GRACE
    since: int = 0

    def sent(self) -> None:
        """A request goes out: the server may answer again."""
        self.since = 0

    def came(self, size: int) -> None:
        """Some bytes came in. Raises Flooded above the limit."""
        self.since += size
        if self.since > self.most:
            self.flooded = True
            raise Flooded

    def end(self) -> None:
        """The connection has ended."""
        self.ended()

"""Faults between a client and the Messages API, as replies that the loopback server makes on purpose."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from agentmem.kvcache.simulated import events
from agentmem.kvcache.simulated.events import ServerAnswer
from agentmem.types import Json


@dataclass(frozen=True, slots=True)
class HttpError:
    """Fault: an error in the API's shape. ``retry_after`` is in seconds.

    MessagesServer([HttpError(529, "overloaded_error", retry_after=1), ServerAnswer.text("Hello.")])
    """

    status: int
    kind: str = "api_error"
    message: str = "a fault made on purpose"
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class BrokenStream:
    """Fault: the stream ends after ``events`` events. If ``clean``, it just ends; else the connection drops.

    MessagesServer([BrokenStream(ServerAnswer.text("Hello."), events=3), ServerAnswer.text("Hello.")])
    """

    answer: ServerAnswer
    events: int
    clean: bool = False


@dataclass(frozen=True, slots=True)
class StalledStream:
    """Fault: the stream stops after ``events`` events and stays open, until the client or the server closes it.

    MessagesServer([StalledStream(ServerAnswer.text("Hello."), events=3)])
    """

    answer: ServerAnswer
    events: int


@dataclass(frozen=True, slots=True)
class StreamError:
    """Fault: after ``events`` events the stream sends an error.

    MessagesServer([StreamError(ServerAnswer.text("Hello."), events=3)])
    """

    answer: ServerAnswer
    events: int
    kind: str = "overloaded_error"
    message: str = "Overloaded"


@dataclass(frozen=True, slots=True)
class Garbage:
    """Fault: a response of status 200 that is not JSON, or a stream whose second event is not."""


@dataclass(frozen=True, slots=True)
class Expired:
    """Fault: the request waited in a batch until that had expired. Only for batches."""


Reply = ServerAnswer | HttpError | BrokenStream | StalledStream | StreamError | Garbage | Expired


def answer_of(reply: Reply) -> ServerAnswer:
    """The answer that a fault spoils; for a fault without one, an answer that is never sent."""
    return reply if isinstance(reply, ServerAnswer) else getattr(reply, "answer", ServerAnswer.text("never sent"))


def lines(whole: Json, reply: Reply) -> Iterator[bytes]:
    """The bytes of each server-sent event, up to the fault if there is one."""
    limit = getattr(reply, "events", 1 if isinstance(reply, Garbage) else None)
    for number, (name, data) in enumerate(events.stream(whole)):
        if number == limit:
            break
        yield _line(name, json.dumps(data, ensure_ascii=False))
    if isinstance(reply, StreamError):
        error = {"type": "error", "error": {"type": reply.kind, "message": reply.message}}
        yield _line("error", json.dumps(error))
    if isinstance(reply, Garbage):
        yield _line("content_block_start", "{not json")


def _line(name: str, data: str) -> bytes:
    return f"event: {name}\ndata: {data}\n\n".encode()

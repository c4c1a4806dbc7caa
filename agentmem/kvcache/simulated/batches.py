"""The batches of the loopback server, as in Anthropic's Message Batches API: requests that wait, at half the price.

A batch is worked on at its creation and ends after some looks at it. Results come in another order than the requests,
as the API warns; an error, and a request that expired, is a result of its own.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from agentmem.kvcache.simulated.faults import Expired, HttpError
from agentmem.types import Json

PATH = "/v1/messages/batches"
DAY = timedelta(hours=24)
Works = Callable[[Json], Json | HttpError | Expired]
"""Answers the parameters of one request: the message, or why there is none."""


@dataclass(slots=True)
class SimulatedBatch:
    """One batch: its results by custom id, and the looks at it until it has ended."""

    id: str
    results: Mapping[str, Json]
    left: int
    created: datetime = field(default_factory=lambda: datetime.now(UTC))

    def told(self, url: str) -> dict[str, Any]:
        """The batch as the API shows it."""
        kinds = [one["type"] for one in self.results.values()]
        ended = self.left <= 0
        counts = {kind: kinds.count(kind) if ended else 0 for kind in ("succeeded", "errored", "canceled", "expired")}
        return {
            "id": self.id,
            "type": "message_batch",
            "processing_status": "ended" if ended else "in_progress",
            "request_counts": {"processing": 0 if ended else len(kinds), **counts},
            "ended_at": self.created.isoformat() if ended else None,
            "created_at": self.created.isoformat(),
            "expires_at": (self.created + DAY).isoformat(),
            "archived_at": None,
            "cancel_initiated_at": None,
            "results_url": f"{url}{PATH}/{self.id}/results" if ended else None,
        }


@dataclass(slots=True)
class SimulatedBatches:
    """All batches of a server. A batch ends at the ``looks``-th look at it."""

    looks: int = 1
    made: dict[str, SimulatedBatch] = field(default_factory=dict)

    def create(self, requests: Sequence[Json], works: Works) -> SimulatedBatch:
        """A new batch of requests, each {custom_id, params}."""
        results = {str(one["custom_id"]): _result(works(one["params"])) for one in requests}
        batch = SimulatedBatch(f"msgbatch_{len(self.made) + 1:04d}", results, self.looks)
        self.made[batch.id] = batch
        return batch

    def read(self, path: str, url: str) -> "Json | bytes | None":
        """The answer to GET: the list, a batch, or the lines of its results; None for a path that there is not."""
        if path == PATH:
            listed = [one.told(url) for one in reversed(self.made.values())]
            ends = {"first_id": listed[0]["id"] if listed else None, "last_id": listed[-1]["id"] if listed else None}
            return {"data": listed, "has_more": False, **ends}
        name, _, rest = path.removeprefix(f"{PATH}/").partition("/")
        batch = self.made.get(name)
        if batch is None or rest not in ("", "results"):
            return None
        if rest == "results":
            lines = ({"custom_id": name, "result": result} for name, result in reversed(list(batch.results.items())))
            return b"".join(json.dumps(line, ensure_ascii=False).encode() + b"\n" for line in lines)
        batch.left -= 1
        return batch.told(url)


def _result(answer: Json | HttpError | Expired) -> Json:
    if isinstance(answer, Expired):
        return {"type": "expired"}
    if isinstance(answer, HttpError):
        error = {"type": answer.kind, "message": answer.message}
        return {"type": "errored", "error": {"type": "error", "error": error, "request_id": None}}
    return {"type": "succeeded", "message": answer}

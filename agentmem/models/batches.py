"""Runs requests that can wait through Anthropic's Message Batches API, at half the price.

A request is written down before it is sent, by the place in its thread, and so is the batch that it went into. So a
run that was killed while it waited finds its batch again and sends nothing twice. If the kill came between the two, the
provider's own list of batches tells which one it was.
"""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from agentmem.closing import Closing
from agentmem.errors import ConfigError, ModelError, ModelUnreachable
from agentmem.kvcache.frames import canonical
from agentmem.models.anthropic import BASIS_HEADER, AnthropicModel
from agentmem.models.anthropic_errors import CAUGHT, is_unanswered, translate
from agentmem.models.anthropic_reply import ReplyBuilder
from agentmem.models.anthropic_request import arguments, write_ttl
from agentmem.models.batch_records import BatchRecord, BatchRecords
from agentmem.types import Basis, Delta, ModelProfile, Reply, Request, Waiting

if TYPE_CHECKING:
    from anthropic.resources.messages.batches import Batches

T = TypeVar("T")
Replies = list[Reply | ModelError]

POLL = 60.0
"""Seconds between two looks at a batch. Most batches end within an hour (Anthropic, "Batch processing")."""
LARGEST = 100_000
"""Requests of one batch, as the API documents."""
KEPT = 29 * 86_400.0
"""Seconds that results stay at the provider's (Anthropic, "Batch processing")."""
SLACK = 60.0
"""Seconds by which the provider's clock may be behind ours."""
TRIES = 10
"""Looks without an answer, in a row, after which it is an error. The batch goes on, and a later run finds it."""


class BatchModel(Closing):
    """A model whose requests go through the batch API. `ask` sends several in one batch.

        batch = BatchModel(AnthropicModel("claude-haiku-4-5"), Path("notes/.agentmem/batches"))
        with batch:
            replies = batch.ask(requests)

    ``folder`` keeps what was sent. ``poll`` are the seconds between looks, ``now`` is the clock. A request that
    expired, or failed, is an error below ModelError; it is not billed, and the next try sends it anew.
    """

    def __init__(
        self, model: AnthropicModel, folder: Path, *, poll: float = POLL, now: Callable[[], float] = time.time
    ) -> None:
        if model.context_management:
            raise ConfigError("context_management is not for batches: leave it out of the batch target's model")
        self.inner, self.poll, self._now = model, poll, now
        self.records = BatchRecords(folder)

    @property
    def profile(self) -> ModelProfile:
        return self.inner.profile

    def pending(self, key: str) -> bool:
        """True if the request of this key waits in a batch."""
        found = self.records.find(_name(key))
        return found is not None and not found.done

    def stream(self, request: Request) -> Iterator[Delta]:
        """Sends the request, if that was not done before, and waits for its result."""
        work = self._work([request])
        while isinstance(found := _step(work), Waiting):
            yield found
            time.sleep(found.seconds)
        yield _only(found)

    async def astream(self, request: Request) -> AsyncIterator[Delta]:
        """`stream` for asyncio."""
        work = self._work([request])
        while isinstance(found := await asyncio.to_thread(_step, work), Waiting):
            yield found
            await asyncio.sleep(found.seconds)
        yield _only(found)

    def ask(self, requests: Sequence[Request]) -> list[Reply | ModelError]:
        """Sends requests in one batch and waits: a reply or an error for each, in their order."""
        if len(requests) > LARGEST:
            raise ConfigError(f"a batch takes {LARGEST:,} requests: ask in several")
        work = self._work(requests)
        while isinstance(found := _step(work), Waiting):
            time.sleep(found.seconds)
        return found

    def close(self) -> None:
        """Closes the model. What was sent goes on, and is found again."""
        self.inner.close()

    def _work(self, requests: Sequence[Request]) -> Generator[Waiting, None, Replies]:
        """Sends what was not sent yet, in one batch; looks at the batches until all have ended; reads the results."""
        names = [name_of(one) for one in requests]
        known = {name: self._found(name, one) for name, one in zip(names, requests, strict=True)}
        new = {name: one for name, one in zip(names, requests, strict=True) if known[name] is None}
        if new:
            known |= dict.fromkeys(new, self._sent(new))
        results: dict[str, Any] = {}
        for batch in dict.fromkeys(one for one in known.values() if one is not None):
            basis = yield from self._ended(batch)
            results |= {line.custom_id: (line.result, basis) for line in self._lines(batch)}
        return [self._reply(name, results.get(name)) for name in names]

    def _found(self, name: str, request: Request) -> str | None:
        """The batch that a request went into; None if it is to be sent."""
        record = self.records.find(name)
        if record is None or record.digest != _digest(request):
            return None
        return record.batch or self._adopted(name, record)

    def _adopted(self, name: str, record: BatchRecord) -> str | None:
        """The batch of a request whose run was killed while it was sent: one of the provider's list that no other
        record names, as large, and not older. Its results decide.
        """
        taken = self.records.batches()
        for batch in self._call(lambda: list(self._batches.list(limit=100))):
            counts = batch.request_counts.to_dict()
            fresh = batch.created_at.timestamp() >= record.at - SLACK
            if fresh and batch.id not in taken and sum(int(str(one)) for one in counts.values()) == record.size:
                self.records.keep(name, replace(record, batch=batch.id))
                return str(batch.id)
        return None

    def _sent(self, requests: Mapping[str, Request]) -> str:
        """Sends requests as one batch; returns its id. Each is written down before, and the batch after."""
        self.records.forget(self._now() - KEPT)
        made = {
            name: BatchRecord(_digest(one), self._now(), len(requests), ttl=write_ttl(one.marks))
            for name, one in requests.items()
        }
        for name, record in made.items():
            self.records.keep(name, record)
        given = [{"custom_id": name, "params": _params(one, self.inner)} for name, one in requests.items()]
        try:
            batch = self._call(lambda: self._batches.create(requests=given))  # type: ignore[arg-type]
        except ModelError:
            for name in made:
                self.records.drop(name)
            raise
        for name, record in made.items():
            self.records.keep(name, replace(record, batch=batch.id))
        return str(batch.id)

    def _ended(self, batch: str) -> Generator[Waiting, None, Basis]:
        """Looks at a batch until it has ended. Returns who counted its tokens."""
        failed = 0
        while True:
            try:
                raw = self._batches.with_raw_response.retrieve(batch)
                failed, told = 0, raw.parse()
            except CAUGHT as error:
                failed += 1
                if failed >= TRIES or not is_unanswered(error):
                    raise translate(error, self.inner.api_key) from error
                yield Waiting(self.poll, f"no answer on batch {batch}")
                continue
            if told.processing_status == "ended":
                return "simulated" if raw.headers.get(BASIS_HEADER) == "simulated" else "measured"
            yield Waiting(self.poll, f"batch {batch} is being worked on")

    def _lines(self, batch: str) -> list[Any]:
        return self._call(lambda: list(self._batches.results(batch)))

    def _reply(self, name: str, found: "tuple[Any, Basis] | None") -> Reply | ModelError:
        """The reply in a result, matched by its id. Without one the record goes, so that the next try sends anew."""
        result: Any = found and found[0]
        if found is None or result.type != "succeeded":
            self.records.drop(name)
            return _error(result)
        record = self.records.find(name)
        waited = max(0.0, self._now() - record.at) if record else 0.0
        builder = ReplyBuilder(record.ttl if record else "5m", found[1])
        list(builder.take_whole(result.message))
        if record:
            self.records.keep(name, replace(record, done=True))
        return builder.reply(waited, waited)

    def _call(self, ask: Callable[[], T]) -> T:
        try:
            return ask()
        except CAUGHT as error:
            raise translate(error, self.inner.api_key) from error

    @property
    def _batches(self) -> "Batches":
        return self.inner.sync_client().messages.batches


def name_of(request: Request) -> str:
    """The custom id of a request: by its place in its thread, or by its content where it has none."""
    return _name(request.key or _digest(request))


def _name(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:40]


def _digest(request: Request) -> str:
    return hashlib.sha256(canonical(arguments(request, diagnostics=False))).hexdigest()


def _params(request: Request, model: AnthropicModel) -> dict[str, Any]:
    given = arguments(request, False, model.cache_control, model.ttl)
    return {**given, **(given.pop("extra_body", None) or {})}


def _error(result: Any) -> ModelError:
    """The error in a result, as one of ours."""
    if result is None:
        return ModelUnreachable("the batch has no result for this request, so it was not answered")
    if result.type == "errored":
        return translate(BatchError(result.error.error.type, result.error.error.message))
    return ModelUnreachable(f"the request {SAYS[result.type]} in its batch: it was not answered, and is not billed")


SAYS = {"expired": "expired", "canceled": "was canceled"}


class BatchError(Exception):
    """An error inside a batch's results: ``type`` is the API's kind of it."""

    def __init__(self, type: str, message: str) -> None:
        super().__init__(message)
        self.type, self.api_message = type, message


def _step(work: Generator[Waiting, None, Replies]) -> Waiting | Replies:
    """The next wait, or what the work has found."""
    try:
        return next(work)
    except StopIteration as end:
        found: Replies = end.value
        return found


def _only(found: Replies) -> Reply:
    (reply,) = found
    if isinstance(reply, ModelError):
        raise reply
    return reply

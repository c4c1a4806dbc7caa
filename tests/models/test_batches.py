"""The batch API through the real SDK: sent once, polled, found again after a kill, matched by id, at half the price."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agentmem.errors import ConfigError, ModelNotAvailable, ModelOverloaded, ModelRejected, ModelUnreachable
from agentmem.kvcache.prompts import body_blocks
from agentmem.kvcache.simulated.batches import PATH, SimulatedBatches
from agentmem.kvcache.simulated.events import ServerAnswer
from agentmem.kvcache.simulated.faults import Expired, HttpError
from agentmem.kvcache.simulated.faults import Reply as Served
from agentmem.kvcache.simulated.server import MessagesServer, echo
from agentmem.meter.prices import cost
from agentmem.models.anthropic import AnthropicModel
from agentmem.models.anthropic_request import check_body
from agentmem.models.batch_records import BatchRecord
from agentmem.models.batches import BatchModel, name_of
from agentmem.types import Extras, Json, Message, Reply, Request, Text, Waiting
from tests.models.requests import request


def asked(text: str, key: str = "") -> Request:
    return replace(request(Message("user", (Text(text),)), model="claude-haiku-4-5"), key=key)


@contextmanager
def batching(
    folder: Path, replies: "Callable[[Json], Served] | list[Served]" = echo, looks: int = 1, now: float | None = None
) -> Iterator[tuple[BatchModel, MessagesServer]]:
    with (
        MessagesServer(replies, validate=check_body, batches=SimulatedBatches(looks)) as server,
        AnthropicModel("claude-haiku-4-5", api_key="none", base_url=server.url, max_retries=0) as model,
    ):
        given: dict[str, Any] = {} if now is None else {"now": lambda: now}
        yield BatchModel(model, folder / "batches", poll=0.001, **given), server


def sent(server: MessagesServer) -> int:
    return sum(one.path == PATH and one.body is not None for one in server.requests)


def replied(model: BatchModel, one: Request) -> Reply:
    reply = list(model.stream(one))[-1]
    assert isinstance(reply, Reply)
    return reply


def test_a_request_waits_and_is_answered_at_half_the_price(tmp_path: Path) -> None:
    """Each look that finds it unfinished is a Waiting; the reply's usage names the batch, so it costs half."""
    with batching(tmp_path, looks=3) as (model, server):
        items = list(model.stream(asked("Hello", "t/1")))
        assert [type(one) for one in items] == [Waiting, Waiting, Reply]
        reply = items[-1]
        assert isinstance(reply, Reply)
        assert reply.message.text == "You said: Hello"
        assert (reply.usage.basis, reply.extras.speed) == ("simulated", "batch")
        half = cost(model.profile, reply.usage, extras=reply.extras).usd
        whole = cost(model.profile, reply.usage, extras=Extras()).usd
        assert half is not None
        assert whole is not None
        assert half == pytest.approx(whole / 2)
        assert sent(server) == 1


def test_several_go_in_one_batch_and_are_matched_by_id(tmp_path: Path) -> None:
    """The results come in another order, with an error and an expiry of their own among them."""

    def answers(body: Json) -> Served:
        text = [one["text"] for one in body_blocks(body) if one["type"] == "text"][-1]
        faults: dict[str, Served] = {"two": HttpError(529, "overloaded_error", "Overloaded"), "three": Expired()}
        return faults.get(text) or ServerAnswer.text(f"{text}!")

    with batching(tmp_path, answers) as (model, server):
        one, two, three, four = model.ask([asked(text) for text in ("one", "two", "three", "four")])
        assert isinstance(one, Reply)
        assert isinstance(four, Reply)
        assert (one.message.text, four.message.text) == ("one!", "four!")
        assert isinstance(two, ModelOverloaded)
        assert isinstance(three, ModelUnreachable)
        assert "expired in its batch: it was not answered, and is not billed" in str(three)
        assert sent(server) == 1
        assert len(model.ask([asked("one"), asked("four")])) == 2
        assert sent(server) == 1


def test_another_process_finds_the_batch_and_sends_nothing(tmp_path: Path) -> None:
    """A run that ended while it waited: the next one polls the same batch, also one that was killed after the reply."""
    with batching(tmp_path, looks=2) as (model, server):
        one = asked("Hello", "t/1")
        assert isinstance(next(iter(model.stream(one))), Waiting)
        other = BatchModel(model.inner, tmp_path / "batches", poll=0.001)
        assert other.pending("t/1")
        assert replied(other, one).message.text == "You said: Hello"
        assert not other.pending("t/1")
        assert replied(other, one).message.text == "You said: Hello"
        assert sent(server) == 1


def test_a_kill_while_it_was_sent(tmp_path: Path) -> None:
    """The batch was made and its id never written: the provider's list tells which it is."""
    with batching(tmp_path) as (model, server):
        one = asked("Hello", "t/1")
        replied(model, one)
        model.records.keep(name_of(one), replace(record(model, one), batch="", done=False))
        assert replied(model, one).message.text == "You said: Hello"
        assert sent(server) == 1


def test_a_kill_before_it_was_sent(tmp_path: Path) -> None:
    """Nothing like it stands in the provider's list: it is sent."""
    with batching(tmp_path) as (model, server):
        one, another = asked("Hello", "t/1"), asked("Another", "u/1")
        replied(model, another)
        replied(model, one)
        model.records.keep(name_of(one), replace(record(model, one), batch="", size=7, done=False))
        assert replied(model, one).message.text == "You said: Hello"
        assert sent(server) == 3


def record(model: BatchModel, one: Request) -> BatchRecord:
    found = model.records.find(name_of(one))
    assert found is not None
    return found


def test_a_request_that_failed_is_sent_anew(tmp_path: Path) -> None:
    """An expired one is an error that says so; the next try is a new batch."""
    script: list[Served] = [Expired(), HttpError(400, "invalid_request_error", "no"), ServerAnswer.text("Yes.")]
    with batching(tmp_path, script) as (model, server):
        with pytest.raises(ModelUnreachable, match="expired in its batch"):
            replied(model, asked("Hello", "t/1"))
        with pytest.raises(ModelRejected, match="no"):
            replied(model, asked("Hello", "t/1"))
        assert replied(model, asked("Hello", "t/1")).message.text == "Yes."
        assert sent(server) == 3


def test_in_asyncio(tmp_path: Path) -> None:
    """`astream` does the same."""

    async def main(model: BatchModel) -> list[object]:
        return [type(one) async for one in model.astream(asked("Hello", "t/1"))]

    with batching(tmp_path, looks=2) as (model, _):
        assert asyncio.run(main(model)) == [Waiting, Reply]


def test_a_batch_that_is_refused_leaves_no_record(tmp_path: Path) -> None:
    """The provider refuses the whole batch: nothing waits, and the error says why."""
    with MessagesServer(key="other") as server, AnthropicModel("m", api_key="none", base_url=server.url) as inner:
        model = BatchModel(inner, tmp_path / "batches")
        with pytest.raises(ModelNotAvailable, match="invalid x-api-key"):
            replied(model, asked("Hello", "t/1"))
        assert not model.pending("t/1")


def test_a_damaged_record_is_said(tmp_path: Path) -> None:
    """With the file to remove."""
    with batching(tmp_path) as (model, _):
        replied(model, asked("Hello", "t/1"))
        (path,) = (tmp_path / "batches").glob("*.json")
        path.write_text("{")
        with pytest.raises(ConfigError, match="is no record of a batch"):
            replied(model, asked("Hello", "t/1"))


def test_old_records_go(tmp_path: Path) -> None:
    """After 29 days the provider has no results any more."""
    with batching(tmp_path, now=1e9) as (model, _):
        replied(model, asked("Hello", "t/1"))
        later = BatchModel(model.inner, tmp_path / "batches", poll=0.001, now=lambda: 1e9 + 30 * 86_400)
        replied(later, asked("Hello", "t/2"))
        assert len(list((tmp_path / "batches").glob("*.json"))) == 1

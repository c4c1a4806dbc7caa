import asyncio
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from agentmem.errors import ConfigError, ModelNotAvailable, ModelRejected
from agentmem.kvcache.warehouse.warehouse import Warehouse
from agentmem.models import load
from agentmem.models.engine import Engine
from agentmem.models.local import LocalModel
from agentmem.types import Delta, Mark, Message, Options, Reply, Request, Text, TextDelta
from tests.models.requests import ask, request

SYSTEM = "You answer in one short sentence. " * 20


@pytest.fixture
def model(engine: Engine) -> Iterator[LocalModel]:
    """A model on the running engine, cut at 8 tokens."""
    with closing(LocalModel(engine=engine, longest=8)) as opened:
        yield opened


def question(*more: Message) -> Request:
    return request(ask("Tell me a long story about France."), *more, system=(SYSTEM,))


def whole(deltas: list[Delta]) -> Reply:
    last = deltas[-1]
    assert isinstance(last, Reply)
    assert last.message.text == "".join(delta.text for delta in deltas[:-1] if isinstance(delta, TextDelta))
    return last


def test_it_streams_text_and_then_the_reply(model: LocalModel) -> None:
    """Pieces of text come first, the reply with measured usage last; the pieces make up the text."""
    reply = whole(list(model.stream(question())))
    assert reply.message.text
    assert reply.usage.basis == "measured"
    assert 0 < reply.usage.output_tokens <= 8
    assert reply.usage.input_tokens > 100


def test_the_next_turn_reads_the_cache(model: LocalModel) -> None:
    """All of the request before but its last tokens is cached when the conversation goes on."""
    first = whole(list(model.stream(question())))
    again = whole(list(model.stream(question(first.message, ask("And of Italy?")))))
    assert again.usage.cache_read_tokens >= 0.97 * first.usage.input_tokens


def test_asyncio_gives_the_same(model: LocalModel) -> None:
    """The asynchronous stream ends with the same message."""

    async def collect() -> list[Delta]:
        return [delta async for delta in model.astream(question())]

    assert whole(asyncio.run(collect())).message == whole(list(model.stream(question()))).message


def test_what_the_engine_does_not_know_is_left_out(model: LocalModel) -> None:
    """Breakpoints, thinking and effort do no harm, and a long limit is cut."""
    options = Options(max_tokens=100_000, thinking='{"type":"adaptive"}', effort="high")
    asked = replace(question(), options=options, marks=(Mark("system", 0, 0, "1h"),))
    reply = whole(list(model.stream(asked)))
    assert (reply.usage.output_tokens, reply.stop_reason) == (8, "max_tokens")


def test_too_long_a_request_is_refused(model: LocalModel) -> None:
    """A request beyond the context is an error of ours that says how much fits."""
    with pytest.raises(ModelRejected, match="2048"):
        list(model.stream(request(ask("word " * 2100))))


def test_a_shared_engine_stays_open(engine: Engine) -> None:
    """Closing a model leaves an engine that it was given running; closing twice is fine."""
    model = LocalModel(engine=engine)
    model.close()
    model.close()
    assert engine.tokens("hello")


def test_its_own_engine_is_closed_with_it(weights: Path) -> None:
    """A model that started its engine closes it, at the end of a `with` too."""
    made = load("local", context=512, warehouse=None)
    assert isinstance(made, LocalModel)
    with made as model:
        assert (model.profile.provider, model.profile.tier) == ("local", "local")
    with pytest.raises(ModelNotAvailable):
        model.engine.tokens("hello")


def test_half_a_stream_can_be_left(weights: Path) -> None:
    """A model whose reply nobody reads to its end can be closed all the same."""
    model = LocalModel(context=1024, warehouse=None)
    stream = model.stream(replace(question(), options=Options(max_tokens=500)))
    assert isinstance(next(stream), TextDelta)
    model.close()


def test_missing_weights_are_named(tmp_path: Path) -> None:
    """A path where there is no file says what is wrong."""
    with pytest.raises(ModelNotAvailable):
        LocalModel(tmp_path / "none.gguf", warehouse=None)


def test_a_message_without_text_is_empty(model: LocalModel) -> None:
    """A reply of no tokens at all is still a reply."""
    reply = whole(list(model.stream(replace(question(), options=Options(max_tokens=0)))))
    assert all(isinstance(block, Text) for block in reply.message.blocks)


def test_a_prompt_is_asked_of_the_warehouse_as_the_engine_makes_it(weights: Path, tmp_path: Path) -> None:
    """The tokens are those of the engine's own template, so another session finds all but the last one."""
    with LocalModel(context=1024, longest=4, warehouse=Warehouse(folder=tmp_path)) as first:
        cold = whole(list(first.stream(question())))
    with LocalModel(context=1024, longest=4, warehouse=Warehouse(folder=tmp_path, ram=0)) as second:
        warm = whole(list(second.stream(question())))
    assert cold.sources is not None
    assert warm.sources is not None
    assert (warm.message.text, warm.sources.computed) == (cold.message.text, 1)
    assert warm.sources.disk == warm.usage.cache_read_tokens == cold.sources.computed - 1


def test_a_warehouse_has_one_place(engine: Engine) -> None:
    """An engine that is passed in has its own, or none."""
    with Warehouse() as warehouse, pytest.raises(ConfigError, match="give it to the engine"):
        LocalModel(engine=engine, warehouse=warehouse)

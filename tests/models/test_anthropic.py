"""Claude through the official SDK, over real HTTP against the loopback server, which checks every request."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentmem.errors import ModelError, ModelNotAvailable, ModelOverloaded, ModelRejected, ModelUnreachable
from agentmem.kvcache.frames import body_frames
from agentmem.kvcache.prompts import body_prompt, request_prompt
from agentmem.kvcache.simulated.events import ServerAnswer
from agentmem.kvcache.simulated.faults import BrokenStream, Garbage, HttpError, Reply, StalledStream, StreamError
from agentmem.kvcache.simulated.server import MessagesServer
from agentmem.models.anthropic import AnthropicModel
from agentmem.models.anthropic_request import check_body
from agentmem.types import (
    Delta,
    Json,
    Mark,
    Message,
    ModelProfile,
    Opaque,
    Options,
    Request,
    Text,
    TextDelta,
    ToolCall,
    ToolResult,
    Usage,
    Waiting,
)
from agentmem.types import Reply as Answered
from tests.models.requests import PIXEL, READ, THINKING, ask, request, tool_loop, wire_frames

KEY = "sk-ant-test-0123456789"
AT_ONCE = 0.001  # seconds: a retry-after that keeps the tests fast


def serve(*replies: Reply) -> MessagesServer:
    """A server with a script; without one it echoes."""
    return (
        MessagesServer(list(replies), check_body, key=KEY) if replies else MessagesServer(validate=check_body, key=KEY)
    )


def connect(server: MessagesServer, **changes: Any) -> AnthropicModel:
    """A model that talks to ``server``."""
    options: dict[str, Any] = {"api_key": KEY, "max_retries": 1, "retry_delay": 0.0, **changes}
    return AnthropicModel("claude-opus-5", base_url=server.url, **options)


def collect(model: AnthropicModel, one: Request) -> list[Delta]:
    """All that a stream gives."""
    try:
        return list(model.stream(one))
    finally:
        model.close()


def acollect(model: AnthropicModel, one: Request) -> list[Delta]:
    """All that an asyncio stream gives."""

    async def gather() -> list[Delta]:
        return [delta async for delta in model.astream(one)]

    try:
        return asyncio.run(gather())
    finally:
        model.close()


both = pytest.mark.parametrize("run", [collect, acollect], ids=["sync", "async"])


def answered(deltas: Sequence[Delta]) -> Answered:
    """The Reply, which must be the last item and the only one of its kind."""
    *texts, last = deltas
    assert isinstance(last, Answered)
    assert all(isinstance(each, TextDelta | Waiting) for each in texts)
    return last


@both
def test_text_streams_and_ends_in_a_reply(run: Any) -> None:
    """Text comes in pieces; the Reply holds it whole, with usage, id, stop reason and times."""
    text = "A reply that is long enough to come in several pieces."
    with serve(ServerAnswer.text(text)) as server:
        deltas = run(connect(server), request(ask("hello")))
    reply = answered(deltas)
    pieces = [delta.text for delta in deltas if isinstance(delta, TextDelta)]
    assert len(pieces) > 1
    assert "".join(pieces) == text == reply.message.text
    assert (reply.stop_reason, reply.message.role) == ("end_turn", "assistant")
    assert reply.id.startswith("msg_")
    assert 0 < reply.first_token_after <= reply.seconds


@both
def test_usage_of_the_loopback_server_is_labelled_simulated(run: Any) -> None:
    """What our own server reports is never called measured; writes are split by TTL; the next request reads."""
    one = request(
        ask("word " * 700),
        system=("rule " * 700,),
        marks=(Mark("system", 0, 0, "1h"), Mark("message", 0, 0, "5m")),
    )
    tokens = [frame.tokens for frame in request_prompt(one).frames]
    with serve() as server:
        first, second = (answered(run(connect(server), one)).usage for _ in range(2))
    assert first == Usage("simulated", 0, 0, tokens[1], tokens[0], first.output_tokens)
    assert second == Usage("simulated", 0, sum(tokens), 0, 0, second.output_tokens)
    assert first.output_tokens > 0


@both
def test_parallel_tool_calls(run: Any) -> None:
    """Calls keep their order, and their arguments the order in which the model wrote them."""
    content: list[Json] = [
        {"type": "text", "text": "Both."},
        {"type": "tool_use", "id": "toolu_1", "name": "read", "input": {"z": 1, "a": {"y": "ü", "b": [1, 2.5, None]}}},
        {"type": "tool_use", "id": "toolu_2", "name": "list", "input": {}},
    ]
    with serve(ServerAnswer(content)) as server:
        reply = answered(run(connect(server), request(ask("go"), tools=(READ,))))
    assert reply.stop_reason == "tool_use"
    assert reply.message.blocks == (
        Text("Both."),
        ToolCall("toolu_1", "read", '{"z":1,"a":{"y":"ü","b":[1,2.5,null]}}'),
        ToolCall("toolu_2", "list", "{}"),
    )


@both
def test_thinking_comes_back_verbatim(run: Any) -> None:
    """A thinking block is kept with its signature and goes back as it came; so does a redacted one."""
    thinking = {"type": "thinking", "thinking": "Hm. " * 30, "signature": "EqQBCkYIBRgC/+="}
    redacted = {"type": "redacted_thinking", "data": "EmwKAhgBEgy3va3pzix/LafPsn4a"}
    with serve(ServerAnswer([thinking, redacted, {"type": "text", "text": "Yes."}]), ServerAnswer.text("ok")) as server:
        reply = answered(run(connect(server), request(ask("think"))))
        run(connect(server), request(ask("think"), reply.message, ask("go on")))
    assert [json.loads(block.raw) for block in reply.message.blocks[:2] if isinstance(block, Opaque)] == [
        thinking,
        redacted,
    ]
    assert server.bodies[1]["messages"][1]["content"][:2] == [thinking, redacted]


@pytest.mark.parametrize("reason", ["end_turn", "max_tokens", "refusal", "pause_turn", "model_context_window_exceeded"])
def test_stop_reasons(reason: str) -> None:
    """The provider's reason is passed on in its own words."""
    with serve(ServerAnswer(({"type": "text", "text": "so"},), reason)) as server:
        assert answered(collect(connect(server), request(ask("hi")))).stop_reason == reason


@both
def test_a_request_for_no_tokens_warms_the_cache(run: Any) -> None:
    """``max_tokens=0`` is not streamed, replies nothing, and what it wrote is read by the next request."""
    warm = request(ask("word " * 700), marks=(Mark("message", 0, 0, "5m"),), options=Options(max_tokens=0))
    with serve() as server:
        reply = answered(run(connect(server), warm))
        real = request(ask("word " * 700), marks=(Mark("message", 0, 0, "5m"),))
        read = answered(run(connect(server), real)).usage.cache_read_tokens
    assert (reply.message.blocks, reply.stop_reason, reply.usage.output_tokens) == ((), "max_tokens", 0)
    assert reply.usage.basis == "simulated"
    assert reply.usage.cache_write_5m_tokens == read > 0
    assert server.bodies[0]["stream"] is False


def test_the_provider_says_why_it_missed() -> None:
    """The id of the reply before goes along, and the reason comes back."""
    with serve() as server:
        model = connect(server)
        first = answered(list(model.stream(request(ask("a"), system=("one",)))))
        changed = answered(list(model.stream(request(ask("a"), system=("two",), previous_id=first.id))))
        extended = answered(list(model.stream(request(ask("a"), system=("two",), previous_id=changed.id))))
        model.close()
    assert [each.provider_reason for each in (first, changed, extended)] == [None, "system_changed", None]
    assert [body["diagnostics"]["previous_message_id"] for body in server.bodies] == [None, first.id, changed.id]


def test_diagnostics_can_be_left_out() -> None:
    """Servers that do not know the field are not sent it."""
    with serve() as server:
        collect(connect(server, diagnostics=False), request(ask("a"), previous_id="msg_1"))
    assert "diagnostics" not in server.bodies[0]


def test_options_and_marks_become_fields() -> None:
    """Options go to their fields, marks become cache_control on those blocks and no others."""
    options = Options(2000, None, '{"type":"adaptive"}', "low", '{"type":"auto"}')
    marks = (Mark("tool", 0, 0, "1h"), Mark("system", 1, 0, "1h"), Mark("message", 2, 1, "5m"))
    one = request(*tool_loop(), tools=(READ,), system=("a", "b"), options=options, marks=marks)
    with serve() as server:
        collect(connect(server), one)
    body = server.bodies[0]
    assert (body["max_tokens"], body["thinking"], body["tool_choice"]) == (2000, {"type": "adaptive"}, {"type": "auto"})
    assert body["output_config"] == {"effort": "low"}
    assert "temperature" not in body
    marked = [(mark.position, mark.ttl) for mark in body_prompt(body).breakpoints]
    assert marked == [(0, "1h"), (2, "1h"), (9, "5m")]
    assert all("cache_control" not in frame.value for frame in wire_frames(one))


def test_temperature_is_sent() -> None:
    """Zero is a temperature too."""
    with serve() as server:
        collect(connect(server), request(ask("a"), options=Options(temperature=0.0)))
    assert server.bodies[0]["temperature"] == 0.0


# What the server receives is what the cache key says.

words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30).filter(str.strip)
texts = words.map(Text)
objects = st.dictionaries(words, st.recursive(words | st.integers() | st.booleans() | st.none(), st.lists), max_size=3)


@st.composite
def loops(draw: st.DrawFn) -> tuple[Message, ...]:
    """A conversation: rounds of thinking, text and parallel calls, each answered."""
    messages = [Message("user", tuple(draw(st.lists(texts | st.just(PIXEL), min_size=1, max_size=2))))]
    for number in range(draw(st.integers(0, 3))):
        calls = [
            ToolCall(f"toolu_{number}_{index}", "read", json.dumps(draw(objects)))
            for index in range(draw(st.integers(1, 3)))
        ]
        said = draw(st.sampled_from([(), (THINKING,), (THINKING, Text("so"))]))
        results = [ToolResult(call.id, (draw(texts), *draw(st.sampled_from([(), (PIXEL,)])))) for call in calls]
        messages.append(Message("assistant", (*said, *calls)))
        messages.append(Message("user", (*results, *draw(st.lists(texts, max_size=1)))))
    return tuple(messages)


@st.composite
def requests(draw: st.DrawFn) -> Request:
    """A valid request with up to four marks."""
    messages = draw(loops())
    tools = tuple({**READ, "name": f"read_{index}"} for index in range(draw(st.integers(0, 3))))
    system = tuple(draw(st.lists(words, max_size=2)))
    effort = draw(st.sampled_from([None, "low", "high"]))
    places = [
        *(Mark("tool", index, 0, "5m") for index in range(len(tools))),
        *(Mark("system", index, 0, "5m") for index in range(len(system))),
        *(
            Mark("message", index, place, "5m")
            for index, message in enumerate(messages)
            for place, block in enumerate(message.blocks)
            if not isinstance(block, Opaque)
        ),
    ]
    chosen = draw(st.lists(st.sampled_from(places), max_size=4, unique=True))
    ordered = sorted(chosen, key=places.index)
    long = draw(st.integers(0, len(ordered)))
    marks = tuple(Mark(m.segment, m.index, m.block, "1h" if n < long else "5m") for n, m in enumerate(ordered))
    return request(*messages, tools=tools, system=system, marks=marks, options=Options(1000, effort=effort))


@pytest.fixture(scope="module")
def echoing() -> Iterator[tuple[MessagesServer, AnthropicModel]]:
    """A server that echoes and a model on it, for many requests."""
    with serve() as server:
        model = connect(server)
        yield server, model
        model.close()


@settings(deadline=None, max_examples=40)
@given(one=requests())
def test_the_received_body_has_the_frames_of_the_request(
    echoing: tuple[MessagesServer, AnthropicModel], one: Request
) -> None:
    """Through the SDK and over HTTP: frames rebuilt from the body are the request's, its markers are the marks."""
    server, model = echoing
    answered(list(model.stream(one)))
    body = server.bodies[-1]
    assert body_frames(body) == wire_frames(one)
    assert body_prompt(body).breakpoints == request_prompt(one).breakpoints
    assert body_prompt(body).settings.keys() == request_prompt(one).settings.keys()


# What goes wrong.


@both
@pytest.mark.parametrize(("status", "kind"), [(429, "rate_limit_error"), (529, "overloaded_error")])
def test_the_sdk_retries_overload(run: Any, status: int, kind: str) -> None:
    """One refusal with a retry-after is waited out by the SDK."""
    with serve(HttpError(status, kind, "busy", AT_ONCE), ServerAnswer.text("there")) as server:
        assert answered(run(connect(server), request(ask("hi")))).message.text == "there"


@both
@pytest.mark.parametrize(
    ("fault", "expected", "says"),
    [
        (HttpError(429, "rate_limit_error", "slow down", AT_ONCE), ModelOverloaded, "slow down"),
        (HttpError(529, "overloaded_error", "Overloaded", AT_ONCE), ModelOverloaded, "Overloaded"),
        (HttpError(500, "api_error", "Internal", AT_ONCE), ModelUnreachable, "Internal"),
        (HttpError(400, "invalid_request_error", "prompt is too long"), ModelRejected, "prompt is too long"),
        (HttpError(413, "request_too_large", "Request too large"), ModelRejected, "too large"),
        (HttpError(422, "invalid_request_error", "unprocessable"), ModelRejected, "unprocessable"),
        (HttpError(401, "authentication_error", "invalid x-api-key"), ModelNotAvailable, "ANTHROPIC_API_KEY"),
        (HttpError(403, "permission_error", "not yours"), ModelNotAvailable, "not yours"),
        (HttpError(404, "not_found_error", "model: claude-opus-55"), ModelNotAvailable, "claude-opus-55"),
        (HttpError(402, "billing_error", "credit is too low"), ModelNotAvailable, "credit"),
    ],
    ids=lambda value: str(value.status) if isinstance(value, HttpError) else None,
)
def test_errors_of_the_provider(run: Any, fault: HttpError, expected: type[ModelError], says: str) -> None:
    """After the retries each status becomes one of our errors, with the provider's message."""
    with serve(fault, fault) as server, pytest.raises(expected, match=says):
        run(connect(server), request(ask("hi")))


@both
@pytest.mark.parametrize("events", [0, 1, 3])
@pytest.mark.parametrize("clean", [True, False], ids=["ended", "dropped"])
def test_a_stream_that_breaks_before_any_text_is_tried_again(run: Any, events: int, clean: bool) -> None:
    """Nothing had been handed on, so the consumer sees one whole reply."""
    answer = ServerAnswer.text("the whole reply, in several pieces")
    with serve(BrokenStream(answer, events, clean), answer) as server:
        deltas = run(connect(server), request(ask("hi")))
    texts = [delta.text for delta in deltas if isinstance(delta, TextDelta)]
    assert "".join(texts) == "the whole reply, in several pieces" == answered(deltas).message.text
    assert len(server.bodies) == 2


@pytest.mark.parametrize("clean", [True, False], ids=["ended", "dropped"])
def test_a_stream_that_breaks_after_text_is_an_error(clean: bool) -> None:
    """Text that has been seen is not sent twice: the consumer gets the pieces up to the break, then the error."""
    answer = ServerAnswer.text("the whole reply, in several pieces")
    with serve(BrokenStream(answer, 4, clean), answer) as server:
        model = connect(server, stream_retries=5)
        stream = model.stream(request(ask("hi")))
        assert next(stream) == TextDelta("the whole reply, in seve")
        with pytest.raises(ModelUnreachable, match="did not finish"):
            next(stream)
        model.close()
    assert len(server.bodies) == 1


@both
def test_broken_streams_are_tried_a_bounded_number_of_times(run: Any) -> None:
    """Two tries more, then the error."""
    answer = ServerAnswer.text("never")
    with serve(*[BrokenStream(answer, 2)] * 3, answer) as server, pytest.raises(ModelUnreachable):
        run(connect(server), request(ask("hi")))
    assert len(server.bodies) == 3


@both
@pytest.mark.parametrize("events", [0, 2])
def test_a_stalled_stream_times_out(run: Any, events: int) -> None:
    """Silence for longer than the time-out is an error after the retries."""
    stall = StalledStream(ServerAnswer.text("never"), events)
    with serve(stall, stall) as server, pytest.raises(ModelUnreachable):
        run(connect(server, timeout=0.1, stream_retries=1), request(ask("hi")))
    assert len(server.bodies) == 2


@both
@pytest.mark.parametrize(
    ("kind", "expected"),
    [("overloaded_error", ModelOverloaded), ("api_error", ModelUnreachable), ("rate_limit_error", ModelOverloaded)],
)
def test_errors_inside_a_stream(run: Any, kind: str, expected: type[ModelError]) -> None:
    """An error event is tried again while nothing has been handed on, then named by its kind."""
    answer = ServerAnswer.text("at last")
    fault = StreamError(answer, 1, kind, "inside")
    with serve(fault, answer) as server:
        assert answered(run(connect(server), request(ask("hi")))).message.text == "at last"
    with serve(fault, fault, fault) as server, pytest.raises(expected, match="inside"):
        run(connect(server), request(ask("hi")))


@both
def test_a_stream_that_is_not_json(run: Any) -> None:
    """Garbage is a broken stream."""
    with serve(Garbage(), ServerAnswer.text("fine")) as server:
        assert answered(run(connect(server), request(ask("hi")))).message.text == "fine"


@both
def test_a_warming_reply_that_is_not_json(run: Any) -> None:
    """Garbage where nothing streams is an error of ours too."""
    warm = request(ask("hi"), options=Options(max_tokens=0))
    with serve(*[Garbage()] * 3) as server, pytest.raises(ModelUnreachable):
        run(connect(server), warm)


@both
def test_nobody_there(run: Any) -> None:
    """A refused connection is ModelUnreachable."""
    with serve() as server:
        url = server.url
    model = AnthropicModel("claude-opus-5", KEY, url, max_retries=0, retry_delay=0.0)
    with pytest.raises(ModelUnreachable, match="could not be reached"):
        run(model, request(ask("hi")))


def test_a_request_that_the_api_refuses() -> None:
    """The server checks what the SDK sent: a result without its call is ModelRejected, in the API's words."""
    orphan = Message("user", (ToolResult("toolu_9", (Text("lost"),)),))
    with serve() as server, pytest.raises(ModelRejected, match=r"unexpected `tool_use_id`.*toolu_9"):
        collect(connect(server), request(ask("a"), Message("assistant", (Text("b"),)), orphan))


def test_keys_never_show() -> None:
    """Neither an error nor the model's own text shows the key, even if the provider repeats it."""
    refusal = HttpError(401, "authentication_error", f"bad key {KEY}")
    with serve(refusal) as server:
        model = connect(server)
        with pytest.raises(ModelNotAvailable) as caught:
            collect(model, request(ask("hi")))
    assert KEY not in str(caught.value)
    assert "[redacted]" in str(caught.value)
    assert KEY not in repr(model)


def test_without_a_key(tmp_path: Path) -> None:
    """No key anywhere: the error says what to set, each time."""
    code = (
        "from agentmem.models import load\n"
        "from agentmem.errors import ModelNotAvailable\n"
        "from agentmem.types import Request\n"
        "model = load('anthropic:claude-opus-5')\n"
        "for _ in range(2):\n"
        "    try:\n"
        "        list(model.stream(Request('claude-opus-5', (), (), ())))\n"
        "    except ModelNotAvailable as error:\n"
        "        print(error)\n"
    )
    clean = {name: value for name, value in os.environ.items() if not name.startswith("ANTHROPIC_")}
    environment = {**clean, "HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["no key for Anthropic: set ANTHROPIC_API_KEY, or give api_key"] * 2


def test_closing_twice_and_going_on() -> None:
    """A `with` closes, and closing again does nothing; a request afterwards opens a new connection."""
    with serve() as server:
        with connect(server) as model:
            answered(list(model.stream(request(ask("a")))))
        model.close()
        answered(list(model.stream(request(ask("b")))))
        model.close()


def test_a_stream_may_be_left_early() -> None:
    """A consumer that stops reading leaves nothing open."""
    with serve(ServerAnswer.text("long " * 1000)) as server:
        model = connect(server)
        stream = model.stream(request(ask("hi")))
        assert isinstance(next(stream), TextDelta)
        del stream
        model.close()


def test_profile() -> None:
    """The profile names provider and model, and whether a plain user turn strips thinking; it can be given."""
    assert AnthropicModel("claude-opus-5").profile == ModelProfile("anthropic", "claude-opus-5", "cloud", False)
    assert AnthropicModel("claude-haiku-4-5").profile.plain_turn_strips_thinking
    local = ModelProfile("llama.cpp", "smollm2", "local")
    assert AnthropicModel("smollm2", model_profile=local).profile == local


def test_several_event_loops() -> None:
    """One model serves one event loop after another."""
    with serve() as server:
        model = connect(server)
        for _ in range(3):

            async def gather() -> list[Delta]:
                return [delta async for delta in model.astream(request(ask("hi")))]

            assert answered(asyncio.run(gather())).message.text == "You said: hi"
        model.close()

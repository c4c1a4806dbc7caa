"""agentmem.integrations.wirelog, with the providers' own SDKs over real HTTP on loopback."""

import asyncio
import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anthropic
import httpx
import openai
import pytest

from agentmem.errors import ConfigError
from agentmem.integrations.observing import read_wirelog
from agentmem.integrations.wirelog import Line, LogFile, record
from agentmem.kvcache.shared_blocks import LineReader
from agentmem.kvcache.simulated.events import ServerAnswer
from agentmem.kvcache.simulated.faults import HttpError, StalledStream
from agentmem.kvcache.simulated.server import MessagesServer
from tests.integrations.openai_server import CALL, COMPLETION, RESPONSE, openai_server

KEY = "sk-ant-api03-notarealkeynotarealkey"
ASK: Any = {"model": "claude-sonnet-5", "max_tokens": 64, "messages": [{"role": "user", "content": "Hello, wörld"}]}
CONTENT = (
    {"type": "thinking", "thinking": "What is on the map?", "signature": "c2ln"},
    {"type": "text", "text": "I will look at the map, which takes more than one piece."},
    {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"at": "map", "deep": True}},
    {"type": "tool_use", "id": "toolu_2", "name": "rest", "input": {}},
)


def _client(server: MessagesServer) -> anthropic.Anthropic:
    return anthropic.Anthropic(api_key=KEY, base_url=server.url, max_retries=0)


def _lines(path: Path) -> list[Line]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


@pytest.fixture
def ticking() -> Iterator[Any]:
    """A clock that counts seconds, one a look."""
    seconds = iter(range(1_000_000))
    yield lambda: float(next(seconds))


def test_a_plain_reply_is_recorded(tmp_path: Path, ticking: Any) -> None:
    """A line holds the body as sent, the reply as received, the status and the times."""
    log = tmp_path / "logs" / "run.jsonl"
    with MessagesServer([ServerAnswer(CONTENT)]) as server, _client(server) as client:
        with record(client, log, clock=ticking) as recording:
            reply = client.messages.create(**ASK)
        client.close()
        [line] = _lines(log)
        assert recording.errors == []
        assert line["request"] == server.bodies[0] == ASK
        assert line["response"]["id"] == reply.id
        assert line["response"]["content"] == list(CONTENT)
        assert line["response"]["usage"]["output_tokens"] == reply.usage.output_tokens
        assert (line["at"], line["first_byte_after"], line["seconds"]) == (0.0, 1.0, 2.0)
        assert (line["status"], line["complete"], line["basis"]) == (200, True, "simulated")


def test_a_stream_is_recorded_as_the_same_object(tmp_path: Path) -> None:
    """The events of a stream are put together: a streamed reply reads like a plain one, thinking and calls too."""
    log = tmp_path / "run.jsonl"
    with (
        MessagesServer([ServerAnswer(CONTENT), ServerAnswer(CONTENT)]) as server,
        _client(server) as client,
        record(client, log),
    ):
        client.messages.create(**ASK)
        with client.messages.stream(**ASK) as stream:
            final = stream.get_final_message()
    plain, streamed = (line["response"] for line in _lines(log))
    assert streamed["content"] == plain["content"]
    assert streamed["stop_reason"] == plain["stop_reason"] == "tool_use"
    assert streamed["id"] == final.id
    assert streamed["usage"]["output_tokens"] == final.usage.output_tokens


def test_a_stream_passes_unbuffered(tmp_path: Path) -> None:
    """Events reach the client while the server is still busy; a stream left early is recorded as far as it came."""
    log = tmp_path / "run.jsonl"
    stalled = StalledStream(ServerAnswer.text("one two three four five six seven eight nine ten"), 5)
    with MessagesServer([stalled]) as server, _client(server) as client, record(client, log):
        with client.messages.create(**ASK, stream=True) as events:
            kinds = [next(events).type for _ in range(4)]
        assert kinds == ["message_start", "content_block_start", "content_block_delta", "content_block_delta"]
    [line] = _lines(log)
    assert line["complete"] is False
    assert "one two three four five six seven eight nine ten".startswith(line["response"]["content"][0]["text"])


def test_async_clients_are_recorded(tmp_path: Path) -> None:
    """Async clients are recorded alike, plain and streamed, several requests at once."""
    log = tmp_path / "run.jsonl"

    async def talk(url: str) -> None:
        async with anthropic.AsyncAnthropic(api_key=KEY, base_url=url, max_retries=0) as client:
            with record(client, log):
                async with client.messages.stream(**ASK) as stream:
                    await stream.get_final_message()
                await asyncio.gather(*(client.messages.create(**ASK) for _ in range(3)))

    with MessagesServer() as server:
        asyncio.run(talk(server.url))
    lines = _lines(log)
    assert [line["response"]["content"][0]["text"] for line in lines] == ["You said: Hello, wörld"] * 4
    assert len({line["response"]["id"] for line in lines}) == 4


def test_openai_clients_are_recorded(tmp_path: Path) -> None:
    """OpenAI's SDK: chat completions and responses, plain and streamed, from compressed bodies."""
    log = tmp_path / "run.jsonl"
    messages: Any = [{"role": "user", "content": "Hello"}]
    with openai_server() as url, openai.OpenAI(api_key=KEY, base_url=url) as client, record(client, log):
        client.chat.completions.create(model="gpt-5", messages=messages)
        assert len(list(client.chat.completions.create(model="gpt-5", messages=messages, stream=True))) == 6
        client.responses.create(model="gpt-5", input="Hello")
        assert len(list(client.responses.create(model="gpt-5", input="Hello", stream=True))) == 2
    chat, streamed, response, events = (line["response"] for line in _lines(log))
    assert chat == COMPLETION
    assert streamed == COMPLETION
    assert streamed["choices"][0]["message"]["tool_calls"] == [CALL]
    assert response == events == RESPONSE


def test_a_bare_httpx_client_is_recorded() -> None:
    """A client of the older httpx, without an SDK, works as well; so does a function instead of a file."""
    seen: list[Line] = []
    with MessagesServer() as server, httpx.Client(base_url=server.url) as client, record(client, seen.append):
        assert client.post("/v1/messages", json=ASK).json()["role"] == "assistant"
        with client.stream("POST", "/v1/messages", json={**ASK, "stream": True}) as response:
            assert b"".join(response.iter_bytes()).startswith(b"event: message_start")
    assert [line["complete"] for line in seen] == [True, True]
    assert seen[0]["response"]["content"] == seen[1]["response"]["content"]


def test_keys_are_never_written(tmp_path: Path) -> None:
    """No header is written; a secret in a text is masked, each with a number of its own, the same every time."""
    log = tmp_path / "run.jsonl"
    other = "ghp_" + "b7" * 15
    first = {"role": "user", "content": f"Use {KEY} or {other}; once more {KEY}."}
    call = {"type": "tool_use", "id": "toolu_1", "name": "log_in", "input": {"password": "correct horse"}}
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "password: battery-staple"}
    turns = [first, {"role": "assistant", "content": [call]}, {"role": "user", "content": [result]}]
    with MessagesServer() as server, _client(server) as client, record(client, log):
        client.messages.create(**{**ASK, "messages": turns[:1]})
        client.messages.create(**{**ASK, "messages": turns})
    text = log.read_text()
    assert not any(secret in text for secret in (KEY, other, "correct horse", "battery-staple", "x-api-key"))
    one, two = (line["request"]["messages"] for line in _lines(log))
    assert one[0]["content"] == "Use [redacted]#1 or [redacted]#2; once more [redacted]#1."
    assert one[0] == two[0], "what was equal on the wire is equal in the log"
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


def test_other_endpoints_are_not_recorded(tmp_path: Path) -> None:
    """Only requests for a reply are: counting tokens is none."""
    log = tmp_path / "run.jsonl"
    with MessagesServer() as server, httpx.Client(base_url=server.url) as client, record(client, log):
        assert client.post("/v1/messages/count_tokens", json=ASK).json()["input_tokens"]
    assert not log.exists()


def test_a_refusal_is_recorded(tmp_path: Path) -> None:
    """A request that failed has a line with its status and the provider's error."""
    log = tmp_path / "run.jsonl"
    overloaded = [HttpError(529, "overloaded_error", "Overloaded")]
    refused = pytest.raises(anthropic.InternalServerError)
    with MessagesServer(overloaded) as server, _client(server) as client, record(client, log), refused:
        client.messages.create(**ASK)
    [line] = _lines(log)
    assert line["status"] == 529
    assert line["response"]["error"]["message"] == "Overloaded"


def test_a_broken_log_never_breaks_a_call(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A log that cannot be written leaves the call as it was, says what went wrong, and warns of it once."""
    log = tmp_path / "run.jsonl"
    with MessagesServer() as server, _client(server) as client:
        with record(client, log) as recording:
            log.mkdir()
            assert client.messages.create(**ASK).content
            assert client.messages.create(**ASK).content
        assert len(recording.errors) == 2
        assert "IsADirectoryError" in recording.errors[0]
    assert [one.levelname for one in caplog.records if one.name == "agentmem.integrations.wirelog"] == ["WARNING"]


def test_closing_takes_the_hooks_off() -> None:
    """After close nothing is recorded, and the client's own hooks are as they were."""
    seen: list[Line] = []

    def own(_request: object) -> None:
        """A hook of the user's."""

    hooks: Any = {"request": [own], "response": []}
    with MessagesServer() as server, httpx.Client(base_url=server.url, event_hooks=hooks) as client:
        with record(client, seen.append), record(client, seen.append):
            client.post("/v1/messages", json=ASK)
        client.post("/v1/messages", json=ASK)
        assert client.event_hooks == hooks
    assert len(seen) == 2


def test_what_has_no_http_client_is_refused() -> None:
    """The error says what to pass instead, and what answers by a script over HTTP."""
    with pytest.raises(ConfigError, match="holds no httpx or httpx2 client") as caught:
        record(object(), "never.jsonl")
    assert "agentmem.testing.MessagesServer(reply)" in str(caught.value)
    assert not Path("never.jsonl").exists()


def _asked(turns: int) -> Line:
    said = [{"role": "user", "content": f"{at} " + "word " * 100} for at in range(turns)]
    return {"at": float(turns), "path": "/v1/messages", "request": {**ASK, "messages": said}, "response": {}}


def _whole(path: Path) -> list[Line]:
    reader = LineReader()
    return [reader.whole(line) for line in _lines(path)]


def test_a_shortened_log_reads_back_and_goes_on_in_another_process(tmp_path: Path) -> None:
    """What requests share is written once; a file that was emptied or replaced meanwhile gets everything again."""
    log, other = LogFile(tmp_path / "run.jsonl", shortened=True), tmp_path / "other.jsonl"
    for turns in (1, 2, 3):
        log(_asked(turns))
    second = LogFile(tmp_path / "run.jsonl", shortened=True)
    second(_asked(4))
    assert _whole(log.path) == [_asked(turns) for turns in (1, 2, 3, 4)]
    assert log.path.read_text().count("2 word") == 2
    log.path.rename(other)
    log(_asked(5))
    assert _whole(log.path) == [_asked(5)]
    log.path.write_text("")
    log(_asked(6))
    assert _whole(log.path) == [_asked(6)]


def test_a_torn_line_takes_nothing_with_it(tmp_path: Path) -> None:
    """A process that was killed in the middle of a line leaves one bad line, and the next is on its own."""
    path = tmp_path / "run.jsonl"
    LogFile(path, shortened=True)(_asked(1))
    path.write_bytes(path.read_bytes() + b'{"at": 2, "request": {"mess')
    LogFile(path, shortened=True)(_asked(3))
    requests, skipped = read_wirelog(path)
    assert [one.at for one in requests] == [1.0, 3.0]
    assert [one.line for one in skipped] == [2]


def test_after_a_full_disk_the_log_is_whole_again(tmp_path: Path) -> None:
    """What could not be written is not taken for known."""
    path = tmp_path / "run.jsonl"
    log = LogFile(path, shortened=True)
    path.symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space"):
        log(_asked(2))
    path.unlink()
    log(_asked(3))
    assert _whole(path) == [_asked(3)]

"""The loopback server has the API's shapes and refusals, and leaves nothing behind."""

import http.client
import json
import threading
from collections.abc import Mapping
from typing import Any

import pytest

from agentmem.kvcache.simulated.events import ServerAnswer
from agentmem.kvcache.simulated.faults import HttpError, StalledStream
from agentmem.kvcache.simulated.server import MessagesServer
from agentmem.types import Json

BODY: Json = {"model": "claude-opus-5", "max_tokens": 100, "messages": [{"role": "user", "content": "hello"}]}


def post(
    server: MessagesServer, body: object, path: str = "/v1/messages", headers: Mapping[str, str] | None = None
) -> tuple[int, Mapping[str, str], bytes]:
    """Status, headers and bytes of one request on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port_in_use)
    try:
        data = body if isinstance(body, bytes) else json.dumps(body)
        connection.request("POST", path, data, dict(headers or {}))
        response = connection.getresponse()
        return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
    finally:
        connection.close()


def test_a_plain_reply() -> None:
    """A plain reply is the API's message object with the simulator's usage, labelled as simulated."""
    with MessagesServer([ServerAnswer.text("hi there")]) as server:
        status, headers, data = post(server, BODY)
    reply = json.loads(data)
    assert (status, headers["x-agentmem-basis"]) == (200, "simulated")
    assert reply["content"] == [{"type": "text", "text": "hi there"}]
    assert (reply["type"], reply["role"], reply["stop_reason"]) == ("message", "assistant", "end_turn")
    assert reply["usage"]["cache_creation"] == {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0}
    assert reply["diagnostics"] is None


def test_a_streamed_reply() -> None:
    """A streamed reply has the API's events in order, and the pieces add up to the text."""
    with MessagesServer([ServerAnswer.text("a text of more than one piece, surely")]) as server:
        _, headers, data = post(server, {**BODY, "stream": True})
    events = [dict(line.split(": ", 1) for line in event.split("\n")) for event in data.decode().strip().split("\n\n")]
    names = [event["event"] for event in events]
    assert names == [
        "message_start",
        "ping",
        "content_block_start",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    pieces = [json.loads(event["data"])["delta"]["text"] for event in events if event["event"] == "content_block_delta"]
    assert "".join(pieces) == "a text of more than one piece, surely"
    assert (headers["content-type"], headers["x-agentmem-basis"]) == ("text/event-stream", "simulated")
    totals = json.loads(events[-2]["data"])["usage"]
    assert set(totals) == {
        "input_tokens",
        "cache_read_input_tokens",
        "cache_creation_input_tokens",
        "output_tokens",
    }


def test_counting_tokens() -> None:
    """count_tokens gives the input that a request is billed for."""
    with MessagesServer() as server:
        counted = json.loads(post(server, BODY, "/v1/messages/count_tokens")[2])["input_tokens"]
        bare = {name: value for name, value in BODY.items() if name != "max_tokens"}
        assert json.loads(post(server, bare, "/v1/messages/count_tokens")[2])["input_tokens"] == counted
        used = json.loads(post(server, BODY)[2])["usage"]["input_tokens"]
    assert counted == used > 0


def test_every_response_is_told_of() -> None:
    """Every response is reported with path, status and whole body, also streams and refusals."""
    told: list[tuple[str, int, str]] = []
    with MessagesServer(told=lambda path, status, body: told.append((path, status, body["type"]))) as server:
        for body in (BODY, {**BODY, "stream": True}, {**BODY, "messages": []}):
            post(server, body)
    assert told == [
        ("/v1/messages", 200, "message"),
        ("/v1/messages", 200, "message"),
        ("/v1/messages", 400, "error"),
    ]


def test_replies_by_a_function() -> None:
    """A function of the body replies; without one the server echoes."""
    with MessagesServer(lambda body: ServerAnswer.text(body["messages"][0]["content"].upper())) as server:
        assert json.loads(post(server, BODY)[2])["content"][0]["text"] == "HELLO"
    with MessagesServer() as server:
        assert json.loads(post(server, BODY)[2])["content"][0]["text"] == "You said: hello"


def test_a_script_that_has_ended() -> None:
    """After the script's last reply a request is refused, and not retried."""
    with MessagesServer([ServerAnswer.text("only")]) as server:
        assert [post(server, BODY)[0] for _ in range(2)] == [200, 400]


def refuse(body: Json) -> None:
    """A validator that refuses everything."""
    raise ValueError(f"{body['model']}: not today")


@pytest.mark.parametrize(
    ("body", "path", "settings", "expected"),
    [
        (b"{not json", "/v1/messages", {}, (400, "invalid_request_error", "not valid JSON")),
        ([], "/v1/messages", {}, (400, "invalid_request_error", "not valid JSON")),
        ({**BODY, "messages": []}, "/v1/messages", {}, (400, "invalid_request_error", "at least one message")),
        ({**BODY, "messages": [{"role": "user"}]}, "/v1/messages", {}, (400, "invalid_request_error", "malformed")),
        (BODY, "/v1/messages", {"validate": refuse}, (400, "invalid_request_error", "not today")),
        (BODY, "/v1/messages", {"key": "k"}, (401, "authentication_error", "invalid x-api-key")),
        (BODY, "/v1/nowhere", {}, (404, "not_found_error", "Not found")),
    ],
)
def test_refusals(body: Any, path: str, settings: dict[str, Any], expected: tuple[int, str, str]) -> None:
    """Errors have the API's shape; refused requests are recorded too."""
    with MessagesServer(**settings) as server:
        status, _, data = post(server, body, path)
    error = json.loads(data)
    assert error["type"] == "error"
    assert (status, error["error"]["type"]) == expected[:2]
    assert expected[2] in error["error"]["message"]
    assert len(server.requests) == 1


@pytest.mark.parametrize("header", [{"x-api-key": "k"}, {"authorization": "Bearer k"}])
def test_keys(header: dict[str, str]) -> None:
    """Either header carries the key."""
    with MessagesServer(key="k") as server:
        assert post(server, BODY, headers=header)[0] == 200


def test_faults_by_status() -> None:
    """An error made on purpose carries its retry-after in milliseconds."""
    with MessagesServer([HttpError(529, "overloaded_error", "Overloaded", 0.5)]) as server:
        status, headers, data = post(server, BODY)
    assert (status, headers["retry-after-ms"]) == (529, "500.0")
    assert json.loads(data)["error"] == {"type": "overloaded_error", "message": "Overloaded"}


def test_closing_ends_all_threads() -> None:
    """Closing does not wait for a stalled stream or an idle connection. Closing twice is fine."""
    before = threading.active_count()
    with MessagesServer([StalledStream(ServerAnswer.text("x"), 1), ServerAnswer.text("y")]) as server:
        stalled = http.client.HTTPConnection("127.0.0.1", server.port_in_use)
        stalled.request("POST", "/v1/messages", json.dumps({**BODY, "stream": True}))
        response = stalled.getresponse()
        assert response.readline() == b"event: message_start\n"
        idle = http.client.HTTPConnection("127.0.0.1", server.port_in_use)
        idle.request("POST", "/v1/messages", json.dumps(BODY))
        assert idle.getresponse().read()
        assert threading.active_count() > before
    server.close()
    assert threading.active_count() == before
    response.close()
    stalled.close()
    idle.close()


def test_what_a_request_writes_is_there_once_its_answer_has_begun() -> None:
    """Over HTTP as in the simulator, the second of two equal requests reads what the first wrote."""
    marked = {"type": "text", "text": "word " * 700, "cache_control": {"type": "ephemeral"}}
    body = {**BODY, "messages": [{"role": "user", "content": [marked]}], "diagnostics": {"previous_message_id": None}}
    with MessagesServer() as server:
        first, second = (json.loads(post(server, body)[2]) for _ in range(2))
        asked = {**body, "system": "new", "diagnostics": {"previous_message_id": second["id"]}}
        third = json.loads(post(server, asked)[2])
    written = first["usage"]["cache_creation_input_tokens"]
    assert written == second["usage"]["cache_read_input_tokens"] > 700
    assert third["diagnostics"]["cache_miss_reason"] == {
        "type": "system_changed",
        "cache_missed_input_tokens": written,
    }

"""AnthropicModel around a client that a person made: also one of a cloud, whose address and body differ."""

import asyncio
import base64
import json
import re
from pathlib import Path
from typing import Any
from zlib import crc32

import anthropic
import httpx2
import pytest

from agentmem.errors import ConfigError, ModelNotAvailable
from agentmem.kvcache.simulated.events import ServerAnswer
from agentmem.kvcache.simulated.faults import HttpError
from agentmem.kvcache.simulated.server import MessagesServer
from agentmem.models.anthropic import AnthropicModel
from agentmem.models.anthropic_request import check_body
from agentmem.models.objects import as_model
from agentmem.runtime.agent import Agent
from agentmem.types import Waiting
from tests.models.requests import ask, request

_PATH = re.compile(r"/models/(?P<model>[^/:]+):(?:streamR|r)awPredict$")


class Vertex(httpx2.HTTPTransport):
    """Takes Google's form of a request, as Vertex does, and sends it on to the loopback server in Anthropic's."""

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        found = _PATH.search(request.url.path)
        assert found
        body = json.loads(request.read())
        assert body.pop("anthropic_version")
        assert "model" not in body
        url = request.url.copy_with(path="/v1/messages")
        headers = {"content-type": "application/json", "x-api-key": "none"}
        sent = {**body, "model": found["model"]}
        return super().handle_request(httpx2.Request("POST", url, headers=headers, json=sent))


def vertex(server: MessagesServer) -> anthropic.AnthropicVertex:
    return anthropic.AnthropicVertex(
        region="europe-west1",
        project_id="p",
        access_token="t",
        base_url=f"{server.url}/v1",
        http_client=anthropic.DefaultHttpxClient(transport=Vertex()),
    )


_INVOKED = re.compile(r"/model/(?P<model>[^/]+)/invoke(?:-with-response-stream)?$")


class Bedrock(httpx2.HTTPTransport):
    """Takes Amazon's form of a request, signed, and answers with its event stream, by way of the loopback server."""

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        found = _INVOKED.search(request.url.path)
        assert found and "Signature=" in request.headers["authorization"]
        body = json.loads(request.read())
        assert body.pop("anthropic_version")
        assert "model" not in body and "stream" not in body
        sent = {**body, "model": found["model"], "stream": request.url.path.endswith("stream")}
        headers = {"content-type": "application/json", "x-api-key": "none"}
        url = request.url.copy_with(path="/v1/messages")
        answered = super().handle_request(httpx2.Request("POST", url, headers=headers, json=sent))
        text = answered.read().decode()
        events = b"".join(amazon_event(line[6:]) for line in text.splitlines() if line.startswith("data: "))
        kind = {"content-type": "application/vnd.amazon.eventstream"}
        return httpx2.Response(answered.status_code, headers=kind, content=events)


def amazon_event(data: str) -> bytes:
    """One message of Amazon's event stream (vnd.amazon.eventstream): lengths, headers, the chunk, and two checksums."""
    named = {":event-type": "chunk", ":content-type": "application/json", ":message-type": "event"}
    headers = b"".join(
        bytes([len(name)]) + name.encode() + b"\x07" + len(value).to_bytes(2, "big") + value.encode()
        for name, value in named.items()
    )
    payload = json.dumps({"bytes": base64.b64encode(data.encode()).decode()}).encode()
    start = (16 + len(headers) + len(payload)).to_bytes(4, "big") + len(headers).to_bytes(4, "big")
    message = start + crc32(start).to_bytes(4, "big") + headers + payload
    return message + crc32(message).to_bytes(4, "big")


def bedrock(server: MessagesServer) -> anthropic.AnthropicBedrock:
    return anthropic.AnthropicBedrock(
        aws_access_key="k",
        aws_secret_key="s",
        aws_region="eu-west-1",
        base_url=server.url,
        http_client=anthropic.DefaultHttpxClient(transport=Bedrock()),
    )


def own(server: MessagesServer, **more: Any) -> anthropic.Anthropic:
    return anthropic.Anthropic(api_key="none", base_url=server.url, **more)


HELLO = ServerAnswer.text("Hello.")
BUSY = HttpError(529, "overloaded_error", retry_after=0.001)


def test_a_clouds_client_runs_an_agent(tmp_path: Path) -> None:
    """The cloud's provider and prices count, and a field that only Anthropic takes is not sent."""
    with MessagesServer([HELLO], check_body) as server, vertex(server) as client:
        model = AnthropicModel("claude-sonnet-5-5@20261015", client=client)
        with Agent(model, tmp_path) as agent:
            result = agent.run("Hello", thread="t")
        assert (result.status, result.text) == ("done", "Hello.")
        assert model.profile.provider == "vertex"
        assert result.cost_usd is not None
        assert result.cost_usd > 0
        assert "diagnostics" not in server.bodies[0]
        assert any("cache_control" in str(block) for block in server.bodies[0]["messages"])


def test_bedrocks_client_runs_an_agent(tmp_path: Path) -> None:
    """Requests are signed, replies come as Amazon's events, and Amazon's prices count."""
    name = "anthropic.claude-sonnet-4-5-20250929-v1:0"
    with MessagesServer([HELLO], check_body) as server, bedrock(server) as client:
        with Agent(AnthropicModel(name, client=client), tmp_path) as agent:
            result = agent.run("Hello", thread="t")
            profile = agent.model.profile
        assert (result.status, result.text) == ("done", "Hello.")
        assert profile.provider == "bedrock"
        assert result.cost_usd is not None and result.cost_usd > 0
        assert "diagnostics" not in server.bodies[0]


def test_anthropics_own_client_asks_why_as_before() -> None:
    """With a client of the API itself, nothing is left out."""
    with MessagesServer([HELLO], check_body) as server, own(server) as client:
        assert list(AnthropicModel("claude-opus-5", client=client).stream(request(ask("Hello"))))
        assert "diagnostics" in server.bodies[0]


def test_waits_are_seen_although_the_client_retries() -> None:
    """The client's own retries are off in here, so that each wait is announced."""
    with MessagesServer([BUSY, HELLO], check_body) as server, own(server, max_retries=5) as client:
        deltas = list(AnthropicModel("claude-opus-5", client=client).stream(request(ask("Hello"))))
        assert [type(one) for one in deltas].count(Waiting) == 1
        assert client.max_retries == 5


def test_a_sync_client_serves_asyncio_too() -> None:
    """Each piece is waited for in another thread."""

    async def main(model: AnthropicModel) -> list[object]:
        return [delta async for delta in model.astream(request(ask("Hello")))]

    with MessagesServer([BUSY, HELLO], check_body) as server, own(server) as client:
        model = AnthropicModel("claude-opus-5", client=client)
        assert asyncio.run(main(model))[1:-1]


def test_an_async_client_serves_asyncio_alone() -> None:
    """`run` says which client it needs."""

    async def main(server: MessagesServer) -> list[object]:
        async with anthropic.AsyncAnthropic(api_key="none", base_url=server.url) as client:
            model = AnthropicModel("claude-opus-5", client=client)
            with pytest.raises(ModelNotAvailable, match="AsyncAnthropic serves arun and astream alone: pass Anthropic"):
                list(model.stream(request(ask("Hello"))))
            return [delta async for delta in model.astream(request(ask("Hello")))]

    with MessagesServer([HELLO], check_body) as server:
        assert asyncio.run(main(server))


def test_closing_the_model_leaves_the_client_open() -> None:
    """It is its maker's."""
    with MessagesServer([HELLO, HELLO], check_body) as server, own(server) as client:
        with AnthropicModel("claude-opus-5", client=client) as model:
            list(model.stream(request(ask("Hello"))))
        assert not client.is_closed()
        assert list(model.stream(request(ask("Hello"))))


def test_what_is_no_client_is_refused() -> None:
    """The error names a client that works, and where a setting belongs."""
    with pytest.raises(ConfigError, match=r"client is 3, and it must be a client of Anthropic's SDK"):
        AnthropicModel("claude-opus-5", client=3)
    with anthropic.Anthropic(api_key="none") as client, pytest.raises(ConfigError, match="api_key, timeout belong to"):
        AnthropicModel("claude-opus-5", api_key="k", timeout=3, client=client)


def test_a_bare_client_says_how_to_pass_it() -> None:
    """A client alone does not know its model's name; one sentence says all that is taken."""
    says = r"AnthropicModel\(NAME, client=\.\.\.\)"
    with anthropic.Anthropic(api_key="none") as client, pytest.raises(ConfigError, match=says):
        as_model(client)
    with pytest.raises(ConfigError, match=r"pass a Model .*, a LangChain chat model, AnthropicModel"):
        as_model(3)

"""A workspace served to the SDK's own client: what is offered, who may do what, and what is refused."""

import asyncio
from pathlib import Path

import httpx2
import pytest

from agentmem.answers.cache import AnswerCache
from agentmem.answers.values import Answer, AnswerScope
from agentmem.errors import ConfigError
from agentmem.mcp.offered import Offer, check
from agentmem.mcp.serving import McpServer, is_loopback
from agentmem.mcp.tenants import Tenant, Tokens, one_token
from agentmem.models.scripted import ScriptedModel
from agentmem.runtime.agent import Agent
from tests.mcp.clients import client, on_stdio, said, served
from tests.objects import ObjectServer

ACME, OTHER = Tenant("acme", threads=("acme-*",)), Tenant("other", "other", ("other-*",), write=True)
TOKENS = Tokens((("token-of-acme-0001", ACME), ("token-of-other-002", OTHER)))
PAGES = ["find", "read", "list"]
OWN = ["recall", "answers", "report", "why"]


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """Pages, a hidden file, and two runs."""
    root = tmp_path / "notes"
    (root / "other").mkdir(parents=True)
    (root / "leave.md").write_text("# Leave\n\nParental leave is twelve weeks.\n")
    (root / "other" / "plan.md").write_text("# Plan\n\nSell the boat.\n")
    (root / ".env").write_text("KEY=1")
    (root / "out.md").symlink_to("/etc/hostname")
    for name in ("acme-1", "other-1"):
        with Agent(ScriptedModel([f"The answer for {name} is 42."]), root) as one:
            one.run(f"What does {name} want?", thread=name)
    return root


def test_on_stdio_the_owner_reads(workspace: Path) -> None:
    """A client on standard input and output finds, reads and lists pages, and sees the workspace's runs."""

    async def go() -> None:
        async with on_stdio(workspace) as one:
            tools = (await one.list_tools()).tools
            assert [tool.name for tool in tools] == PAGES + OWN
            assert all(tool.annotations and tool.annotations.read_only_hint for tool in tools)
            assert (await said(one, "find", words="parental"))[0].startswith("- leave.md#Leave")
            assert "twelve weeks" in (await said(one, "read", page="leave.md#Leave"))[0]
            assert "- leave.md: Leave" in (await said(one, "list"))[0]
            assert "The answer for acme-1 is 42." in (await said(one, "recall", what="acme-1/3", thread="acme-1"))[0]
            assert "requests: 1" in (await said(one, "report", thread="acme-1"))[0]
            assert "none read less" in (await said(one, "why", thread="other-1"))[0]

    asyncio.run(go())


@pytest.mark.parametrize(
    "page", ["../secret.md", "/etc/passwd", ".env", "out.md", ".agentmem/agentmem.db", "a/../../b"]
)
def test_no_path_leads_out(workspace: Path, page: str) -> None:
    """No name reads or writes outside the workspace, a hidden file or through a link that leads out."""
    (workspace.parent / "secret.md").write_text("secret")

    async def go() -> None:
        token, tokens = one_token()
        with served(Offer(workspace, write=True), tokens) as server:
            async with client(server, token) as one:
                for tool, more in (
                    ("read", {}),
                    ("write", {"text": "x", "overwrite": True}),
                    ("edit", {"action": "delete"}),
                    ("edit", {"action": "append", "text": "x"}),
                ):
                    text, failed = await said(one, tool, page=page, **more)
                    assert failed and "secret" not in text.replace("secret.md", "").replace("secret'", "")
                moved = await said(one, "edit", page="leave.md", action="move", to=page)
                assert moved[1]

    asyncio.run(go())
    assert (workspace.parent / "secret.md").read_text() == "secret"
    assert (workspace / ".env").read_text() == "KEY=1"


def test_without_write_nothing_is_written(workspace: Path) -> None:
    """Neither a right of the tenant nor a call by name writes a page without the server's own switch."""

    async def go(write: bool) -> list[list[str]]:
        names = []
        with served(Offer(workspace, write=write), TOKENS) as server:
            for token, _ in TOKENS.tenants:
                async with client(server, token) as one:
                    names.append([tool.name for tool in (await one.list_tools()).tools])
                    await said(one, "write", page="new.md", text="x")
                    await said(one, "edit", page="leave.md", action="append", text="x")
        return names

    assert asyncio.run(go(False)) == [PAGES + OWN, PAGES + OWN]
    assert not (workspace / "other" / "new.md").exists() and not (workspace / "new.md").exists()
    assert asyncio.run(go(True)) == [PAGES + OWN, [*PAGES, "write", "edit", *OWN]]
    assert (workspace / "other" / "new.md").exists() and not (workspace / "new.md").exists()
    assert (workspace / "leave.md").read_text() == "# Leave\n\nParental leave is twelve weeks.\n"


def test_files_that_steer_other_programs_are_not_written(workspace: Path) -> None:
    """Nobody can be asked here, so a client that may write pages cannot decide what another program does."""

    async def go() -> None:
        async with on_stdio(workspace, "--write") as one:
            assert not (await said(one, "write", page="new.md", text="x"))[1]
            for page in ("Makefile", "AGENTS.md", "other/conftest.py", "agentmem.toml"):
                assert (await said(one, "write", page=page, text="x"))[1]
                assert (await said(one, "edit", page="leave.md", action="move", to=page))[1]
                assert not (workspace / page).exists()

    asyncio.run(go())


def test_a_tenant_sees_its_folder_and_its_runs(workspace: Path) -> None:
    """A tenant with a folder reads nothing beside it; runs of others are as if they were not there."""

    async def go() -> None:
        with served(Offer(workspace), TOKENS) as server:
            async with client(server, "token-of-other-002") as one:
                assert (await said(one, "list"))[0].startswith("workspace (1 pages")
                assert (await said(one, "read", page="../leave.md"))[1]
                assert "leave" not in (await said(one, "find", words="parental leave"))[0].replace("parental leave", "")
                for tool in ("recall", "report", "why"):
                    given = {"what": "acme"} if tool == "recall" else {}
                    text, failed = await said(one, tool, thread="acme-1", **given)
                    assert failed and "There is no run 'acme-1' that you may see. There are other-1." in text
                text, _ = await said(one, "recall", what="acme-1/3")
                assert "for acme-1" not in text

    asyncio.run(go())


def test_no_answer_passes_between_tenants(workspace: Path) -> None:
    """A kept answer is served to its own tenant alone."""
    with AnswerCache(workspace / ".agentmem" / "answers") as cache:
        cache.put("What is the limit?", "Acme's limit is 7.", context=AnswerScope("acme"))
        own = Answer("A user's limit is 9.", reads=("user",))
        cache.put("What is the limit?", own, context=AnswerScope("acme", user="anna"))

    async def go() -> None:
        with served(Offer(workspace), TOKENS) as server:
            async with client(server, "token-of-acme-0001") as one:
                assert (await said(one, "answers", question="What is the limit?"))[0] == "Acme's limit is 7."
            async with client(server, "token-of-other-002") as one:
                assert (await said(one, "answers", question="What is the limit?"))[0] == "No answer to this is kept."

    asyncio.run(go())


def test_answers_that_hosts_share_are_served(
    workspace: Path, objects: ObjectServer, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those at the address that was named, also if they were kept after the server had started."""
    for name, value in objects.environ().items():
        monkeypatch.setenv(name, value)
    address = objects.url("served")

    async def go() -> None:
        with served(Offer(workspace, database=postgres_url, answers=address), TOKENS) as server:
            async with client(server, "token-of-acme-0001") as one:
                assert (await said(one, "answers", question="What is the limit?"))[0] == "No answers are kept here yet."
                with AnswerCache(address, database=postgres_url) as cache:
                    cache.put("What is the limit?", "Acme's limit is 7.", context=AnswerScope("acme"))
                assert (await said(one, "answers", question="What is the limit?"))[0] == "Acme's limit is 7."

    asyncio.run(go())
    assert not (workspace / ".agentmem" / "answers").exists()


def test_many_clients_at_once_keep_apart(workspace: Path) -> None:
    """Clients of two tenants at the same time get their own tenant's answer each time."""
    with AnswerCache(workspace / ".agentmem" / "answers") as cache:
        for tenant in ("acme", "other"):
            cache.put("What is the name of the customer?", f"You are {tenant}.", context=AnswerScope(tenant))

    async def ask(server: McpServer, number: int) -> None:
        token, tenant = TOKENS.tenants[number % 2]
        async with client(server, token) as one:
            for _ in range(3):
                assert (await said(one, "answers", question="What is the name of the customer?"))[
                    0
                ] == f"You are {tenant.name}."

    async def go() -> None:
        with served(Offer(workspace), TOKENS) as server:
            await asyncio.gather(*(ask(server, number) for number in range(12)))

    asyncio.run(go())


def test_requests_without_right_are_refused(workspace: Path) -> None:
    """No token, a wrong one, a web page's origin and another host's name are refused, each before anything is done."""
    token, tokens = one_token()
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    accept = {"accept": "application/json, text/event-stream"}
    right = {**accept, "authorization": f"Bearer {token}"}
    with served(Offer(workspace), tokens, origins=["https://app.example"]) as server:
        found = [
            httpx2.post(server.url, json=body, headers=headers).status_code
            for headers in (
                accept,
                {**accept, "authorization": "Bearer wrong"},
                {**accept, "authorization": f"Basic {token}"},
                {**right, "origin": "http://evil.example"},
                {**right, "origin": server.url.removesuffix("/mcp")},
                {**right, "host": "evil.example"},
                {**right, "origin": "https://app.example"},
                right,
            )
        ]
    assert found == [401, 401, 401, 403, 403, 421, 200, 200]


def test_pictures_are_served_as_pictures(workspace: Path) -> None:
    """A picture of the workspace arrives as one."""
    from base64 import b64decode

    from tests.mcp.server import PNG

    (workspace / "dot.png").write_bytes(b64decode(PNG))

    async def go() -> None:
        async with on_stdio(workspace) as one:
            result = await one.call_tool("read", {"page": "dot.png"})
            assert [block.type for block in result.content] == ["image"]

    asyncio.run(go())


def test_addresses_of_this_machine_are_known() -> None:
    """Loopback is told from addresses that others reach."""
    assert all(map(is_loopback, ("127.0.0.1", "::1", "localhost", "127.1.2.3")))
    assert not any(map(is_loopback, ("0.0.0.0", "192.168.1.2", "example.org", "::")))


def test_a_taken_port_and_a_missing_folder_are_named(workspace: Path) -> None:
    """A port in use and a tenant's folder that is not there are errors that say what to do."""
    _, tokens = one_token()
    with Offer(workspace) as offer, McpServer(offer, tokens) as server:
        with pytest.raises(ConfigError, match="choose another --port, or 0"):
            McpServer(offer, tokens, port=server.port)
        with pytest.raises(ConfigError, match="'gone' of x is not in the workspace"):
            check(offer, [Tenant("x", "gone")])

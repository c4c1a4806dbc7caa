"""Tools of a server at an address: the HTTP client, against a workspace that is served on this machine."""

from pathlib import Path

import pytest

from agentmem.errors import ConfigError
from agentmem.mcp.client import MCP
from agentmem.mcp.offered import Offer
from agentmem.mcp.tenants import one_token
from agentmem.menu.menu import make_menu
from tests.mcp.clients import served
from tests.mcp.test_client import asked, text


def pages(root: Path, body: str) -> Path:
    root.mkdir()
    (root / "leave.md").write_text(body)
    return root


def test_tools_of_an_address_are_on_the_menu(tmp_path: Path) -> None:
    """By name, as those of a command are; the headers go with each request, and the answer comes back."""
    token, tokens = one_token()
    root = pages(tmp_path / "notes", "# Leave\n\nParental leave is twelve weeks.\n")
    with served(Offer(root), tokens) as server:
        headers = {"Authorization": f"Bearer {token}"}
        with MCP("notes", url=server.url, only=["find", "read"], headers=headers, timeout=20.0) as one:
            menu = make_menu([one])
            assert menu.names == ("find", "read")
            assert "twelve weeks" in text(asked(menu, tmp_path, "read", page="leave.md#Leave"))


def test_a_wrong_token_is_a_sentence(tmp_path: Path) -> None:
    """A server that refuses is named, and nothing hangs."""
    _, tokens = one_token()
    root = pages(tmp_path / "notes", "# Leave\n")
    with served(Offer(root), tokens) as server:
        wrong = MCP("notes", url=server.url, only=["read"], headers={"Authorization": "Bearer no"}, timeout=20.0)
        with wrong as one, pytest.raises(ConfigError, match="cannot be reached"):
            one.tools()


def test_a_server_that_has_gone_and_comes_back(tmp_path: Path) -> None:
    """While nobody answers at the address, a call is answered with a sentence; later calls find it again."""
    token, tokens = one_token()
    root = pages(tmp_path / "notes", "# Leave\n\nParental leave is twelve weeks.\n")
    headers = {"Authorization": f"Bearer {token}"}
    with served(Offer(root), tokens) as server:
        port, url = server.port, server.url
        one = MCP("notes", url=url, only=["read"], headers=headers, timeout=20.0)
        menu = make_menu([one])
        assert not asked(menu, tmp_path, "read", page="leave.md").is_error
    gone = asked(menu, tmp_path, "read", page="leave.md")
    assert gone.is_error and "notes" in text(gone)
    with served(Offer(root), tokens, port=port):
        assert "twelve weeks" in text(asked(menu, tmp_path, "read", page="leave.md"))
    one.close()


def test_an_answer_that_is_too_long_is_a_sentence(tmp_path: Path) -> None:
    """The client reads no more than its limit."""
    token, tokens = one_token()
    root = pages(tmp_path / "notes", "# Leave\n\n" + "Parental leave is twelve weeks. " * 400)
    headers = {"Authorization": f"Bearer {token}"}
    with (
        served(Offer(root), tokens) as server,
        MCP("notes", url=server.url, only=["read"], headers=headers, timeout=20.0, most_bytes=8_000) as one,
    ):
        result = asked(make_menu([one]), tmp_path, "read", page="leave.md")
        assert result.is_error and "8,000" in text(result)

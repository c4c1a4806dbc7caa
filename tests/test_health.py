"""Servers say at /-/health that they are up, without a token, and leave every other path alone."""

import json
import threading
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from agentmem.health import PATH
from agentmem.integrations.forwarding import Upstreams
from agentmem.integrations.proxy import Proxy
from agentmem.mcp.offered import Offer
from agentmem.mcp.serving import McpServer
from agentmem.mcp.tenants import one_token


def got(url: str, method: str = "GET") -> bytes:
    with urlopen(Request(url, method=method), timeout=20) as answer:
        return bytes(answer.read())


def test_the_proxy_says_how_its_log_is(tmp_path: Path) -> None:
    """Nothing of it goes on to a provider, or into the log."""
    nobody = "http://127.0.0.1:9"
    with Proxy(tmp_path / "run.jsonl", Upstreams(nobody, nobody, nobody)) as proxy:
        assert json.loads(got(proxy.url + PATH)) == {"status": "ok", "written": 0, "lost": 0}
        assert got(proxy.url + PATH, "HEAD") == b""
        with pytest.raises(HTTPError, match="502"):
            got(proxy.url + PATH + "/other")


def test_a_served_workspace_says_that_it_is_up(tmp_path: Path) -> None:
    """Without a token; everything else still needs one."""
    _, tokens = one_token()
    with Offer(tmp_path) as offer, McpServer(offer, tokens) as server:
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            assert json.loads(got(server.url.replace("/mcp", PATH))) == {"status": "ok"}
            with pytest.raises(HTTPError, match="401"):
                got(server.url, "GET")
        finally:
            server.close()
            thread.join()

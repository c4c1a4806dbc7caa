"""agentmem.ui.gate."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from agentmem.ui.server import PageServer
from tests.ui.asking import answered, status
from tests.ui.desk import featured


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageServer]:
    """A server of one session."""
    folder: Path = tmp_path_factory.mktemp("logs")
    featured().write(folder)
    with PageServer([folder]) as made:
        assert made.ready(60)
        yield made


def test_data_need_the_token(server: PageServer) -> None:
    """None, a wrong one, a part of it, or one in the address: no. The page itself holds no data, and needs none."""
    for given in ({}, {"Authorization": "Bearer x"}, {"Authorization": f"Bearer {server.token[:-1]}"}):
        for path in ("/api/sessions", "/api/events", "/api/search?q=a", f"/api/sessions?token={server.token}"):
            assert status(server, path, given) == 401
    assert status(server, "/api/sessions") == 200
    with answered(server, "/", {}) as answer:
        assert answer.status == 200
        assert server.token not in answer.read().decode()


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "[::1]:{port}", ""]
)
def test_only_its_own_name_is_answered(server: PageServer, host: str) -> None:
    """A name that somebody had resolve to this machine gets nothing, not even the page."""
    given = {"Host": host.format(port=server.port), "Authorization": f"Bearer {server.token}"}
    assert status(server, "/", given) == 421
    assert status(server, "/api/sessions", given) == 421


def test_a_page_of_another_site_is_refused(server: PageServer) -> None:
    """By its Origin, or by what the browser says of where the request comes from."""
    own = {"Authorization": f"Bearer {server.token}"}
    for more in (
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": f"http://127.0.0.1:{server.port + 1}"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ):
        assert status(server, "/api/sessions", own | more) == 403
    assert status(server, "/api/sessions", own | {"Origin": f"http://localhost:{server.port}"}) == 200


def test_nothing_can_be_changed(server: PageServer) -> None:
    """Only GET is answered."""
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "HEAD"):
        assert status(server, "/api/sessions", method=method) == 405


def test_every_answer_carries_the_policy(server: PageServer) -> None:
    """Also those that refuse: nothing inline, nothing from elsewhere, in no frame, kept nowhere."""
    for path, given in (("/", None), ("/api/sessions", None), ("/api/sessions", {}), ("/nothing", None)):
        with answered(server, path, given) as answer:
            policy = answer.headers["content-security-policy"]
            assert policy.startswith("default-src 'none'; script-src 'sha256-")
            assert "unsafe" not in policy and "http" not in policy and policy.endswith("connect-src 'self'")
            assert answer.headers["x-frame-options"] == "DENY"
            assert answer.headers["cache-control"] == "no-store"
            assert answer.headers["referrer-policy"] == "no-referrer"
            assert answer.headers["x-content-type-options"] == "nosniff"


def test_it_is_reached_from_this_machine_alone(server: PageServer) -> None:
    """The socket is bound to loopback, and a new token is made each time."""
    assert server.address.startswith(f"http://127.0.0.1:{server.port}/#token=")
    assert len(server.token) >= 32

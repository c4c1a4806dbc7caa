"""agentmem.ui.server, app and watching: what is answered, and what is told as it happens."""

import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentmem.errors import ConfigError
from agentmem.ui.server import PageServer
from tests.ui.asking import answered, status, told, value
from tests.ui.desk import PROMPTS, clocked, desk, featured


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageServer]:
    """A server of four sessions."""
    folder = tmp_path_factory.mktemp("desk")
    with PageServer([desk(folder / "logs", 4)], index=folder / "sessions.db") as made:
        assert made.ready(60)
        yield made


def test_the_list_and_the_titles(server: PageServer) -> None:
    """Every session with its numbers; its first words are asked for apart."""
    found = value(server, "/api/sessions")
    assert found["ready"] and len(found["sessions"]["id"]) == 4
    first = found["sessions"]["id"][0]
    assert value(server, f"/api/titles?ids={first}") == {first: PROMPTS[0]}


def test_a_session_its_texts_and_its_differences(server: PageServer) -> None:
    """The numbers first, then the whole; blocks by number; what changed at an event."""
    id = value(server, "/api/sessions")["sessions"]["id"][0]
    whole = value(server, f"/api/sessions/{id}?whole=1")
    assert value(server, f"/api/sessions/{id}") == whole
    bodies = value(server, f"/api/sessions/{id}/bodies?ids=1,2,3")
    assert list(bodies) == ["1", "2", "3"]
    cut = next(at for at, one in enumerate(whole["events"]) if one["kind"] == "cut")
    assert value(server, f"/api/sessions/{id}/diffs/{cut}")["rows"]
    assert value(server, f"/api/sessions/{id}/search?q=flask")["places"]
    assert value(server, "/api/search?q=flask")["found"][0]["id"] == id


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/api/sessions/none", 404),
        ("/api/titles?ids=none", 404),
        ("/api/sessions/none/bodies?ids=1", 404),
        ("/api/search?q=a&start=x", 400),
        ("/none", 404),
        ("/../etc/passwd", 404),
        ("/api/sessions/..%2f..%2fetc", 404),
    ],
)
def test_what_is_not_there_is_refused(server: PageServer, path: str, expected: int) -> None:
    """A wrong name is no file of this machine."""
    assert status(server, path) == expected


def test_a_block_that_is_none(server: PageServer) -> None:
    """A number beyond the last, or no number."""
    id = value(server, "/api/sessions")["sessions"]["id"][0]
    assert status(server, f"/api/sessions/{id}/bodies?ids=999999") == 404
    assert status(server, f"/api/sessions/{id}/bodies?ids=x") == 400
    assert status(server, f"/api/sessions/{id}/diffs/999") == 404


def test_a_line_that_is_written_is_told(tmp_path: Path) -> None:
    """In a log that was not there at first, as `watch` has it, and then with every line."""
    log = tmp_path / "wire.jsonl"
    lines = [json.dumps(line) + "\n" for line in clocked(3)]
    with PageServer([log]) as server:
        assert server.ready(60)
        with answered(server, "/api/events") as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            events = told(answer)
            assert next(events) == {}
            for count, line in enumerate(lines, start=1):
                with log.open("a", encoding="utf-8") as file:
                    file.write(line)
                [id] = next(one for one in events if one["sessions"])["sessions"]
                assert value(server, f"/api/sessions/{id}?whole=1")["requests"] == count


def test_closing_ends_streams_and_threads(tmp_path: Path) -> None:
    """Also while somebody listens; it may be closed twice, and the port is free again."""
    before = set(threading.enumerate())
    server = PageServer([tmp_path])
    with answered(server, "/api/events") as answer:
        assert next(told(answer)) == {}
        server.close()
        assert answer.read().strip() == b""
    server.close()
    assert not [one.name for one in set(threading.enumerate()) - before if one.name.startswith("ui")]
    with socket.create_server(("127.0.0.1", server.port)):
        pass


def test_a_taken_port_is_refused(tmp_path: Path) -> None:
    """With what to do about it."""
    featured().write(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(ConfigError, match="choose another --port"):
        PageServer([tmp_path], port=taken.getsockname()[1])

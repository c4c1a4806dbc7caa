"""A server's resources as pages: with their source, again only when they changed, and never outside the workspace."""

from pathlib import Path

import pytest

from agentmem.errors import ConfigError
from agentmem.mcp.resources import as_pages
from agentmem.pages.workspace import Workspace
from agentmem.types import Image, Text
from tests.mcp.servers import connection
from tests.runtime.agents import clock


class Listed:
    def __init__(self, uri: str) -> None:
        self.uri, self.name = uri, f"The page {uri}"


class Source:
    """Resources in memory."""

    name = "docs"

    def __init__(self, **texts: str) -> None:
        self.texts = texts

    def resources(self) -> list[Listed]:
        return [Listed(f"docs://{name}") for name in self.texts]

    def resource(self, uri: str) -> list[Text | Image]:
        text = self.texts[uri.removeprefix("docs://")]
        return [Image("image/png", "aaaa")] if text == "picture" else [Text(text)]


def test_a_servers_resources_become_pages(tmp_path: Path) -> None:
    """Each page names its server, its URI and the day; a URI that climbs is a plain name."""
    with connection(tmp_path) as one, Workspace(tmp_path / "pages", create=True) as workspace:
        assert len(as_pages(one, workspace, clock=clock).created) == 2
        assert workspace.names() == ("mcp/tests/etc-passwd.md", "mcp/tests/guide.md")
        head = "---\nsource: tests\nuri: docs://guide\ntitle: The guide\nfetched: '2025-11-26'\n---\n"
        assert workspace.text("mcp/tests/guide.md") == f"{head}# Guide\n\nTurn left.\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pages"]


def test_again_only_what_changed_is_written(tmp_path: Path) -> None:
    """The same text keeps its day; a new one is written; one that was edited here, or is a picture, is named."""
    with Workspace(tmp_path, create=True) as workspace:
        source = Source(a="one", b="two", c="three", d="picture")
        first = as_pages(source, workspace, clock=clock)
        assert len(first.created) == 3 and list(first.refused) == ["docs://d"]
        source.texts |= {"b": "new", "c": "newer"}
        workspace.append("mcp/docs/c.md", "My own line.")
        again = as_pages(source, workspace, clock=lambda: clock() + 864_000)
        assert (again.updated, again.edited) == (("mcp/docs/b.md",), ("mcp/docs/c.md",))
        assert "2025-11-26" in workspace.text("mcp/docs/a.md") and "2025-12-06" in workspace.text("mcp/docs/b.md")


def test_an_unknown_resource_is_named(tmp_path: Path) -> None:
    """A URI that the server does not list is an error that says what there is."""
    with Workspace(tmp_path, create=True) as workspace, pytest.raises(ConfigError, match="it has docs://a"):
        as_pages(Source(a="x"), workspace, only=["docs://z"])

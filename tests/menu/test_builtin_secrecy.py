"""What the reading tools do not show to a model: hidden files, and files that hold keys by their name."""

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentmem.menu import builtin
from agentmem.menu.menu import default_menu
from agentmem.menu.permissions import Reach
from agentmem.menu.toolbox import ToolContext, call
from agentmem.pages.workspace import Workspace
from agentmem.types import ToolCall
from tests.transcript.transcripts import PNG

SECRETS = (".env", ".git/config", "sub/.env.local", ".ssh/id_ed25519", "deploy/server.pem", "prod.env", "id_rsa")


@pytest.fixture
def context(tmp_path: Path) -> Iterator[ToolContext]:
    """A workspace with secrets, links to them, and a page of a long result."""
    for name in (*SECRETS, ".agentmem/pages/main/3.txt", "notes.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"# canary\nof {name}\n")
    (tmp_path / ".hidden.png").write_bytes(base64.b64decode(PNG))
    (tmp_path / "link.md").symlink_to(".env")
    (tmp_path / "folder").symlink_to(".git")
    with Workspace(tmp_path) as workspace:
        yield ToolContext(workspace, "main")


def said(context: ToolContext, tool: str, **arguments: object) -> str:
    result = call(default_menu(), ToolCall("c1", tool, json.dumps(arguments)), context)
    return "\n".join(getattr(block, "text", "a picture") for block in result.content)


@pytest.mark.parametrize(
    "name",
    [
        *SECRETS,
        "./.env",
        "sub/../.env",
        ".ENV",
        "link.md",
        "folder/config",
        ".env#canary",
        ".hidden.png",
        "ID_RSA",
        ".git",
    ],
)
def test_secrets_are_not_read(context: ToolContext, name: str) -> None:
    """Whatever the way to name them: case, folders, sections, links; as text, outline, list or picture."""
    for tool, argument in (("read", "page"), ("list", "place")):
        answer = said(context, tool, **{argument: name})
        assert "canary" not in answer.replace("#canary", "")
        assert "a picture" not in answer and "- config" not in answer
    if ".." not in name:
        assert "may not be read" in said(context, "read", page=name)


@pytest.mark.parametrize("name", SECRETS)
def test_nor_do_changes_bring_them_to_light(context: ToolContext, name: str) -> None:
    """By a move to a plain name, or by what an edit that fails says of the page."""
    said(context, "edit", page=name, action="move", to="plain.md")
    answers = [
        said(context, "edit", page=name, action="replace", old="# canery", text="x"),
        said(context, "edit", page=name, action="replace", old="a", text="x", revision="00000000"),
        said(context, "write", page=name, text="x", revision="00000000"),
        said(context, "read", page="plain.md"),
    ]
    assert not any("canary" in one for one in answers)
    assert "canary" in (context.workspace.root / name).read_text()


def test_a_search_shows_none_of_them(context: ToolContext) -> None:
    """Files with keys that are not hidden are pages, and their lines would be snippets."""
    answer = said(context, "find", words="canary")
    assert "notes.md" in answer
    assert not any(name in answer for name in SECRETS)


def test_pages_that_agentmem_named_and_plain_pages_are_read(context: ToolContext) -> None:
    """The page of a long result is hidden, and was promised."""
    assert "canary" in said(context, "read", page=".agentmem/pages/main/3.txt")
    assert "canary" in said(context, "read", page="notes.md")
    assert "may not be read" in said(context, "read", page=".agentmem/plans/main.md")


def test_a_person_may_allow_names(context: ToolContext) -> None:
    """By globs; the rest stays closed."""
    allowed = replace(context, reach=Reach(hidden=(".git/**", "*.pem")))
    assert "canary" in said(allowed, "read", page=".git/config")
    assert "canary" in said(allowed, "read", page="deploy/server.pem")
    assert "may not be read" in said(allowed, "read", page=".env")


UNSEEN = st.sampled_from(["", "\u200b", "\u2060", "\ufeff", "\u00ad", "\ufe0f", "\u034f"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(st.data())
def test_no_spelling_makes_a_secret_plain(context: ToolContext, data: st.DataObject) -> None:
    """Letter case, Unicode's other forms and what is not seen make no difference."""
    name = data.draw(st.sampled_from(SECRETS))
    spelt = "".join(data.draw(UNSEEN) + data.draw(st.sampled_from([one, one.upper(), wide(one)])) for one in name)
    assert not builtin.readable(context, spelt)


def wide(letter: str) -> str:
    """The full-width form, which NFKC takes for the same."""
    return chr(ord(letter) + 0xFEE0) if "!" <= letter <= "~" and letter != "/" else letter

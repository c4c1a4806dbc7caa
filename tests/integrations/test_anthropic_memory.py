"""Anthropic's memory tool over pages: what the SDK's own tool does, and what pages add."""

import tempfile
from pathlib import Path
from typing import Any

import anthropic
import pytest
from anthropic.lib.tools import ToolError
from anthropic.lib.tools._beta_builtin_memory_tool import BetaLocalFilesystemMemoryTool
from hypothesis import given, settings
from hypothesis import strategies as st

from agentmem.integrations.anthropic_memory import MemoryTool
from agentmem.kvcache.simulated.events import ServerAnswer
from agentmem.kvcache.simulated.server import MessagesServer
from agentmem.pages.workspace import Workspace

PATHS = [f"/memories{rest}" for rest in ("", "/a.md", "/b.txt", "/d", "/d/c.json", "/d/e/f.md", "/../x.md")]
TEXTS = ["", "one\n", "one\ntwo\nthree", "one one\n\n", "x\r\ny\n"]
paths, texts = st.sampled_from(PATHS), st.sampled_from(TEXTS)
ranges = st.none() | st.tuples(st.integers(0, 3), st.integers(-1, 4)).map(list)
commands = st.one_of(
    st.fixed_dictionaries({"command": st.just("view"), "path": paths, "view_range": ranges}),
    st.fixed_dictionaries({"command": st.just("create"), "path": paths, "file_text": texts}),
    st.fixed_dictionaries(
        {"command": st.just("str_replace"), "path": paths, "old_str": st.sampled_from(["one", "two"]), "new_str": texts}
    ),
    st.fixed_dictionaries(
        {"command": st.just("insert"), "path": paths, "insert_line": st.integers(-1, 5), "insert_text": texts}
    ),
    st.fixed_dictionaries({"command": st.just("delete"), "path": paths}),
    st.fixed_dictionaries({"command": st.just("rename"), "old_path": paths, "new_path": paths}),
)


def told(tool: Any, command: dict[str, Any]) -> str:
    try:
        return str(tool.call(command))
    except ToolError as error:
        return f"error: {error}"


def without_empty_folders(root: Path) -> None:
    """Removes the folders that the SDK's tool leaves behind, also after a command that fails."""
    for one in sorted(root.rglob("*"), reverse=True):
        if one.is_dir() and not any(one.iterdir()):
            one.rmdir()


@settings(max_examples=25)
@given(st.lists(commands, min_size=1, max_size=12))
def test_every_command_says_what_the_sdks_own_tool_says(script: list[dict[str, Any]]) -> None:
    """Any commands have the same results and errors as over the SDK's folder, and leave the same files.

    Where the SDK's tool fails with an error of the system (a file used as a folder), ours says a sentence instead.
    """
    with tempfile.TemporaryDirectory() as place, Workspace(Path(place) / "ours", create=True) as workspace:
        theirs, ours = BetaLocalFilesystemMemoryTool(str(Path(place) / "theirs")), MemoryTool(workspace)
        (workspace.root / "memories").mkdir()
        for command in script:
            try:
                expected = told(theirs, command)
            except OSError:
                assert told(ours, command).startswith("error: ")
            else:
                assert told(ours, command) == expected, command
            without_empty_folders(theirs.memory_root)
            without_empty_folders(workspace.root / "memories")
        left = {
            root: {one.relative_to(root).as_posix(): one.read_bytes() for one in root.rglob("*") if one.is_file()}
            for root in (workspace.root / "memories", Path(place) / "theirs" / "memories")
        }
        first, second = left.values()
        assert first == second


@pytest.mark.parametrize(
    "path", ["/memories/.hidden", "/memories/../../etc/passwd", "/memoriesX/a", "/etc/passwd", "a.md"]
)
def test_nothing_outside_the_folder_is_reached(tmp_path: Path, path: str) -> None:
    """A path that leads out, a hidden one and one of another folder are refused by every command."""
    with Workspace(tmp_path / "w", create=True) as workspace:
        tool = MemoryTool(workspace)
        tool.call({"command": "create", "path": "/memories/a.md", "file_text": "a"})
        for command in (
            {"command": "create", "path": path, "file_text": "x"},
            {"command": "str_replace", "path": path, "old_str": "a", "new_str": "b"},
            {"command": "insert", "path": path, "insert_line": 0, "insert_text": "x"},
            {"command": "delete", "path": path},
            {"command": "rename", "old_path": "/memories/a.md", "new_path": path},
        ):
            assert told(tool, command).startswith("error: ")
        assert workspace.names() == ("memories/a.md",)


def test_a_link_that_leads_out_is_refused(tmp_path: Path) -> None:
    """A link inside the folder is no way out of it."""
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "key.md").write_text("key")
    with Workspace(tmp_path / "w", create=True) as workspace:
        (tmp_path / "w" / "memories").mkdir()
        (tmp_path / "w" / "memories" / "out").symlink_to(tmp_path / "secret")
        said = told(MemoryTool(workspace), {"command": "view", "path": "/memories/out/key.md"})
        assert said.startswith("error: ") and "key\n" not in said


def test_an_edit_is_made_on_the_newest_text_and_links_are_mended(tmp_path: Path) -> None:
    """Somebody else's edit in between is not lost, and a renamed memory keeps its links."""
    with Workspace(tmp_path, create=True) as workspace:
        tool = MemoryTool(workspace)
        tool.call({"command": "create", "path": "/memories/a.md", "file_text": "one\n"})
        tool.call({"command": "create", "path": "/memories/b.md", "file_text": "[a](a.md)\n"})
        workspace.append("memories/a.md", "theirs")
        tool.call({"command": "str_replace", "path": "/memories/a.md", "old_str": "one", "new_str": "two"})
        assert workspace.text("memories/a.md") == "two\n\ntheirs\n"
        tool.call({"command": "rename", "old_path": "/memories/a.md", "new_path": "/memories/deep/c.md"})
        assert workspace.text("memories/b.md") == "[a](deep/c.md)\n"
        assert tool.clear_all_memory() == "All memory cleared" and workspace.names() == ()


def test_the_sdks_tool_runner_works_with_it(tmp_path: Path) -> None:
    """The SDK's tool runner sends the tool's definition, runs the calls of the model and returns the results."""

    def use(name: str, **given: Any) -> dict[str, Any]:
        return {"type": "tool_use", "id": f"toolu_{name}", "name": "memory", "input": given}

    script = [
        ServerAnswer([use("1", command="create", path="/memories/tea.md", file_text="Anna drinks Earl Grey.\n")]),
        ServerAnswer([use("2", command="view", path="/memories")]),
        ServerAnswer.text("I remember that."),
    ]
    with Workspace(tmp_path, create=True) as workspace, MessagesServer(script) as server:
        client = anthropic.Anthropic(api_key="none", base_url=server.url)
        runner = client.beta.messages.tool_runner(
            model="claude-sonnet-5-5",
            max_tokens=500,
            messages=[{"role": "user", "content": "Anna drinks Earl Grey."}],
            tools=[MemoryTool(workspace)],
            thread=False,
        )
        final = runner.until_done()
        client.close()
        bodies = [one.body for one in server.requests]
    assert final.content[0].type == "text" and workspace.text("memories/tea.md") == "Anna drinks Earl Grey.\n"
    assert bodies[0]["tools"] == [{"type": "memory_20250818", "name": "memory"}]
    results = bodies[2]["messages"][-1]["content"][0]
    assert "23B\t/memories/tea.md" in results["content"]

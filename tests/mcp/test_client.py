"""A server's tools on a menu: by name, with effects, and whatever becomes of the server."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from agentmem.errors import ConfigError, MenuError, ToolError
from agentmem.mcp.client import MCP
from agentmem.mcp.faults import ServerFault
from agentmem.menu.menu import make_menu
from agentmem.menu.tool import Menu, ToolContext
from agentmem.menu.toolbox import call
from agentmem.pages.workspace import Workspace
from agentmem.types import Image, Text, ToolCall, ToolResult
from tests.mcp.servers import connection, gone, running


def asked(menu: Menu, root: Path, name: str, **given: object) -> ToolResult:
    with Workspace(root) as workspace:
        return call(menu, ToolCall("1", name, json.dumps(given)), ToolContext(workspace, "t"))


def text(result: ToolResult) -> str:
    return "\n".join(one.text for one in result.content if isinstance(one, Text))


def test_only_named_tools_are_on_the_menu(tmp_path: Path) -> None:
    """Of a server with many tools the named ones are on the menu, with the effects that it claims or that are given."""
    with connection(tmp_path, "search", "create", "show", tools=120, effects={"show": "outside"}) as one:
        tools = one.tools()
        assert [(tool.name, tool.effect, tool.source) for tool in tools] == [
            ("search", "read", "tests"),
            ("create", "outside", "tests"),
            ("show", "outside", "tests"),
        ]


def test_a_definition_has_the_same_bytes_in_every_process(tmp_path: Path) -> None:
    """A server that orders its keys anew in each process does not break a prefix."""
    seen = set()
    for _ in range(4):
        with connection(tmp_path, "search", "create") as one:
            seen.add(json.dumps([tool.definition() for tool in one.tools()]))
    assert len(seen) == 1


def test_without_names_the_error_tells_what_there_is(tmp_path: Path) -> None:
    """All tools at once are refused, with their names and what they would cost; so is a name that is not there."""
    with connection(tmp_path, tools=60) as one, pytest.raises(MenuError, match=r"all 60 would take about [0-9,]+"):
        one.tools()
    with connection(tmp_path, "serch") as one, pytest.raises(MenuError, match="did you mean 'search'"):
        one.tools()
    with connection(tmp_path, "search", effects={"create": "read"}) as one, pytest.raises(MenuError, match="effects"):
        one.tools()


def test_too_many_tools_are_refused_with_advice_and_leave_no_process(tmp_path: Path) -> None:
    """Over the cap of a menu the error says to name fewer, and the server that was started has ended."""
    names = [f"more_{n}" for n in range(13)]
    with pytest.raises(MenuError, match=r"13 tools are too many.*only="):
        make_menu([connection(tmp_path, *names, tools=30)])
    assert gone(tmp_path)


def test_two_tools_of_one_name_can_be_renamed(tmp_path: Path) -> None:
    """A mapping gives a tool another name on the menu; without it the error says so."""
    first, second = connection(tmp_path, "search"), connection(tmp_path, "search", name="other")
    with pytest.raises(MenuError, match=r"only=\{'search': 'another_name'\}"):
        make_menu([first, second])
    renamed = connection(tmp_path, name="other", only={"search": "search_other"})
    menu = make_menu([first, renamed])
    assert menu.names == ("search", "search_other")
    assert text(asked(menu, tmp_path, "search_other", q="x")).startswith("search ")
    for source in menu.sources:
        source.close()
    assert gone(tmp_path)


def test_pictures_and_structured_content_arrive(tmp_path: Path) -> None:
    """A picture is a picture for the model; structured content without a text is JSON."""
    with connection(tmp_path, "show", "a.table") as one:
        menu = make_menu([one])
        shown = asked(menu, tmp_path, "show")
        assert [type(block) for block in shown.content] == [Text, Image]
        assert json.loads(text(asked(menu, tmp_path, "a_table"))) == {"rows": [{"n": 1}, {"n": 2}]}


def test_wrong_arguments_never_reach_the_server(tmp_path: Path) -> None:
    """A missing or mistyped argument is a sentence; an error of the tool itself is one too, with its own words."""
    with connection(tmp_path, "search") as one:
        menu = make_menu([one])
        assert "`q` is missing" in text(asked(menu, tmp_path, "search"))
        assert "`q` must be text" in text(asked(menu, tmp_path, "search", q=3))
        refused = asked(menu, tmp_path, "search", q="")
        assert refused.is_error and text(refused).endswith("give words to search for")


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("die", "ended while it worked on fault"),
        ("stall", "did not answer fault within 0.5 seconds"),
        ("flood", "sent more than 1,000,000 bytes"),
        ("chatter", "sent more than 1,000,000 bytes"),
    ],
)
def test_a_fault_is_a_sentence_and_the_next_call_works(tmp_path: Path, kind: str, said: str) -> None:
    """Whatever the server does, the model is told in a sentence, and the server is started again for the next call."""
    with connection(tmp_path, "fault", "search", timeout=0.5 if kind == "stall" else 20.0) as one:
        menu = make_menu([one])
        failed = asked(menu, tmp_path, "fault", kind=kind)
        assert failed.is_error and said in text(failed)
        assert text(asked(menu, tmp_path, "search", q="on")).startswith("search ")
        assert one.starts == 2
    assert gone(tmp_path)


def test_last_words_of_a_server_are_told(tmp_path: Path) -> None:
    """What a server wrote on its standard error before it ended is in the sentence."""
    with connection(tmp_path, "fault") as one:
        assert "It said: out of memory, sorry." in text(asked(make_menu([one]), tmp_path, "fault", kind="die"))


def test_lines_that_are_no_messages_are_passed_over(tmp_path: Path) -> None:
    """A server that prints other lines among its messages is understood all the same."""
    with connection(tmp_path, "fault") as one:
        assert text(asked(make_menu([one]), tmp_path, "fault", kind="garbage")).startswith("fault ")
        assert one.starts == 1


def test_a_server_that_cannot_start_is_named(tmp_path: Path) -> None:
    """Without a catalogue the tools are not known: the error says why, and with what last words."""
    missing = MCP("absent", command=[str(tmp_path / "nothing")], only=["search"])
    with pytest.raises(ConfigError, match=r"'absent' are not known.*cannot be started"):
        missing.tools(tmp_path)
    missing.close()


def test_a_dead_server_does_not_change_the_prefix(tmp_path: Path) -> None:
    """An agent begins with the definitions of the last run, and its calls are sentences until the server is back."""
    with connection(tmp_path, "search") as one:
        before = [tool.definition() for tool in one.tools(tmp_path)]
    dead = MCP("tests", command=[sys.executable, "-c", "import sys; sys.exit('no licence')"], only=["search"])
    menu = make_menu([dead], tmp_path)
    assert list(menu.definitions()) == before
    told = asked(menu, tmp_path, "search", q="x")
    assert told.is_error and "cannot be reached now" in text(told) and "no licence" in text(told)
    dead.close()


def test_changed_tools_are_named(tmp_path: Path) -> None:
    """What a server changed since the last run is said by tool and by parameter."""
    with connection(tmp_path, "search", "create") as one:
        one.tools(tmp_path)
        assert one.changes == ()
    (tmp_path / "changed").touch()
    with connection(tmp_path, "search", "create") as one:
        one.tools(tmp_path)
        assert one.changes == ("search: `q` is gone; `query` is new: text, needed; `sort` is new: text, needed",)
    with connection(tmp_path, "search", "create") as one:
        one.tools(tmp_path)
        assert one.changes == ()


def test_a_damaged_catalogue_is_made_anew(tmp_path: Path) -> None:
    """A catalogue that cannot be read is as good as none."""
    (tmp_path / ".agentmem" / "mcp").mkdir(parents=True)
    (tmp_path / ".agentmem" / "mcp" / "tests.json").write_text('{"tools": [], "seen": 3}')
    with connection(tmp_path, "search") as one:
        assert one.tools(tmp_path)[0].name == "search"
    assert json.loads((tmp_path / ".agentmem" / "mcp" / "tests.json").read_text())["tools"].keys() == {"search"}


def test_calls_of_several_threads_share_one_server(tmp_path: Path) -> None:
    """Calls side by side are served by one process."""
    from concurrent.futures import ThreadPoolExecutor

    with connection(tmp_path, "search") as one:
        menu = make_menu([one])
        with ThreadPoolExecutor(8) as pool:
            said = list(pool.map(lambda n: text(asked(menu, tmp_path, "search", q=str(n))), range(24)))
        assert [f'"q": "{n}"' in line for n, line in enumerate(said)] == [True] * 24
        assert len({line.rpartition(" by ")[2] for line in said}) == 1 == one.starts


def test_the_server_ends_with_its_last_agent_and_starts_again(tmp_path: Path) -> None:
    """A connection that two use ends when both have closed it; a later call starts the server again."""
    one = connection(tmp_path, "search")
    one.use()
    one.use()
    menu = make_menu([one])
    one.close()
    assert running(tmp_path)
    one.close()
    assert gone(tmp_path)
    assert text(asked(menu, tmp_path, "search", q="x")).startswith("search ")
    one.close()
    assert gone(tmp_path)


def test_no_server_outlives_a_killed_agent(tmp_path: Path) -> None:
    """After a kill of the process that holds a connection, its server is gone, even one that has stalled."""
    program = (
        "import os, sys, signal\nfrom pathlib import Path\nfrom agentmem.mcp.faults import ServerFault\n"
        "from tests.mcp.servers import connection\nfrom tests.mcp.test_client import asked, make_menu\n"
        "one = connection(Path(sys.argv[1]), 'fault', timeout=0.3)\nmenu = make_menu([one])\n"
        "asked(menu, Path(sys.argv[1]), 'fault', kind='stall')\nos.kill(os.getpid(), signal.SIGKILL)\n"
    )
    ended = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, check=False)
    assert ended.returncode == -9, ended.stderr
    assert gone(tmp_path)


def test_resources_are_listed_and_read(tmp_path: Path) -> None:
    """A server's resources are listed, and read as text."""
    with connection(tmp_path) as one:
        assert [found.name for found in one.resources()] == ["The guide", "Another"]
        assert one.resource("docs://guide") == [Text("# Guide\n\nTurn left.\n")]


@pytest.mark.parametrize(
    "settings",
    [
        {"name": "a b"},
        {"timeout": 0},
        {"cap": -1},
        {"effects": {"search": "reads"}},
        {"only": 3},
    ],
)
def test_settings_that_do_not_fit_are_refused(tmp_path: Path, settings: dict[str, object]) -> None:
    """A setting of a wrong type or value is refused when the connection is made."""
    with pytest.raises(ConfigError):
        connection(tmp_path, **{"only": ["search"], **settings})  # type: ignore[arg-type]


def test_one_transport_is_needed() -> None:
    """A connection has a command or an address, and a command is a list."""
    wrong: list[dict[str, Any]] = [{}, {"command": ["a"], "url": "http://x"}, {"command": "a b"}, {"command": []}]
    for given in wrong:
        with pytest.raises(ConfigError, match="either command="):
            MCP("x", **given)


def test_a_key_of_the_environment_stays_here(tmp_path: Path) -> None:
    """A server's command gets the few variables that every command gets, and those that were given for it."""
    program = "import os, sys; sys.exit(' '.join(sorted(os.environ)))"
    one = MCP("x", command=[sys.executable, "-c", program], only=["a"], env={"TOKEN": "1"})
    with pytest.raises(ConfigError) as told:
        one.tools()
    assert "TOKEN" in str(told.value) and "PYTEST_CURRENT_TEST" not in str(told.value)
    one.close()


def test_faults_are_tool_errors() -> None:
    """A fault is an error that the model is told, with its kind."""
    fault: ToolError = ServerFault("stalled", server="a", tool="b", seconds=2.0)
    assert isinstance(fault, ServerFault) and fault.kind == "stalled" and "within 2 seconds" in fault.sentence


def test_the_sdk_is_imported_when_a_connection_is_made() -> None:
    """Neither agentmem nor its room of MCP imports the SDK."""
    program = "import sys, agentmem, agentmem.mcp, agentmem.cli.app; sys.exit('mcp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0

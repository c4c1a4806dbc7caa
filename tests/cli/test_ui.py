"""agentmem.cli.ui, and `watch --open`."""

import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from agentmem.cli.ui import paths
from agentmem.distribution import install
from agentmem.errors import ConfigError
from agentmem.kvcache.simulated.server import MessagesServer
from tests.cli.invoke import invoke
from tests.cli.test_process import environment
from tests.cli.test_proxy import CHILD
from tests.ui.desk import featured

COMMAND = [sys.executable, "-c", "from agentmem.cli import main; main()", "ui"]


def browser(folder: Path) -> tuple[dict[str, str], Path]:
    """A browser that only notes what it is given: the environment that names it, and the note."""
    program, opened = folder / "browser", folder / "opened"
    program.write_text(f"#!{sys.executable}\nimport sys\nopen({str(opened)!r}, 'w').write(sys.argv[1])\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return {"BROWSER": f"{program} %s", "PATH": os.environ["PATH"]}, opened


def test_it_serves_until_it_is_interrupted(tmp_path: Path) -> None:
    """The address is on stdout as soon as it answers; Ctrl-C is the way to end it."""
    featured().write(tmp_path / "logs")
    command = [*COMMAND, str(tmp_path / "logs"), "--no-open", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment(), cwd=tmp_path) as served:
        assert served.stdout
        told = json.loads(served.stdout.readline())
        served.send_signal(signal.SIGINT)
        assert served.wait(timeout=60) == 0
    assert told["address"].startswith(told["url"] + "#token=")
    assert told["url"].startswith("http://127.0.0.1:")


def test_the_browser_is_given_the_address(tmp_path: Path) -> None:
    """With the token, so that the page opens at once."""
    named, opened = browser(tmp_path)
    os.mkfifo(opened)  # reading from it waits for the browser
    featured().write(tmp_path / "logs")
    command = [*COMMAND, str(tmp_path / "logs")]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=environment() | named, cwd=tmp_path
    ) as served:
        assert served.stdout
        line = served.stdout.readline()
        given = opened.read_text()
        served.send_signal(signal.SIGINT)
        served.wait(timeout=60)
    assert "#token=" in given and line.strip().endswith(given)


def test_what_cannot_work_is_refused(tmp_path: Path) -> None:
    """A source that is not there; nothing to show; a missing package."""
    ended = invoke("ui", tmp_path / "none")
    assert ended.exit_code == 2 and "does not exist" in ended.stderr
    program = "import sys; sys.modules['uvicorn'] = None; from agentmem.cli import main; main()"
    command = [sys.executable, "-c", program, "ui", str(tmp_path), "--no-open"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(), timeout=120, check=False)
    assert done.returncode == 2 and install("ui") in " ".join(done.stderr.split())


def test_sources_are_those_that_are_named(tmp_path: Path) -> None:
    """Files and folders as they are given; one that is missing is named."""
    log = featured().write(tmp_path)
    assert paths([log, tmp_path], tmp_path) == [log, tmp_path]
    with pytest.raises(ConfigError, match="nowhere does not exist"):
        paths([tmp_path / "nowhere"], tmp_path)


def test_watch_shows_a_command_live(tmp_path: Path) -> None:
    """The page is served while the command runs, and the report stands at the end as ever."""
    named, opened = browser(tmp_path)
    log = tmp_path / "log.jsonl"
    with MessagesServer() as server:
        command = [*COMMAND[:-1], "watch", "--open", "--upstream", server.url, "--log", str(log), "--", sys.executable]
        done = subprocess.run(
            [*command, "-c", CHILD],
            capture_output=True,
            text=True,
            env=environment() | named,
            timeout=120,
            check=False,
        )
    assert done.returncode == 3, done.stderr
    assert "The page is live at http://127.0.0.1:" in done.stderr
    assert "cache hit rate" in done.stderr
    assert opened.read_text() in done.stderr.replace("\n", "")

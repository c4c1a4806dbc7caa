"""Commands of the model behind walls: no key within reach, as root or as an ordinary user; the workspace is whole."""

import os
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from agentmem.menu import walled
from agentmem.menu.permissions import Reach
from agentmem.menu.shell import run
from agentmem.menu.toolbox import ToolContext
from agentmem.pages.workspace import Workspace
from agentmem.sandbox.planning import MOUNTING

KEYS = {
    "ANTHROPIC_API_KEY": "canary-one",
    "OPENAI_API_KEY": "canary-two",
    "AWS_SECRET_ACCESS_KEY": "canary-three",
    "DATABASE_URL": "postgresql://u:canary-four@h/d",
    "ONE_OF_MY_OWN": "canary-five",
}
LOOK = (
    "cat /proc/$PPID/environ | tr '\\0' '\\n'",
    "tr '\\0' '\\n' < /proc/self/environ",
    "env; set; export -p",
    "ps auxwwwe 2>/dev/null",
)
EVERYWHERE = "cat /proc/[0-9]*/environ /proc/[0-9]*/task/*/environ 2>/dev/null | tr '\\0' '\\n'"

PROGRAM = """
import os, subprocess, sys, tempfile
from agentmem.pages.workspace import Workspace
from agentmem.menu.toolbox import ToolContext
from agentmem.menu import walled
from agentmem.menu.permissions import Reach
from agentmem.menu.shell import run
with tempfile.TemporaryDirectory() as folder:
    workspace = Workspace(folder)
    context = ToolContext(workspace, "main", reach=Reach(walls=sys.argv[1]))
    print("walls:", walled.walls(context.reach, workspace.root))
    for command in sys.argv[2:]:
        print(run(command, context))
    workspace.close()
assert os.environ["ANTHROPIC_API_KEY"] == "can" + "ary-one"
inherited = subprocess.run(["printenv", "ANTHROPIC_API_KEY"], capture_output=True, text=True, check=True).stdout
assert inherited.strip() == "can" + "ary-one"
"""
NOBODY = 65534


@cache
def python_for_nobody() -> str | None:
    """A Python that an ordinary user may run, with our packages; None where there is none."""
    for one in (sys.executable, f"/usr/bin/python{sys.version_info[0]}.{sys.version_info[1]}"):
        command = [one, "-c", "import agentmem.menu.shell"]
        try:
            done = subprocess.run(command, env=packages(), cwd="/", user=NOBODY, group=NOBODY, extra_groups=[])
        except OSError:
            continue
        if done.returncode == 0:
            return one
    return None


def packages() -> dict[str, str]:
    return {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PATH": os.environ["PATH"], "HOME": "/nonexistent"}


def tried(walls: str, ordinary: bool, *commands: str) -> str:
    """What the commands print to the tool, in a process of its own that was started with the keys."""
    environment = {**packages(), **KEYS}
    if not ordinary:
        command = [sys.executable, "-c", PROGRAM, walls, *commands]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd="/")
    elif os.getuid() != 0:
        pytest.skip("the other case is that of an ordinary user already")
    elif (python := python_for_nobody()) is None:
        pytest.skip("no Python here that an ordinary user may run")
    else:
        command = [python, "-c", PROGRAM, walls, *commands]
        done = subprocess.run(
            command,
            env=environment,
            capture_output=True,
            text=True,
            cwd="/",
            user=NOBODY,
            group=NOBODY,
            extra_groups=[],
        )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("ordinary", [False, True], ids=["as we are", "as an ordinary user"])
@pytest.mark.parametrize("walls", ["auto", "none"])
def test_no_command_finds_a_key_in_the_agents_environment(walls: str, ordinary: bool) -> None:
    """Neither its own environment nor that of the process that started it shows a variable that is not for commands;
    the program itself and what else it starts keep them."""
    assert "canary" not in tried(walls, ordinary, *LOOK)


@pytest.mark.parametrize("ordinary", [False, True], ids=["as we are", "as an ordinary user"])
def test_behind_walls_no_process_outside_is_seen(ordinary: bool) -> None:
    """Not the agent's parents either, whose environment nobody could change."""
    said = tried("auto", ordinary, EVERYWHERE)
    if "walls: none" in said:
        pytest.skip("no walls work here")
    assert "canary" not in said


@pytest.fixture
def context(tmp_path: Path) -> Iterator[ToolContext]:
    """A context whose commands run behind walls that mount."""
    (tmp_path / "work").mkdir()
    workspace = Workspace(tmp_path / "work")
    if walled.walls(Reach(), workspace.root) not in MOUNTING:
        pytest.skip("no walls that mount work here")
    yield ToolContext(workspace, "main", environment={"PATH": "/usr/bin:/bin"})
    workspace.close()


def test_the_workspace_is_there_and_what_lies_beside_it_is_not(context: ToolContext) -> None:
    """Reading and writing go on as without walls; the folders around are empty, and so is the home folder."""
    root = context.workspace.root
    (root.parent / "beside.txt").write_text("beside")
    (root / "page.md").write_text("# Page\n")
    said = run("cat page.md; echo more >> page.md; ls ..; cat ../beside.txt; ls -A ~; pwd", context)
    assert "# Page" in said and str(root) in said
    assert "beside.txt: No such file" in said
    assert context.workspace.text("page.md") == "# Page\nmore\n"


def test_what_one_command_leaves_in_tmp_the_next_one_finds(context: ToolContext) -> None:
    """As a person would expect; and nothing of it stands in the host's /tmp."""
    run("echo kept > /tmp/of-a-command-behind-walls; echo home > ~/x", context)
    assert run("cat /tmp/of-a-command-behind-walls ~/x", context).endswith("kept\nhome")
    assert not Path("/tmp/of-a-command-behind-walls").exists()


@pytest.mark.parametrize(
    "command",
    [
        "echo 'max_usd = 900.0' > agentmem.toml",
        "rm -f agentmem.toml",
        "mv agentmem.toml elsewhere.toml; echo > agentmem.toml",
        "ln -sf /etc/passwd agentmem.toml",
        "printf x | tee agentmem.toml",
        "python3 -c \"open('agentmem.toml', 'w').write('x')\"",
        "rm -rf agentmem.toml; mkdir agentmem.toml",
    ],
)
@pytest.mark.parametrize("walls", ["auto", "none"])
@pytest.mark.parametrize("before", [b"budget = 50_000\n", None])
def test_settings_are_what_they_were_after_a_command(
    tmp_path: Path, command: str, walls: str, before: bytes | None
) -> None:
    """Behind walls they cannot be written; where they can, or are new, it is undone and said."""
    settings = tmp_path / "agentmem.toml"
    if before is not None:
        settings.write_bytes(before)
    with Workspace(tmp_path) as workspace:
        said = run(command, ToolContext(workspace, "main", reach=Reach(walls=walls)))  # type: ignore[arg-type]
    assert (settings.read_bytes() if settings.is_file() else None) == before
    assert not settings.is_symlink() and not settings.is_dir()
    assert "Read-only" in said or "busy" in said or "was undone" in said or before is None or walls == "auto"


def test_of_agentmems_folder_only_pages_of_results_are_shown(context: ToolContext) -> None:
    """A command reads the pages that the model was told of, and neither database nor plans; it writes nothing there."""
    home = context.workspace.root / ".agentmem"
    (home / "pages" / "main").mkdir(parents=True)
    (home / "pages" / "main" / "3.txt").write_text("a long result")
    (home / "agentmem.db").write_text("every thread")
    said = run("cat .agentmem/pages/main/3.txt; cat .agentmem/agentmem.db; echo x > .agentmem/x", context)
    assert "a long result" in said and "every thread" not in said
    assert not (home / "x").exists()
    run("rm -rf .agentmem; echo x > .agentmem/pages/main/3.txt", context)
    assert (home / "pages" / "main" / "3.txt").read_text() == "a long result"
    assert (home / "agentmem.db").exists()


def test_what_git_would_run_outside_is_not_written(context: ToolContext) -> None:
    """Hooks and git's settings stay; `reach.steering` opens them."""
    root = context.workspace.root
    subprocess.run(["git", "init", "--quiet", root], check=True)
    (root / ".git" / "hooks").mkdir(exist_ok=True)
    attack = "echo evil > .git/hooks/pre-commit; git config core.pager evil; echo '[x]' >> .git/config"
    before = (root / ".git" / "config").read_text()
    run(attack, context)
    assert not (root / ".git" / "hooks" / "pre-commit").exists()
    assert (root / ".git" / "config").read_text() == before
    allowed = ToolContext(context.workspace, "main", environment=context.environment, reach=Reach(steering="allow"))
    run(attack, allowed)
    assert (root / ".git" / "hooks" / "pre-commit").exists()


def test_folders_that_a_person_names_are_readable(context: ToolContext, tmp_path: Path) -> None:
    """Only to be read."""
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "data.txt").write_text("data")
    shown = ToolContext(context.workspace, "main", reach=Reach(readable=(tmp_path / "shared",)))
    said = run(f"cat {tmp_path}/shared/data.txt; echo x > {tmp_path}/shared/new", shown)
    assert "data" in said and not (tmp_path / "shared" / "new").exists()

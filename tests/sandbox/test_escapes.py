"""Nothing that a command does reaches the host. escapes.py lists the attempts."""

import json
import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from agentmem.errors import MergeConflict, SandboxError
from agentmem.sandbox import Sandbox, SandboxLimits
from agentmem.sandbox.planning import Isolation
from tests.sandbox.escapes import BY_ITSELF, CANNOT, ESCAPES, PRELUDE, RUNNER
from tests.sandbox.worlds import SECRET, WORKING, World, fingerprint, git, world

GROUP = 23
"""How many escapes are tried by one command; `make bench` tries each by one of its own, by root and by another user."""


def groups(isolation: Isolation) -> list[list[str]]:
    """The escapes that an isolation is to hold, those that end what stands beside them by themselves."""
    names = [name for name in ESCAPES if (isolation, name) not in CANNOT]
    together = [name for name in names if name not in BY_ITSELF]
    count = -(-len(together) // GROUP)
    return [*(together[at::count] for at in range(count)), *([name] for name in names if name in BY_ITSELF)]


ATTEMPTS = [
    pytest.param(isolation, names, id=f"{isolation}: {names[0]}, {len(names)}")
    for isolation in WORKING
    for names in groups(isolation)
]

pytestmark = pytest.mark.skipif(not WORKING, reason="no isolation works on this machine")


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("host")) as made:
        yield made


def attempt(sandbox: Sandbox, host: World, *names: str) -> str:
    """Try escapes; what they printed."""
    rows = json.dumps([(name, ESCAPES[name]) for name in names])
    command = ["python3", "-c", PRELUDE + RUNNER, *host.arguments(sandbox.where), rows]
    return sandbox.run(command, timeout=240).output


def test_there_are_enough_ways_out() -> None:
    """At least 120 are tried wherever anything isolates, and what an isolation cannot hold is a known escape of its."""
    assert len(ESCAPES) >= 130
    assert all(name in ESCAPES for _, name in CANNOT)
    assert ESCAPES.keys() >= BY_ITSELF
    assert all(sum(map(len, groups(isolation))) >= 130 for isolation in WORKING)


@pytest.mark.parametrize(("isolation", "names"), ATTEMPTS)
def test_no_way_out(host: World, isolation: Isolation, names: list[str]) -> None:
    """The attempts are made, fail, and show no secret; nor does what the host then does with the fork help them."""
    before = host.state()
    with Sandbox.fork(host.source, isolation=isolation, limits=LIMITS) as sandbox:
        state = {path.name for path in sandbox.where.iterdir()} & {"fork.json", "stamps"}
        output = attempt(sandbox, host, *names)
        for part in output.split("== ")[1:]:
            assert "tried" in part or names[0] in BY_ITSELF, part
            assert not {"ESCAPED", "BROKEN", SECRET} & {word for word in WORDS if word in part}, part
        assert [part.partition("\n")[0] for part in output.split("== ")[1:]] == names
        assert not [value for key, value in os.environ.items() if "KEY" in key and len(value) > 6 and value in output]
        assert daemons(host) == []
        assert state <= {path.name for path in sandbox.where.iterdir()}
        use(sandbox)
        sandbox.run("true")
    assert host.state() == before
    assert not sandbox.where.exists()


LIMITS = SandboxLimits(output=4 << 20, memory=512 << 20, disk=64 << 20)
WORDS = ("ESCAPED", "BROKEN", SECRET)


def use(sandbox: Sandbox) -> None:
    """Uses a fork in every way the host does. The secret never appears."""
    for path in sandbox.files():
        with suppress(SandboxError):
            assert SECRET.encode() not in sandbox.read(path)
    for path in ("doorway/new.txt", "sub/new.txt"):
        with suppress(SandboxError):
            sandbox.write(path, b"from the host")
    diff = sandbox.diff(ignored=True)
    assert SECRET not in diff.text
    assert not [path for path in diff.paths if ".git" in path.casefold().split("/")]
    snapshot = sandbox.snapshot()
    with sandbox.fork_again() as other:
        assert other.diff(ignored=True).paths == ()
    sandbox.rollback(snapshot)
    git(sandbox.source, "status", "--short")


def daemons(host: World) -> list[str]:
    """The processes that an escape left behind."""
    mark = b"agentmem-daemon-" + host.abstract.getsockname()[1:]
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if mark in (process / "cmdline").read_bytes():
                found.append(process.name)
    return found


@pytest.mark.parametrize("isolation", WORKING)
@pytest.mark.parametrize("name", ["git hooks", "git configuration", "set-user-id program", "link made inside"])
def test_merging_brings_nothing_that_acts(tmp_path: Path, isolation: Isolation, name: str) -> None:
    """A merge brings no hooks, no settings of git, no set-user-id programs, and no links that lead out."""
    with world(tmp_path) as host:
        git_before, outside = fingerprint(host.source / ".git"), fingerprint(host.outside)
        with Sandbox.fork(host.source, isolation=isolation) as sandbox:
            attempt(sandbox, host, name)
            with suppress(SandboxError):
                sandbox.merge_into()
        assert fingerprint(host.source / ".git") == git_before
        git(host.source, "status", "--short")
        assert fingerprint(host.outside) == outside
        assert not [path for path in host.source.rglob("*") if not path.is_symlink() and path.stat().st_mode & 0o6000]
        assert not [path for path in host.source.rglob("*") if path.is_symlink()]


@pytest.mark.parametrize("isolation", WORKING)
def test_a_race_against_the_host_shows_nothing(host: World, isolation: Isolation) -> None:
    """While a command swaps a folder for a link to the host's, the host never lists or reads through the link."""
    before = host.state()
    swap = (
        "import os, sys\n"
        "os.makedirs('flip')\n"
        "open('flip/secret.txt', 'w').write('mine')\n"
        "os.symlink(sys.argv[1], 'door')\n"
        "while not os.path.exists('stop'):\n"
        "    os.rename('flip', 'kept'); os.rename('door', 'flip')\n"
        "    os.rename('flip', 'door'); os.rename('kept', 'flip')\n"
    )
    with Sandbox.fork(host.source, isolation=isolation, how="copy") as sandbox:
        command = ["python3", "-c", swap, str(host.outside)]
        running = threading.Thread(target=sandbox.run, args=(command,), kwargs={"timeout": 1.0})
        running.start()
        while running.is_alive():
            with suppress(SandboxError):
                assert SECRET.encode() not in sandbox.read("flip/secret.txt")
            with suppress(SandboxError):
                sandbox.files("flip/**")
        with suppress(SandboxError, MergeConflict):
            assert SECRET not in sandbox.diff().text
    assert host.state() == before

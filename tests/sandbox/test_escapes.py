"""Nothing that a command does reaches the host. escapes.py lists the attempts."""

import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from agentmem.errors import MergeConflict, SandboxError
from agentmem.sandbox import Sandbox
from agentmem.sandbox.planning import Isolation
from tests.sandbox.escapes import CANNOT, ESCAPES, PRELUDE
from tests.sandbox.worlds import SECRET, WORKING, World, fingerprint, git, world

ATTEMPTS = [
    pytest.param(isolation, name, id=f"{isolation}: {name}")
    for isolation in WORKING
    for name in ESCAPES
    if (isolation, name) not in CANNOT
]

pytestmark = pytest.mark.skipif(not WORKING, reason="no isolation works on this machine")


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("host")) as made:
        yield made


def attempt(sandbox: Sandbox, host: World, name: str) -> str:
    """Tries one escape, and returns what it printed."""
    address = (str(host.outside), str(host.source), str(sandbox.where), str(host.victim.pid))
    reach = (str(host.tcp.getsockname()[1]), host.abstract.getsockname()[1:].decode())
    program = f"{PRELUDE}\n{ESCAPES[name]}\nprint('tried')"
    return sandbox.run(["python3", "-c", program, *address, *reach], timeout=60).output


def test_there_are_enough_ways_out() -> None:
    """At least 25 escapes are tried with any isolation. Those that an isolation cannot stop are listed as known."""
    assert len(ESCAPES) >= 25
    assert all(name in ESCAPES for _, name in CANNOT)
    assert all(len([one for one in ESCAPES if (isolation, one) not in CANNOT]) >= 25 for isolation in WORKING)


@pytest.mark.parametrize(("isolation", "name"), ATTEMPTS)
def test_no_way_out(host: World, isolation: Isolation, name: str) -> None:
    """Each attempt is made, fails, and shows no secret. The host's later use of the fork does not help it."""
    before = host.state()
    with Sandbox.fork(host.source, isolation=isolation) as sandbox:
        state = fingerprint(sandbox.where).keys() & {"fork.json", "stamps"}
        output = attempt(sandbox, host, name)
        assert "tried" in output, output
        assert "ESCAPED" not in output, output
        assert SECRET not in output, output
        assert not [value for key, value in os.environ.items() if "KEY" in key and len(value) > 6 and value in output]
        assert daemons(host) == []
        assert state <= fingerprint(sandbox.where).keys()
        use(sandbox)
        if name.startswith("modules"):
            sandbox.run("true")
    assert host.state() == before
    assert not sandbox.where.exists()


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

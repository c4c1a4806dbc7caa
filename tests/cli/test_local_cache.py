"""agentmem.cli.local_cache."""

from pathlib import Path

from agentmem.kvcache.warehouse.warehouse import Warehouse
from agentmem.types import KvSources
from tests.cli.invoke import invoke, invoke_json
from tests.kvcache.warehouse.made import SEED, state


def filled(folder: Path) -> None:
    """A warehouse with five blocks, which has served one request."""
    tokens = list(range(300))
    with Warehouse(folder=folder) as warehouse:
        warehouse.put(SEED, tokens, state(tokens))
        warehouse.count(KvSources(slot=50, ram=30, disk=10, computed=10, seconds_saved=2.5))


def test_it_shows_what_it_holds_and_has_given(tmp_path: Path) -> None:
    """As text and as JSON, from the user's cache folder."""
    filled(tmp_path / "warehouse")
    environ = {"AGENTMEM_CACHE_DIR": str(tmp_path)}
    told = invoke("local", "cache", "stats", environ=environ)
    assert "5 blocks, 300 tokens" in told.stdout
    assert "30 tokens   30.0%" in told.stdout
    assert "2.5 s of the engine" in told.stdout
    found = invoke_json("local", "cache", "stats", environ=environ)
    assert (found["schema"], found["basis"], found["disk"]["blocks"], found["used"]["requests"]) == (
        1,
        "measured",
        5,
        1,
    )


def test_damage_is_found_and_deleted(tmp_path: Path) -> None:
    """With exit code 1, once."""
    filled(tmp_path)
    next(tmp_path.rglob("*.64.64.kv")).write_bytes(b"damaged")
    first = invoke("local", "cache", "verify", "--folder", tmp_path)
    assert (first.exit_code, "4 of 5 blocks are whole" in first.stdout) == (1, True)
    again = invoke_json("local", "cache", "verify", "--folder", tmp_path)
    assert (again["blocks"], again["whole"], again["refused"]) == (4, 4, {})


def test_it_can_be_emptied(tmp_path: Path) -> None:
    """All blocks are deleted."""
    filled(tmp_path)
    assert "5 blocks deleted" in invoke("local", "cache", "clear", "--folder", tmp_path).stdout
    assert invoke_json("local", "cache", "clear", "--folder", tmp_path)["deleted"] == 0


def test_where_there_is_none_nothing_is_made(tmp_path: Path) -> None:
    """A question makes no folder."""
    told = invoke("local", "cache", "stats", environ={"AGENTMEM_CACHE_DIR": str(tmp_path / "none")})
    assert told.exit_code == 2
    assert "there is no warehouse" in told.stderr
    assert not (tmp_path / "none").exists()

"""agentmem.kvcache.warehouse.usual."""

from pathlib import Path
from typing import Any

import pytest

from agentmem.config import Config
from agentmem.errors import ConfigError
from agentmem.kvcache.warehouse.usual import usual_folder, usual_warehouse


def test_it_is_in_the_users_cache(tmp_path: Path) -> None:
    """With modest budgets, and never more than a part of the free disk."""
    config = Config(cache_dir=tmp_path)
    warehouse = usual_warehouse(config)
    assert warehouse is not None
    with warehouse:
        stats = warehouse.stats()
    assert stats["folder"] == str(usual_folder(config)) == str(tmp_path / "warehouse")
    assert stats["ram"]["budget_bytes"] == 256_000_000
    assert 0 < stats["disk"]["budget_bytes"] <= 2_000_000_000


def test_a_file_sets_it(tmp_path: Path) -> None:
    """Its sizes, or that there is none."""
    (tmp_path / "agentmem.toml").write_text('[warehouse]\nram = "1 MB"\ndisk = 0\n')
    config = Config.load(tmp_path, {"AGENTMEM_CACHE_DIR": str(tmp_path)})
    warehouse = usual_warehouse(config)
    assert warehouse is not None
    with warehouse:
        assert (warehouse.stats()["ram"]["budget_bytes"], warehouse.folder) == (1_000_000, None)
    (tmp_path / "agentmem.toml").write_text("[warehouse]\non = false\n")
    assert usual_warehouse(Config.load(tmp_path, {})) is None


def test_a_folder_that_cannot_be_made_leaves_memory(tmp_path: Path) -> None:
    """A local model works all the same."""
    (tmp_path / "file").write_text("")
    warehouse = usual_warehouse(Config(cache_dir=tmp_path / "file"))
    assert warehouse is not None
    with warehouse:
        assert warehouse.folder is None


@pytest.mark.parametrize("table", [{"size": 1}, {"on": "yes"}, {"ram": "much"}, {"disk": -1}])
def test_what_it_cannot_have_is_refused(table: dict[str, Any]) -> None:
    """With what it knows."""
    with pytest.raises(ConfigError):
        usual_warehouse(Config(warehouse=table))

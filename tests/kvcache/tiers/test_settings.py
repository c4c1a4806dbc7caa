"""Plans in the words of engines."""

from agentmem.kvcache.eviction import EVICTION
from agentmem.kvcache.tiers.fleet import FleetPlan, dram, shared, ssd
from agentmem.kvcache.tiers.hardware import EngineSpec
from agentmem.kvcache.tiers.settings import settings

ENGINE = EngineSpec.named("H100", "llama-3.3-70b")


def test_each_tier_is_set_in_each_engine() -> None:
    """Host memory, disks and a store appear with their sizes, by the names that the engine has."""
    made = settings(FleetPlan(ENGINE, 6, (dram(512), ssd(8_000)), shared(20_000)))
    assert list(made) == ["vLLM", "LMCache", "SGLang", "Dynamo", "llm-d"]
    assert {"--kv-offloading-size 477", "--kv-offloading-backend lmcache"} <= set(made["vLLM"])
    assert {"LMCACHE_MAX_LOCAL_CPU_SIZE=512", "LMCACHE_MAX_LOCAL_DISK_SIZE=8000"} <= set(made["LMCache"])
    assert {"--hicache-size 256", "--hicache-storage-backend mooncake"} <= set(made["SGLang"])
    assert {"DYN_KVBM_CPU_CACHE_GB=512", "DYN_KVBM_DISK_CACHE_GB=8000"} <= set(made["Dynamo"])
    assert "replicas: 6" in made["llm-d"]


def test_engines_are_told_what_leaves_first_where_they_have_it() -> None:
    """LRU and LFU by their own names; what no engine has is not invented."""
    made = {name: settings(FleetPlan(ENGINE, eviction=name)) for name in EVICTION}
    assert (
        "--radix-eviction-policy lfu" in made["lfu"]["SGLang"] and "LMCACHE_CACHE_POLICY=LFU" in made["lfu"]["LMCache"]
    )
    assert made["leaf-first"] == made["lru"]
    for name in ("value", "belady"):
        assert not [line for lines in made[name].values() for line in lines if "POLICY" in line or "policy" in line]


def test_without_tiers_nothing_is_offloaded() -> None:
    """Only the prefix cache of the chips' own memory, and no router that looks at prefixes where none was planned."""
    made = settings(FleetPlan(ENGINE, 2, routing="round-robin"))
    assert not [
        one for lines in made.values() for one in lines if "offload" in one or "hicache" in one or "KVBM" in one
    ]
    assert "--router-mode round-robin" in made["Dynamo"][0]
    assert "precise-prefix" not in made["llm-d"][0]

"""What a plan means in the words of five engines: options by the names that their versions have.

The names were read out of the packages: vllm 0.33.0 and sglang 0.5.23 (their argument parsers), lmcache 0.5.6 (its
table of settings), ai-dynamo and kvbm 1.6.1; those of llm-d 0.8 out of its documents.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from agentmem.kvcache.tiers.fleet import FleetPlan, MemoryTier
from agentmem.kvcache.tiers.hardware import MEMORY_USED

_GIB = 1e9 / 2**30
_EVICTION: Mapping[str, str] = MappingProxyType({"lru": "lru", "leaf-first": "lru", "lfu": "lfu"})
"""What engines call a row of the eviction table; the others no engine has. vLLM has LRU alone."""


def _tier(plan: FleetPlan, name: str) -> MemoryTier | None:
    return next((one for one in plan.tiers if one.name == name), None)


def _gb(plan: FleetPlan, name: str) -> float:
    found = _tier(plan, name)
    return found.gb if found else 0.0


def _vllm(plan: FleetPlan) -> list[str]:
    made = ["--enable-prefix-caching", f"--gpu-memory-utilization {MEMORY_USED}"]
    made.append(f"--tensor-parallel-size {plan.engine.chips}")
    if host := _gb(plan, "DRAM"):
        made += [f"--kv-offloading-size {host * _GIB:.0f}", "--kv-offloading-backend native"]
    if plan.store or _gb(plan, "SSD"):
        made[-1:] = ["--kv-offloading-backend lmcache"]
    return made


def _lmcache(plan: FleetPlan) -> list[str]:
    made = ["LMCACHE_CHUNK_SIZE=256"]
    if own := _EVICTION.get(plan.eviction):
        made.append(f"LMCACHE_CACHE_POLICY={own.upper()}")
    host = _gb(plan, "DRAM")
    made += [f"LMCACHE_LOCAL_CPU={'true' if host else 'false'}", f"LMCACHE_MAX_LOCAL_CPU_SIZE={max(host, 5):.0f}"]
    if disk := _gb(plan, "SSD"):
        made += ["LMCACHE_LOCAL_DISK=file:///FOLDER", f"LMCACHE_MAX_LOCAL_DISK_SIZE={disk:.0f}"]
    if plan.store:
        made.append("LMCACHE_REMOTE_URL=ADDRESS")
    return made


def _sglang(plan: FleetPlan) -> list[str]:
    made = [f"--tensor-parallel-size {plan.engine.chips}", f"--mem-fraction-static {MEMORY_USED}"]
    if own := _EVICTION.get(plan.eviction):
        made.append(f"--radix-eviction-policy {own}")
    if host := _gb(plan, "DRAM"):
        made += ["--enable-hierarchical-cache", f"--hicache-size {host / plan.engine.chips:.0f}"]
    if plan.store:
        made.append("--hicache-storage-backend mooncake")
    elif _gb(plan, "SSD"):
        made.append("--hicache-storage-backend file")
    return made


def _dynamo(plan: FleetPlan) -> list[str]:
    made = [f"python -m dynamo.frontend --router-mode {'kv' if plan.routing == 'prefix' else 'round-robin'}"]
    if host := _gb(plan, "DRAM"):
        made.append(f"DYN_KVBM_CPU_CACHE_GB={host:.0f}")
    if disk := _gb(plan, "SSD"):
        made.append(f"DYN_KVBM_DISK_CACHE_GB={disk:.0f}")
    return made


def _llm_d(plan: FleetPlan) -> list[str]:
    scorers = ("precise-prefix-cache-scorer weight 3", "queue-scorer weight 2", "kv-cache-utilization-scorer weight 2")
    chosen = scorers if plan.routing == "prefix" else scorers[1:2]
    return [f"EndpointPickerConfig plugins: {', '.join(chosen)}, max-score-picker", f"replicas: {plan.engines}"]


ENGINES: Mapping[str, Callable[[FleetPlan], list[str]]] = MappingProxyType(
    {"vLLM": _vllm, "LMCache": _lmcache, "SGLang": _sglang, "Dynamo": _dynamo, "llm-d": _llm_d}
)
"""How each says it."""


def settings(plan: FleetPlan) -> dict[str, list[str]]:
    """The options that follow from a plan, by engine."""
    return {name: of(plan) for name, of in ENGINES.items()}

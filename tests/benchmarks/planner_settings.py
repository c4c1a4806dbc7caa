"""The options that a plan names, looked up in the parsers of the engines' own packages.

    pip download --no-deps -d DIR vllm==0.33.0 sglang==0.5.23 lmcache==0.5.6 ai-dynamo==1.6.1 kvbm==1.6.1
    python -m tests.benchmarks.planner_settings --wheels DIR

Reads the files of each wheel that parse options, as text, without installing it: every option has to stand in them.
llm-d is no Python package, so its names are not looked up. Without the wheels it is skipped.
"""

import argparse
import re
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from agentmem.kvcache.tiers.fleet import FleetPlan, dram, shared, ssd
from agentmem.kvcache.tiers.hardware import EngineSpec
from agentmem.kvcache.tiers.settings import settings
from tests.benchmarks.data import skip
from tests.benchmarks.heading import heading, record_figures

WHEELS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"vLLM": ("vllm",), "SGLang": ("sglang",), "LMCache": ("lmcache",), "Dynamo": ("ai_dynamo", "kvbm")}
)
"""The packages of each engine."""
PARSERS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "vllm": ("vllm/engine/arg_utils.py",),
        "sglang": ("sglang/srt/server_args.py", "sglang/srt/arg_groups/"),
        "lmcache": ("lmcache/v1/config.py",),
        "ai_dynamo": ("dynamo/frontend/frontend_args.py", "dynamo/common/configuration/"),
        "kvbm": ("kvbm/",),
    }
)
"""Where each package reads its options: files, and folders. kvbm reads its variables in compiled code."""
_OPTION = re.compile(r"--[a-z][a-z-]+|(?:LMCACHE|DYN)_[A-Z_]+")
_PREFIX = "LMCACHE_"
"""LMCache makes the names of its variables from those of its settings."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wheels", type=Path, default=Path("wheels"))
    parser.add_argument("--data", help="not used")
    given = parser.parse_args()
    wheels = {name: sorted(given.wheels.glob(f"{name}-*.whl")) for names in WHEELS.values() for name in names}
    if not all(wheels.values()):
        skip(f"{', '.join(name for name, found in wheels.items() if not found)}: no wheel in {given.wheels} (--wheels)")
    heading("planner_settings", str(given.wheels), wheels=", ".join(one[-1].name for one in wheels.values()))
    engine = EngineSpec.named("H100", "llama-3.3-70b")
    plans = [
        FleetPlan(engine, 4, (dram(512), ssd(8_000))),
        FleetPlan(engine, 4, (dram(512),), shared(20_000)),
        FleetPlan(engine, 4, routing="round-robin", eviction="lfu"),
    ]
    missing = 0
    for name, packages in WHEELS.items():
        options = sorted({one for plan in plans for line in settings(plan)[name] for one in _OPTION.findall(line)})
        text = b"".join(_text(wheels[package][-1], PARSERS[package]) for package in packages)
        lost = [one for one in options if not _stands(one, text)]
        missing += len(lost)
        print(f"  {name}: {len(options)} options, {len(lost)} not in its packages {lost or ''}")
    record_figures(missing=missing)
    print(f"  {'MISSED' if missing else 'reached'}")
    return int(bool(missing))


def _text(wheel: Path, parsers: tuple[str, ...]) -> bytes:
    with zipfile.ZipFile(wheel) as packed:
        names = [one for one in packed.namelist() if one.startswith(parsers) and one.endswith((".py", ".so"))]
        return b"".join(packed.read(one) for one in names)


def _stands(option: str, text: bytes) -> bool:
    if option.startswith(_PREFIX):
        return f'"{option.removeprefix(_PREFIX).lower()}": {{'.encode() in text
    plain = option.removeprefix("--").replace("-", "_")
    return option.encode() in text or (
        option.startswith("--") and re.search(rf"\b{plain}\s*:".encode(), text) is not None
    )


if __name__ == "__main__":
    sys.exit(main())

"""How long `import agentmem` takes beside `import json`, each in a fresh interpreter, and what it must not import."""

import argparse
import statistics
import subprocess
import sys

from tests.benchmarks.heading import heading, record_figures

ROUNDS = 15
TARGET = "at most 3 x `import json` + 50 ms"
HEAVY = (
    "langgraph",
    "langchain_core",
    "anthropic",
    "tiktoken",
    "lancedb",
    "markdown_it",
    "genai_prices",
    "typer",
    "rich",
)

_TIMED = "import time; t = time.perf_counter(); import {module}; print(time.perf_counter() - t)"
_LOADED = "import sys, agentmem; print(*[name for name in {heavy!r} if name in sys.modules])"


def seconds(module: str) -> float:
    """The import alone, in an interpreter of its own."""
    return float(_python(_TIMED.format(module=module)))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="not needed")
    parser.parse_args()
    heading("import agentmem", "none", rounds=ROUNDS, target=TARGET)
    pairs = [(seconds("json"), seconds("agentmem")) for _ in range(ROUNDS)]
    json, ours = (statistics.median(column) for column in zip(*pairs, strict=True))
    heavy = _python(_LOADED.format(heavy=HEAVY)).strip()
    record_figures(json_ms=json * 1000, agentmem_ms=ours * 1000, heavy=heavy)
    print(f"  import json: {json * 1000:.1f} ms, import agentmem: {ours * 1000:.1f} ms (medians)")
    print(f"  heavy modules loaded by it: {heavy or 'none'}")
    return int(ours > 3 * json + 0.05 or bool(heavy))


def _python(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    sys.exit(main())

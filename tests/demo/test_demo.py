"""The demo does what its text says, on real pages, whatever meters it."""

import json
from pathlib import Path

from agentmem import demo
from agentmem.kvcache.rules import claude_rules
from agentmem.kvcache.simulated.simulator import Simulator
from agentmem.models.meters import Simulated
from agentmem.runtime.agent import Agent


def test_the_script_plays_out_on_the_pages(tmp_path: Path) -> None:
    """The quote, the booking and the diary line are written, the one mistake is mended, and the prefix never breaks."""
    demo.prepare(tmp_path)
    meter = Simulated(Simulator(claude_rules("claude-sonnet-5")))
    with Agent(demo.planner(meter), tmp_path, pinned=demo.PINNED) as agent:
        result = agent.run(demo.TASK, thread="demo")
        results = [entry.value for entry in agent.journal.entries("demo") if entry.kind == "tool_result"]
    assert result.status == "done"
    assert "70.00 €" in result.text
    assert [one.get("is_error", False) for one in results].count(True) == 1
    assert "70.00 € in all" in (tmp_path / "customers/okafor.md").read_text(encoding="utf-8")
    bookings = json.loads((tmp_path / "workshop/bookings.json").read_text(encoding="utf-8"))["bookings"]
    assert {"day": "2026-11-26", "stand": 1, "minutes": 55, "what": "Okafor tandem, rear brake"} in bookings
    assert "Quoted the Okafors" in (tmp_path / "workshop/diary.md").read_text(encoding="utf-8")
    [usage] = result.usage
    assert usage.cache_read_tokens > usage.uncached_tokens

"""Exports one scripted run to a collector or backend, without a key: an agent, its requests, a delegate and an answer.

python -m tests.integrations.scripted_trace http://127.0.0.1:6006      # as `phoenix serve` listens
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from agentmem.answers import AnswerCache
from agentmem.integrations.otel import Telemetry
from agentmem.models.scripted import ScriptedModel
from agentmem.runtime.agent import Agent
from agentmem.types import Request


def delegating(request: Request) -> Any:
    """The thread hands a task on; the delegate answers it."""
    texts = [str(one.value.get("text")) for turn in request.turns for one in turn.frames]
    if any(text.startswith("[Note] You are a delegate now.") for text in texts):
        return "Seven."
    handed = any(one.value.get("type") == "tool_result" for turn in request.turns for one in turn.frames)
    return "Seven it is." if handed else {"calls": [{"delegate": {"tasks": ["Count the screws."]}}]}


def export(url: str, folder: Path) -> None:
    """Run, and send every span to ``url``."""
    tracers = TracerProvider()
    tracers.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(f"{url.rstrip('/')}/v1/traces")))
    telemetry = Telemetry(tracer_provider=tracers)
    with Agent(telemetry.model(ScriptedModel(delegating)), folder, tools=["recall", "delegate"]) as agent:
        telemetry.run(agent, "How many screws?", thread="main")
    with AnswerCache(folder / "answers", exact_only=True) as cache:
        for _ in range(2):
            telemetry.answer(cache, "How many screws are left?", lambda question: "Seven.")
    tracers.shutdown()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        export(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:6006", Path(scratch))

"""The smallest agent: a model, a folder, a task. The model plays a script, so the example runs without a key."""

import tempfile

from agentmem import Agent, ScriptedModel

SCRIPT = [
    {"calls": [{"write": {"page": "hello.md", "text": "# Hello\n\nThis page was written by an agent.\n"}}]},
    "I wrote hello.md.",
]

with tempfile.TemporaryDirectory() as folder, Agent(ScriptedModel(SCRIPT), folder) as agent:
    result = agent.run("Write a page that says hello.")
    print(result.text)
    print(agent.workspace.render("hello.md"))
    print(f"{result.turns} requests, {sum(usage.input_tokens for usage in result.usage):,} tokens in (estimated)")

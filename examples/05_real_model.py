"""An agent on a real model if there is a key, and else on a loopback server through the official SDK.

    ANTHROPIC_API_KEY=... python examples/05_real_model.py

Without a key the server answers from a script and counts by Anthropic's published cache rules: the requests, the HTTP
and the client are real; the numbers are simulated, and say so.
"""

import os
import tempfile
from contextlib import ExitStack
from pathlib import Path

from agentmem import Agent, AnthropicModel, demo
from agentmem.testing import MessagesServer, ServerAnswer

MODEL = "claude-sonnet-5-5"
SCRIPT = [
    ServerAnswer([{"type": "tool_use", "id": "t1", "name": "find", "input": {"words": "fluid bleed price"}}]),
    ServerAnswer(
        [{"type": "tool_use", "id": "t2", "name": "read", "input": {"page": "policies/repairs.md#Repairs/Prices"}}]
    ),
    ServerAnswer.text("38 euros a wheel, the fluid included; a tandem costs a quarter more (policies/repairs.md)."),
]

with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
    folder = Path(name)
    demo.prepare(folder)
    key = os.environ.get("ANTHROPIC_API_KEY")
    if key:
        model = AnthropicModel(MODEL, api_key=key)
    else:
        server = stack.enter_context(MessagesServer(SCRIPT))
        model = AnthropicModel(MODEL, api_key="none", base_url=server.url)
    stack.callback(model.close)
    agent = stack.enter_context(Agent(model, folder, pinned=demo.PINNED))
    result = agent.run("What does a brake bleed cost, and is the fluid in it? Answer from the pages.")
    print(result.text)
    for usage in result.usage:
        print(
            f"{result.turns} requests, {usage.input_tokens:,} tokens in, {usage.cache_read_tokens:,} of them from the "
            f"cache, {usage.output_tokens:,} out ({usage.basis})"
        )
    print(f"cost: {'unknown' if result.cost_usd is None else f'${result.cost_usd:.4f}'}")

"""A client of Anthropic's SDK that you made, for Bedrock, Vertex, Foundry or a proxy; and the waits as events.

The provider is a server on this machine, which is busy at first.
"""

import tempfile

import anthropic

from agentmem import Agent, AnthropicModel, Done, Waiting
from agentmem.testing import HttpError, MessagesServer, ServerAnswer

BUSY = HttpError(529, "overloaded_error", retry_after=0.1)

with (
    MessagesServer([BUSY, BUSY, ServerAnswer.text("Hello.")]) as server,
    anthropic.Anthropic(api_key="none", base_url=server.url) as client,  # or anthropic.AnthropicBedrock(), ...
    tempfile.TemporaryDirectory() as folder,
    Agent(AnthropicModel("claude-sonnet-5-5", client=client), folder) as agent,
):
    for event in agent.stream("Say hello."):
        match event:
            case Waiting(seconds, reason):
                print(f"waits {seconds:.1f} s: {reason}")
            case Done(result):
                print(result.text)

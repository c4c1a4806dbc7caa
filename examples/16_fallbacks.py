"""A model is overloaded, another one answers, and later the thread goes back. Each switch says what it costs.

Two servers on this machine play two providers, by published cache rules: the numbers are simulated.
"""

import tempfile
from contextlib import ExitStack

from agentmem import Agent, AnthropicModel, Done, ModelProfile, Switched
from agentmem.testing import HttpError, MessagesServer, ServerAnswer

FIRST = [ServerAnswer.text("Noted."), HttpError(529, "overloaded_error"), ServerAnswer.text("I am back: it is 12.")]
SECOND = [ServerAnswer.text("Twelve boxes.")]
now = 1_800_000_000.0

with ExitStack() as opened:
    folder = opened.enter_context(tempfile.TemporaryDirectory())
    claude, other = (opened.enter_context(MessagesServer(replies)) for replies in (FIRST, SECOND))
    first = AnthropicModel("claude-sonnet-5-5", api_key="none", base_url=claude.url, max_retries=0)
    second = AnthropicModel(
        "deepseek-chat",
        api_key="none",
        base_url=other.url,
        model_profile=ModelProfile("deepseek", "deepseek-chat", "cloud"),
    )
    for model in (first, second):
        opened.enter_context(model)
    agent = opened.enter_context(Agent(first, folder, fallbacks=[second], clock=lambda: now))

    for task in ("There are 12 boxes. " * 800, "How many boxes?", "Once more: how many?"):
        for event in agent.stream(task, thread="boxes"):
            if isinstance(event, Switched):
                print(f"  {event.before} -> {event.after}: {event.says}; at most ${event.usd:.4f} for the lost prefix")
            elif isinstance(event, Done):
                print(event.result.text)
        now += 301  # after five minutes the first model is tried again

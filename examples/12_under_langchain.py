"""An agent of LangChain and one of deepagents, each before and after one line, and what each paid.

The model is a script behind a loopback server, which counts by Anthropic's published cache rules: the agents, the
client and the HTTP are real, the numbers are simulated. `--quick` looks up fewer records.
"""

import sys
from itertools import count

from deepagents import create_deep_agent
from langchain.agents import create_agent
from langchain.agents.middleware import SummarizationMiddleware
from langchain_anthropic import ChatAnthropic
from langchain_anthropic.middleware import AnthropicPromptCachingMiddleware

from agentmem.integrations import CacheMeter, ContextMiddleware
from agentmem.testing import MessagesServer, ServerAnswer

RECORDS = 20 if "--quick" in sys.argv else 240


def record(number: int) -> str:
    """The record of a part."""
    return (
        f"part {number}: shelf {number % 17}, code Q{number * 7919 % 100_003:06d}\n" + "checked, oiled, boxed\n" * 180
    )


def langchain_before(model):
    kept = SummarizationMiddleware(model, trigger=("tokens", 100_000), keep=("messages", 20))
    return create_agent(model, [record], middleware=[kept, AnthropicPromptCachingMiddleware()])


def langchain_after(model):
    return create_agent(model, [record], middleware=[ContextMiddleware(budget=120_000)])


def deepagents_before(model):
    return create_deep_agent(model, [record])


def deepagents_after(model):
    return create_deep_agent(model, [record], **ContextMiddleware.for_deepagents(budget=120_000))


def scripted():
    """A model that reads one record after another, and a summary where it is asked for one."""
    numbers = count()

    def reply(body):
        last = body["messages"][-1]["content"]
        text = last if isinstance(last, str) else str(last[-1].get("text", ""))
        if "summar" in text.lower() or "Context Extraction" in text:
            return ServerAnswer.text("## Goal\n- Read every record.")
        number = next(numbers)
        if number >= RECORDS:
            return ServerAnswer.text("All records are read.")
        call = {"type": "tool_use", "id": f"call_{number}", "name": "record", "input": {"number": number}}
        return ServerAnswer([{"type": "text", "text": f"Record {number} is next."}, call])

    return reply


for build in (langchain_before, langchain_after, deepagents_before, deepagents_after):
    with MessagesServer(scripted()) as server:
        model = ChatAnthropic(model_name="claude-sonnet-5-5", base_url=server.url, api_key="none", max_retries=0)
        meter = CacheMeter()
        meter.watch(model)
        task = {"messages": [{"role": "user", "content": "Read every record, then say so."}]}
        answer = build(model).invoke(task, {"recursion_limit": 10_000})["messages"][-1].text
        print(
            f"{build.__name__:18} {answer} {meter.requests} requests, {meter.usage.input_tokens:>10,} tokens in, "
            f"{meter.hit_rate:.1%} from the cache, ${meter.cost_usd:.2f} (simulated)"
        )
        meter.close()

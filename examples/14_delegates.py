"""A thread has read much; eight delegates work on from there, side by side, and only their reports come back.

Each delegate is a fork: its first request reads from the cache what the thread has sent. The model is a script behind a
loopback server, which counts by Anthropic's published cache rules, so the numbers are simulated.
"""

import tempfile

from agentmem import Agent, AnthropicModel, Limits, tool
from agentmem.meter import rows, summarise
from agentmem.testing import MessagesServer, ServerAnswer

PAGES = 12
CHECKS = [f"Check the boxes on shelf {number}." for number in range(8)]


@tool(effect="read")
def stocklist(page: int) -> str:
    """Reads a page of the stock list."""
    return "\n".join(f"{page}-{line}: bolt M{line % 12}, box {line * 7919 % 1009}" for line in range(90))


def scripted(body):
    """Reads the list, delegates the checks, and sums up. A delegate answers its task."""
    texts = [block.get("text", "") for block in body["messages"][-1]["content"] if isinstance(block, dict)]
    if mine := [text for text in texts if text.startswith("Check the boxes")]:
        return ServerAnswer.text(f"{mine[-1]} Done: all boxes are where the list says.")
    if len(body["messages"]) == 1:
        calls = [("stocklist", {"page": page}) for page in range(PAGES)]
    elif len(body["messages"]) == 3:
        calls = [("delegate", {"tasks": CHECKS})]
    else:
        return ServerAnswer.text("All eight shelves are checked.")
    return ServerAnswer(
        [{"type": "tool_use", "id": f"c{n}", "name": name, "input": given} for n, (name, given) in enumerate(calls)]
    )


with MessagesServer(scripted) as server, tempfile.TemporaryDirectory() as folder:
    model = AnthropicModel("claude-sonnet-5-5", api_key="none", base_url=server.url)
    with model, Agent(model, folder, tools=["recall", "delegate", stocklist]) as agent:
        result = agent.run("Check the whole stock.", thread="stock")
        print(result.text, f"{result.turns} turns of its own, {result.cost} with its delegates (simulated)")

        # The same from Python: one more delegate, which may use one tool and ten turns.
        extra = agent.delegate("Check the boxes on shelf 9.", thread="stock", tools=["stocklist"], limits=Limits(10))
        print(extra.text, "| the whole of it:", extra.reference)
        for name in ("stock", *agent.delegates("stock")):
            used = summarise(rows(agent.journal, name))
            print(f"{name:10} {used['requests']} requests, {used['hit_rate']:.0%} from the cache")

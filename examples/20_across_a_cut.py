"""A LangChain agent's thread behind a cut: resumed by a new agent, forked, taken back in time; and who broke a prefix.

The model is a script behind a loopback server: the agent, the checkpointer's file, the client and the HTTP are real.
`--quick` looks up fewer records.
"""

import logging
import sys
import tempfile
from itertools import count
from pathlib import Path

from langchain.agents import create_agent
from langchain.agents.middleware import dynamic_prompt
from langchain_anthropic import ChatAnthropic
from langgraph.checkpoint.sqlite import SqliteSaver

from agentmem.integrations import ContextMiddleware, watched
from agentmem.testing import MessagesServer, ServerAnswer

logging.getLogger("agentmem.langchain").setLevel(logging.ERROR)  # what breaks a prefix is printed below
RECORDS = 30 if "--quick" in sys.argv else 120
PROMPT = "You look parts up, one by one. " + "Be exact and brief. " * 300
THREAD = {"configurable": {"thread_id": "parts"}, "recursion_limit": 10_000}
TASK = {"messages": [{"role": "user", "content": "Read every record, then say so."}]}


def record(number: int) -> str:
    """The record of a part."""
    return f"part {number}: shelf {number % 17}\n" + "checked, oiled, boxed\n" * 150


def scripted(records):
    """A model that reads one record after another, and a summary where it is asked for one."""
    numbers = count()

    def reply(body):
        last = body["messages"][-1]["content"]
        if "This is not part of the task" in str(last[-1].get("text", "") if isinstance(last, list) else last):
            return ServerAnswer.text("## Goal\n- Read every record.")
        if (number := next(numbers)) >= records:
            return ServerAnswer.text("All records are read.")
        call = {"type": "tool_use", "id": f"call_{number}", "name": "record", "input": {"number": number}}
        return ServerAnswer([{"type": "text", "text": f"Record {number} is next."}, call])

    return reply


def agent(model, saver, *before):
    stack = watched([*before, ContextMiddleware(budget=24_000)])
    return create_agent(model, [record], system_prompt=PROMPT, middleware=stack, checkpointer=saver), stack


def last(made):
    """What the ledger says of the last request."""
    used = ContextMiddleware.ledger(made.get_state(THREAD).values)[-1].usage
    return f"{used.cache_read_tokens / used.input_tokens:.0%} of {used.input_tokens:,} tokens from the cache"


with tempfile.TemporaryDirectory() as folder, MessagesServer(scripted(RECORDS)) as server:
    model = ChatAnthropic(model_name="claude-sonnet-5-5", base_url=server.url, api_key="none", max_retries=0)
    with SqliteSaver.from_conn_string(str(Path(folder) / "threads.db")) as saver:
        made, _ = agent(model, saver)
        made.invoke(TASK, THREAD)
        cuts = made.get_state(THREAD).values["agentmem_cuts"]
        print(f"a run with {len(cuts)} cuts")

    with SqliteSaver.from_conn_string(str(Path(folder) / "threads.db")) as saver:  # as another process would
        made, stack = agent(model, saver)
        made.invoke({"messages": [("user", "Is that all?")]}, THREAD)
        print(f"resumed by a new agent: {last(made)}")

        forks = [made.update_state(THREAD, {"messages": [("user", asked)]}, as_node="__start__") for asked in "ab"]
        for config in forks:
            made.invoke(None, config)
            print(f"a fork: {last(made)}")

        points = [one for one in made.get_state_history(THREAD) if one.next == ("model",)]
        before = next(one for one in points if not one.values.get("agentmem_cuts"))
        made.invoke(None, {**before.config, "recursion_limit": 10_000})
        print(f"back before the first cut, which is made again: {last(made)}")
        print(stack.said())

        minutes = count()

        @dynamic_prompt
        def clock(request):
            return f"{PROMPT} It is 9:{next(minutes):02} now."

        made, stack = agent(model, saver, clock)
        made.invoke({"messages": [("user", "And now?")]}, THREAD)
        made.invoke({"messages": [("user", "And then?")]}, THREAD)
        print(stack.said())

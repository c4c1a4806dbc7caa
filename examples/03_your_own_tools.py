"""Your own tools: functions with type hints and a docstring. Bad arguments come back to the model as a sentence."""

import tempfile
from datetime import date

from agentmem import Agent, Approval, ScriptedModel, tool

STOCK = {"A12": 7, "B30": 0}


@tool(effect="read")
def stock(part: str) -> str:
    """Says how many pieces of a part are in the drawer.

    Args:
        part: the part's number, for example A12
    """
    return f"{STOCK[part]} in stock" if part in STOCK else f"There is no part {part}; there are {', '.join(STOCK)}."


@tool(effect="outside", timeout=10)
def order(part: str, pieces: int, by: date | None = None) -> str:
    """Orders a part from the supplier.

    Args:
        part: the part's number
        pieces: how many
        by: the day it is needed, if there is one
    """
    return f"Ordered {pieces} of {part}" + (f" for {by:%d %B %Y}." if by else ".")


SCRIPT = [
    {"text": "Is there any left?", "calls": [{"stock": {"part": "B30"}}]},
    {"text": "None: I order some.", "calls": [{"order": {"part": "B30", "pieces": "a dozen"}}]},
    {"text": "As a number, then.", "calls": [{"order": {"part": "B30", "pieces": 12, "by": "2026-12-01"}}]},
    "B30 was out of stock; twelve are ordered for the first of December.",
]

TOOLS = ["read", stock, order]
MODEL = ScriptedModel(SCRIPT)

# The calls of `order` wait until a person allows them.
with tempfile.TemporaryDirectory() as folder, Agent(MODEL, folder, tools=TOOLS, approve=["order"]) as agent:
    result = agent.run("See to it that we have B30.", thread="stock")
    while result.status == "waiting":
        for call in result.pending:
            print(f"allow {call.name} {call.arguments}? yes")
        result = agent.run(Approval(True), thread="stock")
    print(result.text)
    for entry in agent.journal.entries("stock"):
        if entry.kind == "tool_result":
            print("  tool said:", entry.value["content"][0]["text"])

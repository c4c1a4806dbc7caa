"""A person's answers to calls that wait: other arguments, or an answer in the tool's place, besides yes and no."""

import tempfile

from agentmem import Agent, Approval, ScriptedModel, tool


@tool(effect="outside")
def order(part: str, pieces: int) -> str:
    """Orders a part from the supplier."""
    return f"Ordered {pieces} of {part}."


MODEL = ScriptedModel(
    [
        {"calls": [{"order": {"part": "B30", "pieces": 12}}, {"order": {"part": "A12", "pieces": 7}}]},
        "Six B30 are ordered, and A12 is in the cellar.",
    ]
)

with tempfile.TemporaryDirectory() as folder, Agent(MODEL, folder, tools=[order], approve=["order"]) as agent:
    bolts, nuts = agent.run("See to it that we have B30 and A12.", thread="stock").pending
    answer = Approval(
        edits={bolts.id: {"part": "B30", "pieces": 6}},
        answers={nuts.id: "There are twelve in the cellar."},
    )
    print(agent.run(answer, thread="stock").text)
    for entry in agent.journal.entries("stock"):
        if entry.kind == "tool_result":
            print(*(block["text"] for block in entry.value["content"]))

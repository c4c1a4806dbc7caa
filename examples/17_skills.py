"""Skills: pages with instructions, a line each in the prefix, read when they are needed."""

import tempfile
from pathlib import Path

from agentmem import Agent, ScriptedModel

SKILL = """---
name: {name}
description: {description}
---

{body}
"""


def put(root: Path, name: str, description: str, body: str) -> None:
    page = root / "skills" / name / "SKILL.md"
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(SKILL.format(name=name, description=description, body=body))


MODEL = ScriptedModel(
    [{"calls": [{"read": {"page": "skills/invoices/SKILL.md"}}]}, "No. 7: 70 euros, net.", "I know of it now."]
)

with tempfile.TemporaryDirectory() as folder:
    put(Path(folder), "invoices", "How we write invoices. Use it for bills.", "Number first, then the sum, net.")
    with Agent(MODEL, folder, skills="skills") as agent:
        print(agent.run("Write invoice 7 on 70 euros.", thread="bills").text)
        put(Path(folder), "reminders", "How we remind people who have not paid.", "Be kind.")
        print(agent.run("Something new?", thread="bills").text)
        for entry in agent.journal.entries("bills"):
            if entry.kind == "note" and entry.value["about"] == "skills":
                print(entry.value["text"])

first, *later = MODEL.requests
print("one prefix:", all(one.system == first.system and one.tools == first.tools for one in later))

"""MCP both ways: a folder of pages is served by `agentmem serve --mcp`, and an agent elsewhere uses its tools by name.

The agent's model is a script, and the server is a process of its own. The connection is switched off and on in the
middle and ended once; the agent's prefix stays the same, and each result says which server it came from and when.
"""

import sys
import tempfile
from pathlib import Path

from agentmem import Agent, ScriptedModel, Workspace
from agentmem.mcp import MCP

FIND = {"calls": [{"find": {"words": "parental leave"}}]}


def main(folder: Path) -> None:
    with Workspace(folder / "handbook", create=True) as handbook:
        handbook.write("leave.md", "# Leave\n\nParental leave is twelve weeks.\n")

    serve = [sys.executable, "-m", "agentmem", "serve", "--mcp", "--workspace", str(folder / "handbook")]
    handbook_server = MCP("handbook", command=serve, only=["find"])
    model = ScriptedModel([FIND, "Twelve weeks.", FIND, "It is off now.", FIND, "Twelve weeks, as before."])
    with Agent(model, folder / "notes", tools=["read", handbook_server]) as agent:
        print("on the menu:", ", ".join(agent.menu.names))
        print("1:", agent.run("How long is parental leave?", thread="main").text)
        agent.switch("handbook", False, thread="main")
        print("2:", agent.run("And now?", thread="main").text)
        agent.switch("handbook", True, thread="main")
        handbook_server.close()  # as after a crash: the next call starts it again
        print("3:", agent.run("And now?", thread="main").text)
        for entry in agent.journal.entries("main"):
            if entry.kind == "tool_result":
                print(f"  [{entry.value.get('source', 'own')}] {entry.value['content'][0]['text']}")
        print("the server was started", handbook_server.starts, "times")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        main(Path(place))

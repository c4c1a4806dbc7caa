"""Anthropic's memory tool over pages, in the SDK's own tool runner. The API is simulated on this machine.

What the model remembers are pages of a workspace: they are listed, read and edited like any other.
"""

import tempfile
from pathlib import Path

import anthropic

from agentmem import Workspace
from agentmem.integrations import MemoryTool
from agentmem.testing import MessagesServer, ServerAnswer


def use(number: int, **command: str) -> ServerAnswer:
    """The model's next call of the tool."""
    return ServerAnswer([{"type": "tool_use", "id": f"toolu_{number}", "name": "memory", "input": command}])


def main(folder: Path) -> None:
    script = [
        use(1, command="view", path="/memories"),
        use(2, command="create", path="/memories/anna/tea.md", file_text="# Tea\n\nAnna drinks Earl Grey.\n"),
        use(3, command="str_replace", path="/memories/anna/tea.md", old_str="Earl Grey", new_str="green tea"),
        ServerAnswer.text("I have noted that Anna drinks green tea now."),
    ]
    with Workspace(folder, create=True) as workspace, MessagesServer(script) as server:
        with anthropic.Anthropic(api_key="none", base_url=server.url) as client:
            runner = client.beta.messages.tool_runner(
                model="claude-sonnet-5-5",
                max_tokens=500,
                messages=[{"role": "user", "content": "Anna drinks Earl Grey. No, wait: green tea."}],
                tools=[MemoryTool(workspace)],
                thread=False,  # each request carries the whole conversation
            )
            for message in runner:
                for block in message.content:
                    print(block.text if block.type == "text" else f"{block.type}: {getattr(block, 'input', '')}")
        print(workspace.render("memories/anna/tea.md"))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        main(Path(place))

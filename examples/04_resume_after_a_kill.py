"""A killed run continues in another process: nothing is lost or doubled, and no effect is repeated.

The first process kills itself (SIGKILL) in the middle of a tool. The second one runs the same thread again.
"""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from agentmem import Agent, ScriptedModel, tool


def main(folder: Path, deadly: bool) -> None:
    @tool(effect="outside")
    def charge(euros: int) -> str:
        """Charges the customer's card.

        Args:
            euros: how much
        """
        with (folder / "charges").open("a", encoding="utf-8") as charges:
            charges.write(f"{euros} euros\n")
        if deadly:
            os.kill(os.getpid(), signal.SIGKILL)
        return "charged"

    script = [
        {"text": "I charge the card.", "calls": [{"charge": {"euros": 70}}]},
        "The call was cut off, so I looked first: the card was charged once, 70 euros. There is nothing to repeat.",
    ]
    with Agent(ScriptedModel(script), folder, tools=[charge]) as agent:
        print(agent.run("Charge 70 euros.", thread="till").text)
        for entry in agent.journal.entries("till"):
            if entry.kind == "tool_result":
                print("  the model was told:", entry.value["content"][0]["text"])


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]), deadly=sys.argv[2] == "deadly")
    else:
        with tempfile.TemporaryDirectory() as name:
            for mood in ("deadly", "calm"):
                ended = subprocess.run([sys.executable, __file__, name, mood], check=False)
                print(f"the {mood} process ended with {ended.returncode}")
            print("charges:", (Path(name) / "charges").read_text(encoding="utf-8").strip())

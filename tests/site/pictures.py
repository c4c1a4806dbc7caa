"""Makes the pictures of README and the first page: a real run's report in a real Chromium, light and dark.

python -m tests.site.pictures [FOLDER]     # docs/pictures by default
"""

import sys
import tempfile
from pathlib import Path

from agentmem import Agent, Compaction, ScriptedModel, Workspace
from agentmem.demo import PRICED_AS, simulated
from agentmem.report.data import collect
from agentmem.report.page import page
from agentmem.transcript.journal import open_journal
from tests.browser.chromium import Scheme, chromium, program, tab
from tests.site.order import DOCS

HALLS = 36
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
WIDTH, HEIGHT = 1280, 860


def run(folder: Path) -> Path:
    """A run that reads page after page under a small budget, so that its context is cut; the report's page of it."""
    pages = Workspace(folder / "handbook", create=True)
    for number in range(HALLS):
        shelves = range(90 + 9 * (number % 7))
        lines = "\n".join(f"Shelf {at} of hall {number} holds part Q{number}{at:03d}." for at in shelves)
        pages.write(f"hall{number}.md", f"# Hall {number}\n\n{lines}\n")
    reads = [{"text": f"Hall {at} is next.", "calls": [{"read": {"page": f"hall{at}.md"}}]} for at in range(HALLS)]
    told = {
        "summary": "Halls are read one after the other: hall0.md, hall1.md and on; shelves hold parts Q000 to Q35143."
    }
    model = ScriptedModel([*reads, "All halls are read."], by_purpose=told, meter=simulated())
    with Agent(model, pages, budget=30_000, price_as=PRICED_AS, compaction=Compaction(quality=2)) as agent:
        agent.run("Read every hall, and say what stands where.", thread="halls")
    with open_journal(folder / "handbook" / ".agentmem" / "agentmem.db") as journal:
        made = page(collect(journal, ["halls"]))
    (folder / "report.html").write_text(made, encoding="utf-8")
    return folder / "report.html"


def main() -> int:
    into = Path(sys.argv[1]) if len(sys.argv) > 1 else DOCS / "pictures"
    if program() is None:
        print("no Chromium is installed: `bash .ci/chromium` installs it where apt-get can")
        return 1
    into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name, chromium(Path(name)) as address, tab(address) as window:
        report = run(Path(name))
        for scheme in SCHEMES:
            window.open(report, WIDTH, HEIGHT, scheme)
            window.picture(into / f"session-{scheme}.png", whole=False)
            print(into / f"session-{scheme}.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())

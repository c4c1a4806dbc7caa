"""Made conversations whose writer knows what must survive: the judge needs no detector to tell.

Each is about 240,000 tokens of the same kind of work (files are read and changed, commands run) with what must not be
lost said early. Some of it is worded without any of the words that mark a correction, as people do.
"""

import random
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from agentmem.compaction.shapes import FileState
from agentmem.kvcache.frames import frame
from agentmem.replay.fidelity import FidelityCase
from agentmem.replay.fidelity_items import FidelityItem, FidelityKind
from agentmem.replay.session import Exchange, SessionOpening
from agentmem.types import Frame

STEPS = 320
"""Steps of work behind what was said."""
MODEL = "claude-opus-4-6"
_WORDS = re.findall(
    r"\w+",
    "value index buffer token widget frame parser handle result cursor record string module branch offset counter "
    "socket filter vector matrix render update column bounds memory thread signal folder window header",
)


class Made:
    """A conversation that grows; ``number`` is the request that is written next."""

    def __init__(self, name: str, seed: int) -> None:
        self.name, self.random = name, random.Random(f"{name} {seed}")
        self.exchanges: list[Exchange] = []
        self.items: list[FidelityItem] = []
        self._arrived: list[Frame] = []
        self._files: dict[str, FidelityItem] = {}
        self._task: FidelityItem | None = None

    @property
    def number(self) -> int:
        return len(self.exchanges)

    def person(self, text: str) -> None:
        """A person says something before the next request."""
        self._arrived.append(frame("message", {"type": "text", "text": text}, "user"))

    def call(self, tool: str, result: str, *, failed: bool = False, text: str = "", **arguments: Any) -> None:
        """The model calls a tool, and its result arrives before the request after the next."""
        value = {"type": "tool_use", "id": f"call_{self.number}", "name": tool, "input": arguments}
        self._reply(value, text=text)
        answer: dict[str, Any] = {"type": "tool_result", "tool_use_id": value["id"], "content": result}
        self._arrived.append(frame("message", {**answer, **({"is_error": True} if failed else {})}, "user"))

    def answer(self, text: str) -> None:
        """The model ends its turn."""
        self._reply(text=text)

    def _reply(self, *blocks: Mapping[str, Any], text: str = "") -> None:
        said = ({"type": "text", "text": text},) if text else ()
        reply = tuple(frame("message", one, "assistant") for one in (*said, *blocks))
        at = 1_760_000_000.0 + 20.0 * self.number
        self.exchanges.append(Exchange(at, at + 5.0, MODEL, tuple(self._arrived), reply))
        self._arrived = []

    # What must survive.

    def expect(self, kind: FidelityKind, *words: str, stale: str = "", said: str = "") -> FidelityItem:
        """Something that must be in view from the next request on."""
        self.items.append(FidelityItem(kind, words, self.number, stale=stale, said=said))
        return self.items[-1]

    def over(self, item: FidelityItem) -> None:
        """Something need not be in view any more."""
        self.items[self.items.index(item)] = replace(item, until=self.number)

    def task(self, *words: str) -> None:
        """What is asked now, in place of what was asked before."""
        if self._task:
            self.over(self._task)
        self._task = self.expect("task", *words)

    def file(self, path: str, state: FileState) -> None:
        """A file has another state, by the call that was just written."""
        before = self._files.get(path)
        if before and before.state == state:
            return
        if before:
            self.over(before)
        self._files[path] = FidelityItem("artifacts", (path,), self.number, state=state)
        self.items.append(self._files[path])

    # Work.

    def prose(self, words: int) -> str:
        """Text of no meaning."""
        return " ".join(self.random.choice(_WORDS) for _ in range(words))

    def log(self, lines: int) -> str:
        """Lines of a log."""
        levels = ("INFO", "DEBUG", "WARN")
        pick = self.random.choice
        return "\n".join(
            f"2026-03-{at % 28 + 1:02d} 10:{at % 60:02d}:07 {pick(levels)} [{pick(_WORDS)}] {self.prose(9)}"
            for at in range(lines)
        )

    def work(self, steps: int, *, talk: float = 0.0) -> None:
        """Files are read and changed, some over and over; in a share of the steps a person says something besides."""
        for _ in range(steps):
            if self.random.random() < talk:
                self.person(f"{self.prose(60).capitalize()}.")
            at = self.random.randrange(40)
            path = f"/repo/src/part_{at % 6}/module_{at:02d}.py"
            if self.random.random() < 0.2 and path in self._files:
                self.call("Edit", "The file was updated.", file_path=path, old_string="a", new_string=self.prose(60))
                self.file(path, "changed")
            else:
                self.call(
                    "Read", "\n".join(self.prose(12) for _ in range(55)), text=f"I look at {path}.", file_path=path
                )
                if path not in self._files:
                    self.file(path, "read")

    def case(self) -> FidelityCase:
        """The conversation with what must survive."""
        head = frame("system", {"type": "text", "text": "You work on a project in /repo with a few tools."})
        return FidelityCase(self.name, SessionOpening((head,)), tuple(self.exchanges), tuple(self.items))


def _pasted(made: Made) -> None:
    """Long messages of pasted output, each with a correction behind it, or between two of them."""
    made.task("Find out why the nightly import stops, and mend it.")
    made.person("Find out why the nightly import stops, and mend it.")
    made.work(4)
    for words in (
        "No, that is the staging log, look at the production one above.",
        "You should have kept the retry in place.",
        "The second replica is the one that matters.",
    ):
        made.expect("corrections", words)
        made.person(f"Here is what it printed:\n\n{made.log(90)}\n\n{words}")
        made.work(3)
    words = "That's not the right table, it is called import_runs_v2."
    made.expect("corrections", words)
    made.person(f"{made.log(60)}\n\n{words}\n\n{made.log(60)}")


def _middle(made: Made) -> None:
    """Long typed texts with a correction in the middle of them."""
    ask = "Please write the export so that it streams."
    made.task(ask)
    made.person(ask)
    made.work(3)
    for words in (
        "The limit should be 250 rows, not 500.",
        "I don't want a new dependency for this.",
        "Rather than a thread, use the event loop that is there.",
        "Mind that the last column is money and has four digits.",
    ):
        before, after = (
            "\n\n".join(" ".join(f"{made.prose(11).capitalize()}." for _ in range(12)) for _ in range(10)) for _ in "ab"
        )
        made.expect("corrections", words)
        made.person(f"{before}\n\n{made.prose(9).capitalize()}. {words} {made.prose(8).capitalize()}.\n\n{after}")
        made.work(3)


def _superseded(made: Made) -> None:
    """Rules and values that are taken back later, while the model had repeated the old ones."""
    made.task("Set up the development server.")
    made.person("Set up the development server.")
    olds = (
        ("Always use port 8080 for the server.", "No, use 9090, the other one is taken.", "8080", "9090"),
        (
            "Keep in mind that the branch is release/2.3.",
            "Wait, the branch is release/2.4 now.",
            "release/2.3",
            "release/2.4",
        ),
        ("Make sure that logs go to /var/log/app.", "Actually, put them below /srv/logs.", "/var/log/app", "/srv/logs"),
    )
    rules = []
    for rule, _, old, _ in olds:
        rules.append(made.expect("rules", rule))
        made.person(rule)
        made.call("Bash", f"ok: {old}", text=f"I set it to {old}.", command=f"configure --with {old}")
        made.work(2)
    for (_, words, old, new), item in zip(olds, rules, strict=True):
        made.over(item)
        made.expect("corrections", words)
        made.expect("superseded", new, stale=old, said=words)
        made.person(words)
        made.work(2)
        made.answer(f"It was {old} in three places: {old} in the file, {old} in the script. I changed that.")
        made.person("go on")


_AGENTS = """# Rules for agents

This project is a small web service.

- Never touch files below migrations/.
- Always run `make check` before you commit.
- Don't edit generated files under src/gen/.
- Tests must not call the network.

The layout is the usual one.
"""


def _rules(made: Made) -> None:
    """A project's file with rules is read at the start, and people add some of their own."""
    made.task("Add a limit to the search endpoint.")
    made.person("Add a limit to the search endpoint.")
    made.call("Read", _AGENTS, file_path="/repo/AGENTS.md")
    made.file("/repo/AGENTS.md", "read")
    for line in _AGENTS.splitlines():
        if line.startswith("- "):
            made.expect("rules", line.removeprefix("- "))
    for words in (
        "Never commit to main.",
        "From now on, answer in one paragraph.",
        "Do not call the billing service, not even in tests.",
        "Ask me before you delete anything.",
        "Public names have a docstring in this house.",
    ):
        made.work(2)
        made.expect("rules", words)
        made.person(f"{made.prose(12).capitalize()}. {words}")


def _environment(made: Made) -> None:
    """What results show of the machine: versions, and the command that works where another does not."""
    made.task("Make the test suite pass.")
    made.person("Make the test suite pass.")
    made.call("Bash", "Python 3.11.4", command="python --version")
    made.expect("facts", "3.11.4")
    made.call("Bash", "sh: npm: command not found", failed=True, command="npm run test:unit")
    made.call("Bash", "12 passed", command="pnpm run test:unit")
    made.expect("facts", "pnpm run test:unit")
    made.expect("superseded", "pnpm run test:unit", stale="npm run test:unit")
    made.work(2)
    made.call("Bash", "error: unknown option '--parallel'", failed=True, command="tox --parallel -e py311")
    made.call("Bash", "congratulations", command="tox -p auto -e py311")
    made.expect("facts", "tox -p auto -e py311")
    made.work(2)
    made.call("Bash", "v20.11.1", command="node --version")
    made.expect("facts", "v20.11.1")
    made.call("Skill", "Launching skill: release-notes", skill="release-notes")
    made.expect("loaded", "release-notes")
    made.person("Base directory for this skill: /home/me/.skills/house-style\n\n# House style\n\nShort sentences.")
    made.expect("loaded", "house-style")


def _tasks(made: Made) -> None:
    """Several tasks, one after the other; the last one is not done, and its message is long."""
    for words in ("Rename the config loader.", "Now write a test for it.", "Then explain how the cache is cleared."):
        made.task(words)
        made.person(words)
        made.work(4)
        made.answer(f"Done. {made.prose(40).capitalize()}.")
    first, last = "Move the scheduler to its own package.", "When that is done, tell me which imports you changed."
    made.task(first, last)
    made.person(f"{first}\n\n```\n{made.log(80)}\n```\n\n{made.prose(30).capitalize()}.\n\n{last}")
    made.work(2)
    made.person("continue")


def _artifacts(made: Made) -> None:
    """Files are made, changed, moved and deleted, by tools and in a shell."""
    made.task("Split the service into three modules.")
    made.person("Split the service into three modules.")
    for at in range(12):
        path = f"/repo/service/new_{at:02d}.py"
        made.call("Write", "File created successfully.", file_path=path, content=made.prose(80))
        made.file(path, "made")
        if at % 3 == 0:
            made.call("Edit", "The file was updated.", file_path=path, old_string="a", new_string="b")
            made.file(path, "changed")
        if at % 4 == 1:
            made.call("Bash", "", command=f"rm {path}")
            made.file(path, "deleted")
        if at % 4 == 2:
            made.call("Bash", "", command=f"git mv {path} /repo/service/moved_{at:02d}.py")
            made.file(path, "deleted")
            made.file(f"/repo/service/moved_{at:02d}.py", "made")
        if at % 6 == 5:
            made.call("Edit", "String to replace not found.", failed=True, file_path="/repo/none.py", old_string="a")
        made.work(1)


def _unmarked(made: Made) -> None:
    """Short corrections in none of the words that mark one, each by itself or below what was pasted."""
    made.task("Draw the plan of the second floor.")
    made.person("Draw the plan of the second floor.")
    made.work(3)
    for at, words in enumerate(
        (
            "The stairs are on the north side.",
            "Room 214 has two doors.",
            "Our clients read this on paper.",
            "Centimetres are what the builder works with.",
            "The lift belongs to the neighbour and has no button on this floor.",
            "Grey is reserved for walls that carry weight.",
            "Half of the rooms were numbered by the former owner and his numbers still hold.",
            "It opens to the inside.",
        )
    ):
        made.expect("corrections", words)
        made.person(f"{made.log(40)}\n\n{words}" if at % 2 else words)
        made.work(2)


def _many(made: Made) -> None:
    """More corrections and rules than any fixed room holds."""
    made.task("Go through the registers, one after the other.")
    made.person("Go through the registers, one after the other.")
    for at in range(60):
        kind: FidelityKind = "rules" if at % 3 == 0 else "corrections"
        place, value = f"{made.random.choice(_WORDS)} {at}", made.random.randrange(1_000, 9_999)
        words = f"Never write to {place}." if kind == "rules" else f"No, {place} takes {value} rows."
        made.expect(kind, words)
        made.person(words)
        made.work(1)


SCENES: tuple[Callable[[Made], None], ...] = (
    _pasted,
    _middle,
    _superseded,
    _rules,
    _environment,
    _tasks,
    _artifacts,
    _unmarked,
    _many,
)
"""What the conversations begin with."""


def made_sessions(seed: int, steps: int = STEPS) -> Iterator[FidelityCase]:
    """All made conversations."""
    for scene in SCENES:
        made = Made(scene.__name__.strip("_"), seed)
        scene(made)
        made.work(steps, talk=0.1)
        yield made.case()

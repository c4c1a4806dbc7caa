"""Whether an agent could have had a string that its context does not show: by really calling the `recall` tool.

Within three calls and 8k tokens, either by a question, which is what the model said before the call with the string
masked out, or by references: one that the request prints, or the stretch that the index prints, listed in steps.
Which of the lines it has to follow, and which part of a long text to read, is taken as known; that the tool then gives
the string back is not.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from agentmem.context.window import View
from agentmem.errors import RecoverableError
from agentmem.menu import builtin
from agentmem.menu.tool import ToolContext
from agentmem.pages.workspace import Workspace
from agentmem.recall.recall import JournalRecall
from agentmem.replay.needed import NeededEvent
from agentmem.tokens import count
from agentmem.transcript.journal import Journal
from agentmem.transcript.transcript import readable
from agentmem.types import Text

CALLS = 3
TOKENS = 8_000
MASK = "…"

_LINE = re.compile(r"^- (?:[^\s\[\]]*/)?(\d+)\b", re.MULTILINE)
_CITED = re.compile(r"\[(\d+(?:, \d+)*)\]|recall [^\s\[\]]*/(\d+)\b|\[[^\s\[\]]*/(\d+),")


class RecallReach:
    """Asks one thread's recall as its agent would."""

    def __init__(self, journal: Journal, thread: str) -> None:
        self._journal, self._thread = journal, thread
        self._stretch = re.compile(rf"(?<![\w/]){re.escape(thread)}/(\d+)-(\d+)\b")
        self._context = ToolContext(Workspace(Path()), thread, JournalRecall(journal, thread))
        self._texts: dict[int, str] = {}
        self._read = -1
        self._answers: dict[tuple[str, int], tuple[str, int]] = {}  # neither an entry nor a stretch ever changes

    def found(self, event: NeededEvent, asked: str, view: View) -> bool:
        """Whether the string of ``event`` comes back, by references or by asking."""
        return self._followed(event.text, view) or self._asked(event.text, asked)

    def _asked(self, text: str, asked: str) -> bool:
        question = asked.replace(text, MASK).strip()
        if not question:
            return False
        said, size = self._answer(question, 1)
        return text in said and size <= TOKENS

    def _followed(self, text: str, view: View) -> bool:
        """Follows what the request prints to each entry that has the text, newest first, until one brings it back."""
        printed = "\n".join(str(one.value.get("text", "")) for turn in view.turns for one in turn.frames)
        named = {int(number) for found in _named(printed) for number in found}
        stretches = [found[0] for found in self._stretch.finditer(printed)]
        for seq in self._holders(text):
            if seq in named and self._brings(seq, text, CALLS, TOKENS):
                return True
            if any(self._walks(stretch, seq, text, CALLS, TOKENS) for stretch in stretches[-1:]):
                return True
        return False

    def _walks(self, stretch: str, seq: int, text: str, calls: int, tokens: int) -> bool:
        """Lists a stretch, and goes on with the line that leads to ``seq``."""
        shown = self._call(stretch, tokens)
        left = tokens - count(shown)
        if calls < 2 or left <= 0:
            return False
        if f"- {self._thread}/{seq} " in shown:
            return self._brings(seq, text, calls - 1, left)
        inner = [
            one[0] for one in self._stretch.finditer(shown) if int(one[1]) <= seq <= int(one[2]) and one[0] != stretch
        ]
        return bool(inner) and self._walks(inner[0], seq, text, calls - 1, left)

    def _brings(self, seq: int, text: str, calls: int, tokens: int) -> bool:
        """Whether one more call brings the part of an entry that has the text."""
        reference = f"{self._thread}/{seq}"
        return calls > 0 and any(text in self._call(reference, tokens, part) for part in self._parts(reference))

    def _parts(self, reference: str) -> Iterator[int]:
        first = self._call(reference, TOKENS)
        found = re.match(r"\[part 1 of (\d+)", first)
        return iter(range(1, int(found[1]) + 1 if found else 2))

    def _call(self, what: str, tokens: int, part: int = 1) -> str:
        """What the tool answers, as far as it may be as long."""
        if (what, part) not in self._answers:
            self._answers[what, part] = self._answer(what, part)
        said, size = self._answers[what, part]
        return said if size <= tokens else ""

    def _answer(self, what: str, part: int) -> tuple[str, int]:
        """The tool's text, and its tokens."""
        try:
            answer = builtin.recall(what, self._context, part)
        except RecoverableError as error:
            answer = str(error)
        said = answer if isinstance(answer, str) else "\n".join(one.text for one in answer if isinstance(one, Text))
        return said, count(said)

    def _holders(self, text: str) -> list[int]:
        """The entries that say the text, newest first."""
        for entry in self._journal.entries(self._thread, after=self._read):
            self._read = entry.seq
            if entry.kind in ("user", "tool_result"):
                self._texts[entry.seq] = readable(entry)
        return [seq for seq, said in reversed(self._texts.items()) if text in said]


def _named(printed: str) -> Iterator[tuple[str, ...]]:
    yield from ((one,) for one in _LINE.findall(printed))
    for one in _CITED.finditer(printed):
        yield tuple(number for group in one.groups() if group for number in group.split(", "))

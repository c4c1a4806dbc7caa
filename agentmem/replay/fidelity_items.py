"""What must survive a cut of a conversation, and from when to when: found in a recording, or given with a made one."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from agentmem.compaction.artifacts import Artifact, Trail
from agentmem.compaction.facts import Environment
from agentmem.compaction.people import Tasks, request
from agentmem.compaction.shapes import FileState, arguments
from agentmem.compaction.standing import project_rules
from agentmem.compaction.statements import StatementKind, statements
from agentmem.replay.needed import spoken
from agentmem.replay.session import Exchange
from agentmem.types import Frame

FidelityKind = Literal["corrections", "rules", "task", "artifacts", "facts", "loaded", "superseded"]
KINDS: Mapping[FidelityKind, str] = {
    "corrections": "what people said was otherwise than they want it, word for word",
    "rules": "what people and project files said holds from now on, word for word",
    "task": "the sentences that say what is asked and not done yet",
    "artifacts": "each file that calls touched, with its last state: made, changed, deleted or read",
    "facts": "what results showed of the environment: versions, and commands that work in place of others",
    "loaded": "skills and pages of instructions that were loaded, by name",
    "superseded": "where an older value is in view, the newer one is as well",
}
"""The columns, and what counts in each."""


@dataclass(frozen=True, slots=True)
class FidelityItem:
    """Something that must be in view at every request after ``since`` and before ``until``.

    ``words`` must all stand there, whatever the white space. An artifact has a ``state``, and its path as its words.
    Where there is a ``stale`` value, the words must be there only if that is, outside of ``said``, which replaced it.
    """

    kind: FidelityKind
    words: tuple[str, ...]
    since: int
    until: int | None = None
    state: FileState | None = None
    stale: str = ""
    said: str = ""

    def due(self, request: int, begun: int = 0) -> bool:
        """Whether it must be in view at a request, of a context that began with request ``begun``."""
        return begun <= self.since < request and (self.until is None or request < self.until)

    @property
    def label(self) -> str:
        """The item in a few words."""
        words = " … ".join(self.words)
        return f"{self.state} {words}" if self.state else f"{self.stale} > {words}" if self.stale else words


def items(exchanges: Sequence[Exchange]) -> list[FidelityItem]:
    """What is found in a recorded conversation, by the detectors of `agentmem.compaction`."""
    found = _Finding()
    for number, one in enumerate(exchanges):
        found.arrive(number, one.arrived)
        found.reply(number, one.reply)
    return found.all()


_COLUMNS: Mapping[StatementKind, FidelityKind] = {"rule": "rules", "correction": "corrections"}


class _Finding:
    """Follows a conversation and writes down what must stay, each once, and when it was replaced."""

    def __init__(self) -> None:
        self._lasting: dict[tuple[FidelityKind, tuple[str, ...]], FidelityItem] = {}
        self._ended: list[FidelityItem] = []
        self._now: dict[str, FidelityItem] = {}
        self._tasks, self._messages = Tasks(), dict[int, str]()
        self._trail, self._environment = Trail(), Environment()
        self._calls: dict[str, Mapping[str, Any]] = {}

    def all(self) -> list[FidelityItem]:
        return [*self._lasting.values(), *self._ended, *self._now.values()]

    def arrive(self, number: int, frames: Iterable[Frame]) -> None:
        for one in frames:
            if one.value.get("type") == "tool_result":
                self._answered(number, one)
            elif one.value.get("type") == "text":
                self._said(number, str(one.value["text"]))

    def reply(self, number: int, frames: Sequence[Frame]) -> None:
        calls = [one.value for one in frames if one.value.get("type") == "tool_use"]
        self._calls.update({str(one["id"]): one for one in calls})
        if not calls:
            self._tasks.ended()

    def _said(self, number: int, text: str) -> None:
        for one in statements(text):
            self._last(FidelityItem(_COLUMNS[one.kind], (one.text,), number))
            for old, new in replaced(one.text):
                self._last(FidelityItem("superseded", (new,), number, stale=old, said=one.text))
        self._environment.said(text, number)
        self._learnt(number)
        self._messages[len(self._messages) + 1] = text
        self._tasks.said(len(self._messages), text)
        asked = [words for at in self._tasks.open for words in request(self._messages[at])]
        if asked:
            self._replace("task", FidelityItem("task", tuple(dict.fromkeys(asked)), number))

    def _answered(self, number: int, result: Frame) -> None:
        call = self._calls.pop(str(result.value.get("tool_use_id")), None)
        if call is None:
            return
        given = arguments(call)
        failed, text = bool(result.value.get("is_error")), spoken(result)
        tool = str(call.get("name"))
        self._trail.follow(tool, given, number, failed=failed)
        for one in self._trail.artifacts:
            if one.seq == number:
                self._artifact(number, one)
        self._environment.follow(tool, given, text, number, failed=failed)
        self._learnt(number)
        for rule in () if failed else project_rules(tool, given, text):
            self._last(FidelityItem("rules", (rule,), number))

    def _artifact(self, number: int, one: Artifact) -> None:
        before = self._now.get(f"artifact {one.path}")
        if before is None or before.state != one.state:
            self._replace(f"artifact {one.path}", FidelityItem("artifacts", (one.path,), number, state=one.state))

    def _learnt(self, number: int) -> None:
        for about, fact in self._environment.facts.items():
            if fact.seq == number:
                self._replace(f"fact {about}", FidelityItem("facts", fact.exact, number))
                if about not in fact.exact[0] and f"`{about}` could not run" in fact.text:
                    self._last(FidelityItem("superseded", fact.exact, number, stale=about, said=fact.text))
        for name, seq in self._environment.loaded.items():
            if seq == number:
                self._last(FidelityItem("loaded", (name,), number))

    def _last(self, one: FidelityItem) -> None:
        self._lasting.setdefault((one.kind, one.words), one)

    def _replace(self, about: str, one: FidelityItem) -> None:
        before = self._now.get(about)
        if before is not None and before.words == one.words and before.state == one.state:
            return
        if before is not None:
            self._ended.append(replace(before, until=one.since))
        self._now[about] = one


_VALUE = r"[\"'`]?([\w./:@#-]*\w)[\"'`]?"
_SWAPS: tuple[tuple[str, bool], ...] = (
    (rf"\bnot {_VALUE},? but {_VALUE}", True),
    (rf"{_VALUE} (?:->|→|=>) {_VALUE}", True),
    (rf"\bfrom {_VALUE} to {_VALUE}", True),
    (rf"{_VALUE},? not {_VALUE}", False),
    (rf"{_VALUE} (?:instead of|rather than|in place of) {_VALUE}", False),
)
"""How a sentence names two values, and whether the older one comes first."""
_EXACT = re.compile(r"\d|[a-z][A-Z]|\w[./_-]\w")


def replaced(sentence: str) -> Iterator[tuple[str, str]]:
    """Pairs of an older and a newer value in a correction, both of them exact names or numbers."""
    for words, older_first in _SWAPS:
        for one, other in re.findall(words, sentence):
            old, new = (one, other) if older_first else (other, one)
            if old != new and all(_EXACT.search(value) and len(value) >= 3 for value in (old, new)):
                yield old, new

"""What stands in a request, as a judge of fidelity reads it: words whatever the white space, and what is said of files.

The rules are the same for every policy. A file's state is in view where the last call that set it is, or where a
sentence names the file and the state in any of the usual words, in it or in the heading above.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from agentmem.compaction.artifacts import touches
from agentmem.compaction.shapes import FileState, arguments
from agentmem.replay.fidelity_items import FidelityItem
from agentmem.replay.needed import spoken
from agentmem.types import Frame

WORDS: Mapping[FileState, str] = {
    "made": r"made|created?|creates|wrote|writes?|written|added|new",
    "changed": r"changed|edited|modified|updated|fixed|rewrote|rewritten|(?<!the )(?:changes|edits)",
    "deleted": r"deleted|removed|gone|moved|renamed|deletes|removes",
    "read": r"reads?|viewed|looked|examined|inspected|opened|reviewed",
}
"""How lines tell of a file's state."""
_WORDS = {state: re.compile(rf"\b(?:{words})\b", re.IGNORECASE) for state, words in WORDS.items()}
_FIRST = 6
"""Words of a sentence among which a state is what it is about; paths do not speak of states."""
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")
_HEADING = re.compile(r"^#{1,6} |^(?:[-*] \w|[A-Z])[\w ,'/&-]*(?: \([^()]*\))?:\s*$|^\s*\*\*.*\*\*:?\s*$")
"""Lines of words above a list. Code with a colon at its end is none: it begins with a blank or a small letter, or has
other marks.
"""
_CODE = re.compile(r"(?![\w./~@+-]*[./]\w)[a-z)}\]]")
"""The beginning of a line of code that ends what stands under a heading: no path, no item, no sentence."""
_STALE = 2  # characters of a value that tells anything

States = frozenset[FileState]


class SeenRequest:
    """One request's frames."""

    def __init__(self, frames: Iterable[Frame]) -> None:
        shown = [one for one in frames if "thinking" not in str(one.value.get("type"))]
        self.text = plain("\n".join(spoken(one) for one in shown))
        self._told = list(_told(shown))

    def holds(self, item: FidelityItem) -> bool | None:
        """Whether an item is in view; None where nothing of it is asked."""
        if item.state:
            return item.state in self._state(item.words[0])
        if item.stale and not _has(self.text.replace(plain(item.said), " "), item.stale):
            return None
        return all(plain(words) in self.text for words in item.words)

    def _state(self, path: str) -> States:
        """The state in which the request leaves a file: what was said last, where reading changes nothing, and writing
        what is there changes it.
        """
        state: States = frozenset()
        for line, states in self._told:
            if _names(line, path):
                again = line == path and states == {"made"} and bool(state) and state != {"deleted"}
                state = frozenset[FileState]({"changed"}) if again else states - {"read"} or state or states
        return state


def plain(text: str) -> str:
    """A text with every white space as one blank."""
    return " ".join(text.split())


def _told(frames: Iterable[Frame]) -> Iterator[tuple[str, States]]:
    """What is said of files, in order: a path with what a call did to it, or a line with the states in it."""
    calls: dict[str, Mapping[str, Any]] = {}
    for one in frames:
        value, kind = one.value, one.value.get("type")
        if kind == "tool_use":
            calls[str(value["id"])] = value
        elif kind == "tool_result" and not value.get("is_error"):
            call = calls.get(str(value.get("tool_use_id")), {})
            for path, state in touches(str(call["name"]), arguments(call)) if call else ():
                yield path, frozenset({state})
        elif kind == "text" and one.segment == "message":
            yield from _lines(str(value["text"]))


def _lines(text: str) -> Iterator[tuple[str, States]]:
    """Each sentence that may name a file, with its states. A heading's last until code follows, or two empty lines."""
    above, empty = States(), 0
    for line in text.splitlines():
        empty = 0 if line.strip() else empty + 1
        if empty > 1 or _CODE.match(line):
            above = States()
        if _HEADING.search(line):
            above = _states(line)
        for one in _SENTENCE.split(line):
            states = _states(" ".join(one.split()[:_FIRST])) or above
            if states and ("/" in one or "." in one):
                yield one, states


def _states(words: str) -> States:
    bare = " ".join(word for word in words.split() if "/" not in word)
    return frozenset(state for state, said in _WORDS.items() if said.search(bare))


def _names(line: str, path: str) -> bool:
    """Whether a line names a file: its whole path, or its folder and its name."""
    if path in line:
        return line == path or re.search(rf"(?<![\w./-]){re.escape(path)}(?![\w-])", line) is not None
    folder, slash, name = path.rpartition("/")
    if not slash or folder + slash not in line or name not in line:
        return False
    alone = re.search(rf"(?<![\w./-]){re.escape(name)}(?![\w-])", line)
    return alone is not None and re.search(rf"(?<![\w./-]){re.escape(folder)}/(?!\w)", line) is not None


def _has(text: str, value: str) -> bool:
    """Whether a value stands in a text by itself, not inside a longer word."""
    if len(value) < _STALE or value not in text:
        return False
    return re.search(rf"(?<![\w.-]){re.escape(value)}(?![\w-])", text) is not None

"""What a stretch of a conversation holds: a line for each message and result, or for each run of them where many are.

A long stretch is listed in steps, so that any entry is a few calls away however long the conversation has become.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agentmem.errors import UnknownReference
from agentmem.tokens import count
from agentmem.transcript.journal import Journal
from agentmem.transcript.transcript import read_message, read_result, readable

LINES = 40
"""Entries that are listed one by one. More are listed in runs of at most as many, so that two steps lead to each."""
RUNS = 30
"""Runs of a longer stretch, at least."""
_ABOUT = 50
"""Characters of a line's description."""
_NAMED = 2
"""Entries that stand for a run of them."""
_BEFORE = 20
"""Entries before a stretch in which the call of its first result is looked for."""
_LONG = 6_000
"""Characters from which a line says how long the entry is."""


def listing(journal: Journal, thread: str, first: int, last: int) -> str:
    """The entries ``first`` to ``last`` of a thread in at most some dozens of lines. Raises UnknownReference."""
    found = list(_told(journal, thread, first, last))
    if not found:
        raise UnknownReference(f"Nothing was said or seen in {thread}/{first}-{last}.")
    if len(found) <= LINES:
        return "\n".join((f"[{thread}/{first}-{last}, entry by entry]", *(one.line(thread) for one in found)))
    size = min(LINES, -(-len(found) // RUNS))
    runs = (found[at : at + size] for at in range(0, len(found), size))
    return "\n".join((f"[{thread}/{first}-{last}, in runs of {size}]", *(_run(thread, run) for run in runs)))


@dataclass(frozen=True, slots=True)
class _Told:
    """One entry: its number, what it is and its text."""

    seq: int
    about: str
    text: str

    def line(self, thread: str) -> str:
        size = f" ({count(self.text):,} tokens)" if len(self.text) > _LONG else ""
        return f"- {thread}/{self.seq} {_short(self.about)}{size}"


def _told(journal: Journal, thread: str, first: int, last: int) -> Iterator[_Told]:
    """Each message of a person and each result. The entries before a stretch may hold the call of its first result."""
    calls: dict[str, str] = {}
    for entry in journal.entries(thread, after=max(-1, first - _BEFORE)):
        if entry.seq > last:
            return
        if entry.kind == "assistant":
            calls.update((call.id, f"{call.name} {call.arguments}") for call in read_message(entry).calls)
        elif entry.kind == "user" and entry.seq >= first:
            text = readable(entry)
            yield _Told(entry.seq, f"the person: {text}", text)
        elif entry.kind == "tool_result" and entry.seq >= first:
            yield _Told(entry.seq, calls.get(read_result(entry).call_id, "a tool's result"), readable(entry))


def _run(thread: str, entries: Sequence[_Told]) -> str:
    """A run of entries as one line: where it begins and ends, and a few of what is in it."""
    step = max(1, len(entries) // _NAMED)
    named = "; ".join(_short(one.about, _ABOUT // 2) for one in entries[::step][:_NAMED])
    return f"- {thread}/{entries[0].seq}-{entries[-1].seq} {named}"


def _short(text: str, length: int = _ABOUT) -> str:
    line = " ".join(text[: 4 * length].split())
    return line if len(line) <= length else f"{line[: length - 1]}…"

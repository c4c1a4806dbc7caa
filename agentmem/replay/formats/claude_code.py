"""Claude Code's session logs (~/.claude/projects/*/*.jsonl), or whole sessions of them, one a line.

A log is a list of records that name their parent. What a request contained follows from it: records of type
"assistant" that share a message id are one reply; a compact boundary drops what was before it; a prompt whose parent
is further back is a rewind; records of sub-agents ("sidechains") are conversations of their own. Tools, system prompt
and reminders are not recorded.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from agentmem.replay.formats.claude_conversation import Conversation, Malformed
from agentmem.replay.lines import Line, lines, parsed
from agentmem.replay.session import Session, Skipped
from agentmem.replay.source import Source, Spool, spooled

_TYPES = frozenset({"user", "assistant", "system", "summary", "file-history-snapshot", "queue-operation", "progress"})


class ClaudeCode:
    """Reads a log file, or a file whose lines are {"session", "records"}."""

    name = "claude-code"

    def accepts(self, first: Any) -> bool:
        """A record has a known type; a whole session has records."""
        return isinstance(first, dict) and (
            isinstance(first.get("records"), list) or (first.get("type") in _TYPES and "request" not in first)
        )

    def sources(self, path: Path, spool: Spool) -> Iterator[Source | Skipped]:
        """The file itself, or one source for each line that is a whole session."""
        first = next((line for line in lines(path) if isinstance(line, Line)), None)
        if first is not None and "records" not in first.value:
            yield Source(self.name, str(path), 0, str(path), name=path.name.partition(".")[0])
            return
        for line in lines(path):
            yield spooled(self.name, path, line, spool) if isinstance(line, Line) else line

    def sessions(self, source: Source) -> Iterator[Session | Skipped]:
        """The main conversation, then those of the sub-agents, each in the order of its first record."""
        conversations: dict[str, Conversation] = {}
        threads: dict[str, str] = {}
        for number, record in _records(source):
            try:
                thread = _thread(record, threads)
                conversations.setdefault(thread, Conversation()).add(record)
            except Malformed as error:
                yield Skipped(source.path, number, str(error))
        for thread, conversation in conversations.items():
            exchanges = conversation.exchanges()
            if exchanges:
                name = f"{source.name}/{thread}" if thread else source.name
                yield Session(name, source.path, exchanges, ttl=conversation.ttl, background=not thread)


def _records(source: Source) -> Iterator[tuple[int, Any]]:
    """The records with their lines; those of a whole session on one line share its number."""
    if source.length:
        value = parsed(source.data())
        records: Iterable[Any] = value.get("records", ()) if isinstance(value, dict) else ()
        yield from ((source.line, record) for record in records)
        return
    for line in lines(Path(source.file)):
        yield (line.number, line.value) if isinstance(line, Line) else (line.line, line.reason)


def _thread(record: Any, threads: dict[str, str]) -> str:
    """Which conversation a record belongs to: "" is the main one. Sub-agents without an id are told by their root."""
    if not isinstance(record, dict):
        raise Malformed(record if isinstance(record, str) else "a record is a JSON object")
    if not record.get("isSidechain"):
        return ""
    identity, parent = str(record.get("uuid", "")), record.get("parentUuid")
    thread = str(record.get("agentId") or threads.get(str(parent)) or f"agent-{identity[:8]}")
    threads[identity] = thread
    return thread

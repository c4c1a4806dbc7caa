"""Claude Code's session logs (~/.claude/projects/*/*.jsonl), what `claude -p --output-format stream-json` and the Agent
SDK give, or whole sessions of them: {"session", "records"}, {"loglines"}.

A log is a list of records that name their parent. What a request contained follows from it: records of type
"assistant" that share a message id are one reply; a compact boundary drops what was before it; a prompt whose parent
is further back is a rewind; records of sub-agents ("sidechains", or those with the call that began them) are
conversations of their own. Tools, system prompt and reminders are not recorded, nor is the first prompt in a stream.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from agentmem.kvcache.frames import Make, frame
from agentmem.replay.formats.claude_conversation import Conversation, Malformed
from agentmem.replay.session import RecordedSession, SkippedLine
from agentmem.replay.source import LogLine, RecordingSource, Spool, lines, parsed, spooled

_TALK = frozenset({"user", "assistant", "system", "summary"})
_BESIDE = frozenset({"file-history-snapshot", "queue-operation", "progress"})
_WHOLE = ("records", "loglines")


class ClaudeCode:
    """Reads a log file, or a file whose objects are whole sessions."""

    name = "claude-code"

    def accepts(self, first: Any) -> bool:
        """A record has a known type; a whole session has records."""
        if not isinstance(first, dict):
            return False
        if any(isinstance(first.get(key), list) for key in _WHOLE):
            return True
        kind = first.get("type")
        return "request" not in first and isinstance(kind, str) and kind in _TALK | _BESIDE

    def sources(self, path: Path, spool: Spool) -> Iterator[RecordingSource | SkippedLine]:
        """The file itself, or one source for each object that is a whole session."""
        first = next((line for line in lines(path) if isinstance(line, LogLine)), None)
        if first is not None and not _is_whole(first.value):
            yield RecordingSource(self.name, str(path), 0, str(path), name=path.name.partition(".")[0])
            return
        for line in lines(path):
            yield spooled(self.name, path, line, spool) if isinstance(line, LogLine) else line

    def sessions(self, source: RecordingSource) -> Iterator[RecordedSession | SkippedLine]:
        """The main conversation, then those of the sub-agents, each in the order of its first record."""
        reading = ClaudeReading()
        for number, record in _records(source):
            if isinstance(record, SkippedLine):
                yield SkippedLine(source.path, number, record.reason)
                continue
            try:
                reading.add(record)
            except Malformed as error:
                yield SkippedLine(source.path, number, str(error))
        yield from reading.sessions(source)


class ClaudeReading:
    """A log while it is read, and while it grows. ``make`` makes the frames of its blocks."""

    def __init__(self, make: Make = frame) -> None:
        self.conversations: dict[str, Conversation] = {}
        self._threads: dict[str, str] = {}
        self._make = make

    def add(self, record: Any) -> str:
        """Take the next record; which conversation it is of. Raises Malformed; the record is then left out."""
        record = unwrapped(record)
        thread = _thread(record, self._threads)
        conversation = self.conversations.get(thread)
        if conversation is None:
            conversation = self.conversations[thread] = Conversation(self._make)
        conversation.add(record)
        return thread

    def sessions(self, source: RecordingSource) -> Iterator[RecordedSession | SkippedLine]:
        """All conversations so far that have a request."""
        found = False
        for thread, conversation in self.conversations.items():
            exchanges = conversation.exchanges()
            if exchanges:
                found = True
                name = named(source.name, thread)
                yield RecordedSession(name, source.path, exchanges, ttl=conversation.ttl, background=not thread)
        if not found:
            yield SkippedLine(source.path, source.line, NO_REQUEST)


NO_REQUEST = "no request in it: only metadata, or prompts without a reply"


def named(stem: str, thread: str) -> str:
    """The name of a conversation of the log that is called ``stem``."""
    return f"{stem}/{thread}" if thread else stem


def _is_whole(value: Any) -> bool:
    return isinstance(value, dict) and any(isinstance(value.get(key), list) for key in _WHOLE)


def _records(source: RecordingSource) -> Iterator[tuple[int, Any]]:
    """The records with their lines; those of a whole session share its number."""
    if source.length:
        value = parsed(source.data())
        records: Iterable[Any] = (value,)
        if isinstance(value, dict):
            records = next((value[key] for key in _WHOLE if isinstance(value.get(key), list)), ())
        yield from ((source.line, record) for record in records)
        return
    for line in lines(Path(source.file)):
        yield (line.number, line.value) if isinstance(line, LogLine) else (line.line, line)


def unwrapped(record: Any) -> Any:
    """What a sub-agent said, where some versions write it inside a record of progress of the main conversation."""
    told = record.get("data") if isinstance(record, dict) and record.get("type") == "progress" else None
    if not isinstance(told, dict) or told.get("type") != "agent_progress" or not isinstance(told.get("message"), dict):
        return record
    return {**told["message"], "isSidechain": True, "agentId": told.get("agentId")}


def _thread(record: Any, threads: dict[str, str]) -> str:
    """Which conversation a record belongs to: "" is the main one. Sub-agents without an id are told by their root."""
    if not isinstance(record, dict):
        raise Malformed("a record is a JSON object")
    called = record.get("parent_tool_use_id")
    if called:
        return f"agent-{called}"
    if not record.get("isSidechain"):
        return ""
    identity, parent = str(record.get("uuid", "")), record.get("parentUuid")
    thread = str(record.get("agentId") or threads.get(str(parent)) or identity[:8])
    thread = thread if thread.startswith("agent-") else f"agent-{thread}"
    threads[identity] = thread
    return thread

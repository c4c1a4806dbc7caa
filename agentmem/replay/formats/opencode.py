"""opencode's storage (~/.local/share/opencode): message/SESSION/MESSAGE.json with part/MESSAGE/PART.json in the folder
storage, and in later versions the same objects as rows of opencode.db.

A session is a folder of messages, or what its rows hold; each assistant message is a request. Its tool parts hold their
results, which join the next one. Tools and system prompt are not recorded: the first usage tells their size.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from agentmem.kvcache.reported import tokens_of
from agentmem.replay.formats.telling import Telling, counted
from agentmem.replay.session import RecordedSession, SkippedLine
from agentmem.replay.source import RecordingSource, Spool, TableNames, parsed, values
from agentmem.types import Usage

Value = Mapping[str, Any]
_KINDS = ("parts", "modelID", "messageID", "projectID", "model")


class OpenCode:
    """Reads the messages of a session, given any part of opencode's storage."""

    name = "opencode"

    def accepts(self, first: Any) -> bool:
        """A message or a part names its session; a session its project and folder; a database has a table of each."""
        if isinstance(first, TableNames):
            return first.names >= _TABLES
        if not isinstance(first, dict):
            return False
        return ("sessionID" in first and any(key in first for key in (*_KINDS, "role"))) or _is_session(first)

    def sources(self, path: Path, spool: Spool) -> Iterator[RecordingSource | SkippedLine]:
        """The folder of a session, once: at its last message. Parts and sessions are read with the messages."""
        folder = path.parent
        if _is_database(path):
            yield from self._stored(path)
        elif folder.parent.name == "message":
            last = max(one.name for one in folder.glob("*.json"))
            if path.name == last:
                yield RecordingSource(self.name, str(folder), 0, str(folder), name=folder.name)
        elif folder.parent.name not in ("part", "session"):
            yield RecordingSource(self.name, str(path), 0, str(path), name=path.name.partition(".")[0])

    def _stored(self, path: Path) -> Iterator[RecordingSource | SkippedLine]:
        """Each session of a database, the earliest first."""
        try:
            with closing(_opened(path)) as database:
                names = [
                    str(name)
                    for (name,) in database.execute(
                        "SELECT session_id FROM message GROUP BY session_id ORDER BY MIN(time_created)"
                    )
                ]
        except sqlite3.Error as error:
            yield SkippedLine(str(path), 0, f"the database cannot be read: {error}")
            return
        for name in names:
            yield RecordingSource(self.name, str(path), 0, str(path), name=name)

    def _rows(self, source: RecordingSource) -> Iterator[RecordedSession | SkippedLine]:
        """The conversation of a session in a database."""
        telling, provider = Telling(), ""
        try:
            with closing(_opened(Path(source.file))) as database:
                found = list(_messages(database, source.name))
        except sqlite3.Error as error:
            yield SkippedLine(source.path, 0, f"the session {source.name} cannot be read: {error}")
            return
        for number, (name, message, parts) in enumerate(found, start=1):
            try:
                whole = {"id": name, **parsed(message)}
                provider = _message(telling, whole, [parsed(part) for part in parts]) or provider
            except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
                yield SkippedLine(source.path, number, f"a message lacks what it should have: {error!r}")
            yield from telling.named(source.path, number)
        session = telling.session(source.name, source.path, provider or "unknown")
        yield session or SkippedLine(source.path, 0, f"no request in the session {source.name}: nobody replied")

    def sessions(self, source: RecordingSource) -> Iterator[RecordedSession | SkippedLine]:
        """The conversation; messages that cannot be read are named."""
        if source.name and _is_database(Path(source.file)):
            yield from self._rows(source)
            return
        place = Path(source.file)
        telling, provider = Telling(), ""
        for file in sorted(place.glob("*.json")) if place.is_dir() else [place]:
            for one in values(file):
                if isinstance(one, SkippedLine):
                    yield one
                    continue
                try:
                    provider = _message(telling, one.value, _parts(file, one.value)) or provider
                except (KeyError, TypeError, ValueError, AttributeError, RecursionError, OSError) as error:
                    yield SkippedLine(str(file), one.number, f"a message lacks what it should have: {error!r}")
                yield from telling.named(str(file), one.number)
        session = telling.session(source.name, source.path, provider or "unknown")
        yield session or SkippedLine(source.path, 0, "no request in it: nobody replied")


def _is_database(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(6) == b"SQLite"


def _opened(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)


def _messages(database: sqlite3.Connection, session: str) -> Iterator[tuple[str, bytes, list[bytes]]]:
    """Each message of a session: its id, and as JSON what it and its parts hold."""
    parts: dict[str, list[bytes]] = {}
    for message, part in database.execute(_PARTS, (session,)):
        parts.setdefault(str(message), []).append(_data(part))
    for name, data in database.execute(_MESSAGES, (session,)):
        yield str(name), _data(data), parts.get(str(name), [])


_SESSIONS = "SELECT session_id FROM message GROUP BY session_id ORDER BY MIN(time_created)"
_MESSAGES = "SELECT id, data FROM message WHERE session_id = ? ORDER BY time_created, id"
_PARTS = "SELECT message_id, data FROM part WHERE session_id = ? ORDER BY time_created, id"
_TABLES = frozenset({"message", "part"})
"""The tables of opencode.db that hold what was said."""


def _data(value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")


def _is_session(value: Value) -> bool:
    return {"id", "projectID", "directory", "time"} <= value.keys()


def _parts(file: Path, message: Value) -> list[Value]:
    """The parts of a message: in it, or in files of their own."""
    if isinstance(message.get("parts"), list):
        return list(message["parts"])
    folder = file.parent.parent.parent / "part" / str(message.get("id"))
    found = (
        one.value for path in sorted(folder.glob("*.json")) for one in values(path) if not isinstance(one, SkippedLine)
    )
    return [one for one in found if isinstance(one, dict)]


def _message(telling: Telling, message: Value, parts: list[Value]) -> str:
    """Take a message. Gives the provider that it names."""
    told = message.get("info")
    info: Value = told if isinstance(told, Mapping) else message
    times = info.get("time") or {}
    if info.get("role") != "assistant":
        telling.heard(
            [{"type": "text", "text": str(one.get("text") or "")} for one in parts if one.get("type") == "text"],
            times.get("created"),
        )
        return ""
    telling.model = str(info.get("modelID") or telling.model)
    telling.heard([], times.get("created"))
    telling.replied([block for one in parts for block in _said(one)])
    at = times.get("completed") or times.get("created")
    usage = telling.used(_usage, info.get("tokens"))
    telling.metered(usage, at, identity=str(info.get("id") or ""), bare=True)
    telling.heard([block for one in parts for block in _returned(one)], at)
    return str(info.get("providerID") or "")


def _said(part: Value) -> Iterator[dict[str, Any]]:
    kind = part.get("type")
    if kind == "text":
        yield {"type": "text", "text": str(part.get("text") or "")}
    elif kind == "reasoning":
        yield {"type": "thinking", "thinking": str(part.get("text") or "")}
    elif kind == "tool":
        given = (part.get("state") or {}).get("input") or {}
        yield {
            "type": "tool_use",
            "id": str(part.get("callID") or ""),
            "name": str(part.get("tool") or "tool"),
            "input": given,
        }


def _returned(part: Value) -> Iterator[dict[str, Any]]:
    state = part.get("state") or {}
    if part.get("type") == "tool" and state.get("status") in ("completed", "error"):
        output = state.get("output", state.get("error"))
        said = output if isinstance(output, str) else json.dumps(output, ensure_ascii=False)
        yield {"type": "tool_result", "tool_use_id": str(part.get("callID") or ""), "content": said}


def _usage(tokens: Any) -> Usage | None:
    """Here input stands apart from what was cached, and reasoning, billed as output, apart from that."""
    if not isinstance(tokens, Mapping):
        return None
    cache = tokens.get("cache") or {}
    output = tokens_of(tokens.get("output")) + tokens_of(tokens.get("reasoning"))
    return counted(tokens.get("input"), cache.get("read"), output, cache.get("write"), apart=True)

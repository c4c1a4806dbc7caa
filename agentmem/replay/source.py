"""Where a session's raw material is: small, so that many can be listed, sorted and sent to other processes."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from agentmem.replay.lines import LogLine
from agentmem.replay.session import RecordedSession, SkippedLine


@dataclass(frozen=True, slots=True)
class RecordingSource:
    """``length`` bytes of ``file`` from ``start``, in one format; 0 is the whole file.

    ``path`` and ``line`` say where a person finds it; ``name`` is what the session is called there, if it has a name.
    """

    format: str
    path: str
    line: int
    file: str
    start: int = 0
    length: int = 0
    name: str = ""

    def data(self) -> bytes:
        """The raw bytes of a part of a file."""
        with Path(self.file).open("rb") as file:
            file.seek(self.start)
            return file.read(self.length)


class Spool:
    """A scratch file for sessions that come several to a packed file, so that each can be read by itself."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "sessions"
        self._end = 0

    def source(self, format: str, path: Path, line: int, data: bytes, name: str = "") -> RecordingSource:
        """Store one session's bytes."""
        with self._path.open("ab") as file:
            file.write(data)
        self._end += len(data)
        return RecordingSource(format, str(path), line, str(self._path), self._end - len(data), len(data), name)


class RecordingReader(Protocol):
    """One format of recording.

    ``accepts`` looks at the first object of a file. ``sources`` lists what is in the file; ``sessions`` reads one of
    them: each agent's conversation, and what could not be read of it.
    """

    name: str

    def accepts(self, first: Any) -> bool: ...

    def sources(self, path: Path, spool: Spool) -> Iterator[RecordingSource | SkippedLine]: ...

    def sessions(self, source: RecordingSource) -> Iterator[RecordedSession | SkippedLine]: ...


def spooled(format: str, path: Path, line: LogLine, spool: Spool) -> RecordingSource:
    """The source of one line that is a whole session."""
    stem = path.name.partition(".")[0]
    named = str(line.value.get("session") or line.value.get("sessionId") or f"{stem}/{line.number}")
    return spool.source(format, path, line.number, line.data, named)

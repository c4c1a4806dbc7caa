"""Tasks of Cline and Roo Code (.../globalStorage/*/tasks/TASK): ui_messages.json beside api_conversation_history.json.

The conversation is in the second, what each request used in the first. Both are read as one session. System prompt and
tools are not recorded: the first usage tells their size.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from agentmem.replay.formats.telling import Telling, counted
from agentmem.replay.session import RecordedSession, SkippedLine
from agentmem.replay.source import RecordingSource, Spool, lines
from agentmem.types import Usage

SHOWN, SENT = "ui_messages.json", "api_conversation_history.json"

Value = Mapping[str, Any]


class Cline:
    """Reads a task, given the list for its window."""

    name = "cline"

    def accepts(self, first: Any) -> bool:
        """What is shown has a time, and is said or asked."""
        return isinstance(first, dict) and isinstance(first.get("ts"), int) and first.get("type") in ("say", "ask")

    def sources(self, path: Path, spool: Spool) -> Iterator[RecordingSource | SkippedLine]:
        """The task, by the name of its folder."""
        named = path.parent.name if path.name == SHOWN else path.name.partition(".")[0]
        yield RecordingSource(self.name, str(path), 0, str(path), name=named)

    def sessions(self, source: RecordingSource) -> Iterator[RecordedSession | SkippedLine]:
        """The conversation, its replies metered in their order."""
        shown, telling = Path(source.file), Telling()
        requests: list[tuple[Any, Usage | None]] = []
        for line in lines(shown):
            if isinstance(line, SkippedLine):
                yield line
            elif line.value.get("say") == "api_req_started":
                requests.append((line.value.get("ts"), telling.used(_usage, line.value.get("text"))))
                yield from telling.named(source.path, line.number)
        sent = shown.with_name(SENT)
        metered = iter(requests)
        for line in lines(sent) if sent.is_file() else ():
            if isinstance(line, SkippedLine):
                yield line
            elif line.value.get("role") == "assistant":
                telling.model = _model(line.value) or telling.model
                telling.replied(line.value.get("content"))
                at, usage = next(metered, (line.value.get("ts"), None))
                telling.metered(usage, at, bare=True)
            else:
                telling.heard(line.value.get("content"), line.value.get("ts"))
        for at, usage in metered if not telling.exchanges else ():
            telling.metered(usage, at, bare=True)
        session = telling.session(source.name, source.path, "unknown")
        yield session or SkippedLine(source.path, 0, "no request in it: nobody replied")


def is_beside(path: Path) -> bool:
    """Whether a file is read together with the one that shows its task."""
    return path.name == SENT and path.with_name(SHOWN).is_file()


def _model(message: Value) -> str:
    told = message.get("modelInfo") or {}
    return str(told.get("modelId") or "")


def _usage(text: Any) -> Usage | None:
    """A request's numbers, written as JSON in its text. Input stands apart from what was cached."""
    told = json.loads(text) if text else None
    if not isinstance(told, dict) or "tokensIn" not in told:
        return None
    return counted(told["tokensIn"], told.get("cacheReads"), told.get("tokensOut"), told.get("cacheWrites"), apart=True)

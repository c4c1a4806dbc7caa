"""A Claude Code log that is read on from its old end as it grows, and faster than line by line as text.

It reads plain logs: UTF-8, a record on each line. Anything else is `Unfit`, and read by `ClaudeCode`, which gives the
same conversations.
"""

from pathlib import Path
from typing import Any

import orjson

from agentmem.kvcache.frames import Make, frame
from agentmem.replay.formats.claude_code import ClaudeReading
from agentmem.replay.formats.claude_conversation import Malformed
from agentmem.replay.growing import GrowingFile, Unfit


class GrowingLog:
    """A log while it is read, and while it grows. ``make`` makes the frames of its blocks.

    ``file`` says how far it is read. ``project`` is the folder that its agent worked in ("" if it does not say).
    """

    def __init__(self, path: Path, make: Make = frame) -> None:
        self.file, self.project = GrowingFile(path), ""
        self.reading = ClaudeReading(make)

    def read(self) -> None:
        """Take all whole lines that are new. Raises Unfit, also where this is not the file that it was, and OSError."""
        self.file.read(orjson.loads, self._take)

    def _take(self, record: dict[str, Any]) -> None:
        if "type" not in record:
            raise Unfit("a line that is no record")
        try:
            self.reading.add(record)
        except Malformed as error:
            raise Unfit(str(error)) from error
        if not self.project and record["type"] == "assistant":
            self.project = str(record.get("cwd") or "")

"""Pictures in a frame, for engines that only read text."""

import hashlib
from typing import Any

from agentmem.kvcache.frames import frame
from agentmem.types import Frame


def without_pictures(one: Frame) -> Frame:
    """The frame with the sha256 of each picture in place of its bytes; frames without pictures as they are."""
    return frame(one.segment, _bare(one.value), one.role) if b'"type":"image"' in one.data else one


def _bare(value: Any) -> Any:
    if isinstance(value, list):
        return [_bare(part) for part in value]
    if not isinstance(value, dict):
        return value
    if value.get("type") == "image":
        return {"type": "image", "sha256": hashlib.sha256(repr(value.get("source")).encode()).hexdigest()}
    return {key: _bare(part) for key, part in value.items()}

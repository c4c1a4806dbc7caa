"""Replaces pictures in a frame, for engines that read only text."""

import hashlib
from collections.abc import Callable
from typing import Any

from agentmem.kvcache.frames import frame
from agentmem.types import Frame

UNSEEN = "[A picture ({media_type}) stands here. This model reads text only.]"


def has_pictures(one: Frame) -> bool:
    """True if a frame holds a picture."""
    return b'"type":"image"' in one.data


def without_pictures(one: Frame) -> Frame:
    """The frame with the sha256 of each picture in place of its bytes; a frame without pictures stays as it is."""
    return frame(one.segment, _each(one.value, _hashed), one.role) if has_pictures(one) else one


def named_pictures(one: Frame) -> Frame:
    """The frame with a sentence in place of each picture; a frame without pictures stays as it is."""
    return frame(one.segment, _each(one.value, unseen), one.role) if has_pictures(one) else one


def unseen(picture: Any) -> dict[str, Any]:
    """The text block for a picture that a model cannot see."""
    return {"type": "text", "text": UNSEEN.format(media_type=picture["source"]["media_type"])}


def _hashed(picture: Any) -> dict[str, Any]:
    return {"type": "image", "sha256": hashlib.sha256(repr(picture.get("source")).encode()).hexdigest()}


def _each(value: Any, shown: Callable[[Any], dict[str, Any]]) -> Any:
    """A value with each picture in it replaced."""
    if isinstance(value, list):
        return [_each(part, shown) for part in value]
    if not isinstance(value, dict):
        return value
    if value.get("type") == "image" and "source" in value:
        return shown(value)
    return {key: _each(part, shown) for key, part in value.items()}

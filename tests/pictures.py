"""Makes pictures for tests: the first bytes of a file, which hold its type and size, and any number of other bytes."""

import base64
import struct
from typing import Any


def png(width: int = 1, height: int = 1, more: int = 0) -> bytes:
    """A PNG's header and ``more`` other bytes."""
    header = struct.pack(">II", width, height) + bytes([8, 2, 0, 0, 0])
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + header + bytes(more)


def gif(width: int = 1, height: int = 1) -> bytes:
    """A GIF's header."""
    return b"GIF89a" + struct.pack("<HH", width, height) + b"\0\0\0"


def encoded(data: bytes) -> str:
    """``data`` in base64."""
    return base64.b64encode(data).decode()


def block(data: bytes | None = None, kind: str = "image/png") -> dict[str, Any]:
    """A picture as a block of the Messages API."""
    source = {"type": "base64", "media_type": kind, "data": encoded(png() if data is None else data)}
    return {"type": "image", "source": source}

"""Reads PNG, GIF, JPEG and WebP by the first bytes of a file: its type, its size, and what a provider would refuse.

The limits are those of Anthropic's Messages API, the tightest of the providers'. What is too large is scaled down where
Pillow is installed, so that a model sees it all the same.
"""

import base64
import binascii
import io
import logging
import re
import struct
from importlib import import_module
from typing import Any

from agentmem.distribution import install
from agentmem.types import Image

Size = tuple[int, int]
"""Width and height in pixels."""

MOST_ENCODED = 5 * 1024 * 1024
"""The most characters of a picture's base64. The API counts these for its 5 MB, so a file has three quarters of it."""
LONGEST_SIDE = 8_000
"""The most pixels of a side."""
MANY = 20
"""A request with more pictures than this must keep each side of them within LONGEST_OF_MANY."""
LONGEST_OF_MANY = 2_000
"""The most pixels of a side in a request with more than MANY pictures."""
MOST_PICTURES = 100
"""The most pictures in a request."""


def kind(data: bytes) -> str | None:
    """The media type of a picture by its bytes; None for a format that no model reads."""
    return next((name for signature, offset, _, name in _FORMATS if data.startswith(signature, offset)), None)


def decoded(data: str) -> bytes | None:
    """The bytes of base64 text; None if it is not valid."""
    try:
        return base64.b64decode(data, validate=True) or None
    except (binascii.Error, ValueError):
        return None


def mended(media_type: str, data: str) -> tuple[str, str]:
    """A picture's media type and base64, corrected: the type by its bytes, no white space, no head of a data URL."""
    if not _PLAIN.fullmatch(data):
        data = _SPACE.sub("", data.rpartition(";base64,")[2])
    file = decoded(data)
    return (file and kind(file)) or media_type, data


_PLAIN = re.compile(r"[A-Za-z0-9+/]+={0,2}")
_SPACE = re.compile(r"\s+")


def described(media_type: str, data: str) -> str:
    """A picture in a few words: its media type, and its pixels if they can be read."""
    measured = size(decoded(data) or b"")
    pixels = f", {measured[0]:,} × {measured[1]:,} pixels" if measured else ""
    return f"a picture ({media_type or 'of no known type'}{pixels})"


def fault(media_type: str, data: str) -> str | None:
    """The reason why a provider would refuse a picture in base64, to follow "because it ..."; None if it is fine."""
    if len(data) > MOST_ENCODED:
        return f"has {len(data) / 1024 / 1024:.1f} MB in base64 and at most {MOST_ENCODED // 1024 // 1024} MB are taken"
    file = decoded(data)
    measured = size(file) if file else None
    if file is None or measured is None or 0 in measured:
        return "is no picture that can be read, or a broken one"
    if max(measured) > LONGEST_SIDE:
        return f"has {measured[0]:,} × {measured[1]:,} pixels and at most {LONGEST_SIDE:,} a side are taken"
    if kind(file) != media_type:
        return f"was said to be {media_type} and is {kind(file)}"
    return None


def size(data: bytes) -> Size | None:
    """The size of the picture whose file begins with ``data``; None for another format or an incomplete header."""
    read = next((read for signature, offset, read, _ in _FORMATS if data.startswith(signature, offset)), None)
    try:
        return read(data) if read else None
    except (struct.error, KeyError):
        return None


def _png(data: bytes) -> Size:
    width, height = struct.unpack_from(">II", data, 16)
    return width, height


def _gif(data: bytes) -> Size:
    width, height = struct.unpack_from("<HH", data, 6)
    return width, height


def _jpeg(data: bytes) -> Size:
    """Walks the segments to the start-of-frame marker: C0 to CF except C4, C8 and CC."""
    at = 2
    while True:
        marker, length = struct.unpack_from(">xBH", data, at)
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", data, at + 5)
            return width, height
        at += 2 + length


def _webp(data: bytes) -> Size:
    return _WEBP[data[12:16]](data)


def _webp_lossy(data: bytes) -> Size:
    width, height = struct.unpack_from("<HH", data, 26)
    return width & 0x3FFF, height & 0x3FFF


def _webp_lossless(data: bytes) -> Size:
    (bits,) = struct.unpack_from("<I", data, 21)
    return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1


def _webp_extended(data: bytes) -> Size:
    low_width, high_width, low_height, high_height = struct.unpack_from("<HBHB", data, 24)
    return (high_width << 16 | low_width) + 1, (high_height << 16 | low_height) + 1


_WEBP = {b"VP8 ": _webp_lossy, b"VP8L": _webp_lossless, b"VP8X": _webp_extended}
_FORMATS = (
    (b"\x89PNG\r\n\x1a\n", 0, _png, "image/png"),
    (b"GIF8", 0, _gif, "image/gif"),
    (b"\xff\xd8\xff", 0, _jpeg, "image/jpeg"),
    (b"WEBP", 8, _webp, "image/webp"),
)


SCALED_SIDES = (LONGEST_OF_MANY, 1_500, 1_000, 500)
"""Pixels of the longest side, tried in this order until the picture is light enough."""
MOST_DECODED = 80_000_000
"""Pixels that are decoded, at most: they take 320 MB. Above it Pillow warns of bombs."""
_ENCODINGS: dict[str, tuple[tuple[str, str], ...]] = {
    "image/jpeg": (("JPEG", "image/jpeg"),),
    "image/webp": (("WEBP", "image/webp"), ("JPEG", "image/jpeg")),
}
_OTHERS = (("PNG", "image/png"), ("JPEG", "image/jpeg"))
_log = logging.getLogger(__name__)


def scaled(picture: Image) -> Image | None:
    """The picture, small enough for every provider; None without Pillow, or where it cannot be read."""
    data = decoded(picture.data) or b""
    width, height = size(data) or (0, 0)
    if not 0 < width * height <= MOST_DECODED:
        return None
    try:
        pillow, operations = import_module("PIL.Image"), import_module("PIL.ImageOps")
    except ModuleNotFoundError:
        _log.warning("a picture is too large for a model: %s has such scaled down", install("images"))
        return None
    try:
        with pillow.open(io.BytesIO(data)) as opened:
            whole = operations.exif_transpose(opened)
            return _light_enough(whole, _ENCODINGS.get(kind(data) or "", _OTHERS))
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        _log.warning("a picture could not be scaled down: %s", error)
        return None


def _light_enough(whole: Any, formats: tuple[tuple[str, str], ...]) -> Image | None:
    for side in SCALED_SIDES:
        small = whole.copy()
        small.thumbnail((side, side))
        for name, media_type in formats:
            encoded = _encoded(small, name)
            if len(encoded) <= MOST_ENCODED:
                return Image(media_type, encoded)
    return None


def _encoded(picture: Any, name: str) -> str:
    file = io.BytesIO()
    (picture.convert("RGB") if name == "JPEG" else picture).save(file, name)
    return base64.b64encode(file.getvalue()).decode()

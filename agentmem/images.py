"""How large a picture is, read from the first bytes of its file: PNG, GIF, JPEG and WebP."""

import struct

Size = tuple[int, int]
"""Width and height in pixels."""


def size(data: bytes) -> Size | None:
    """The size of the picture whose file begins with ``data``; None for another format or a header cut short."""
    read = next((read for signature, offset, read in _FORMATS if data.startswith(signature, offset)), None)
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
    """Walk the segments to the start-of-frame marker: C0 to CF, but for C4, C8 and CC."""
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
    (b"\x89PNG\r\n\x1a\n", 0, _png),
    (b"GIF8", 0, _gif),
    (b"\xff\xd8\xff", 0, _jpeg),
    (b"WEBP", 8, _webp),
)

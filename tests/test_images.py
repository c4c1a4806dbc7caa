import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmem.images import size

SIDES = st.integers(1, 16383)


def jpeg(width: int, height: int, marker: int = 0xC0) -> bytes:
    """A JPEG's start: a comment with metadata, a table that looks like a frame, the frame."""
    comment = b"\xff\xe1" + struct.pack(">H", 70) + b"x" * 68
    table = b"\xff\xc4" + struct.pack(">H", 20) + b"\x00" * 18
    return b"\xff\xd8" + comment + table + b"\xff" + bytes([marker]) + struct.pack(">HBHH", 11, 8, height, width)


def webp(kind: bytes, payload: bytes) -> bytes:
    return b"RIFF\x00\x00\x00\x00WEBP" + kind + b"\x00\x00\x00\x00" + payload


def headers(width: int, height: int) -> list[bytes]:
    extended = b"\x00" * 4 + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return [
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR" + struct.pack(">II", width, height),
        b"GIF89a" + struct.pack("<HH", width, height),
        jpeg(width, height),
        jpeg(width, height, 0xC2),
        webp(b"VP8 ", b"\x00\x00\x00\x9d\x01\x2a" + struct.pack("<HH", width, height)),
        webp(b"VP8L", b"\x2f" + struct.pack("<I", (width - 1) | (height - 1) << 14)),
        webp(b"VP8X", extended),
    ]


@given(SIDES, SIDES)
def test_every_format_tells_its_size(width: int, height: int) -> None:
    """PNG, GIF, JPEG (baseline and progressive) and the three kinds of WebP are read from their first bytes."""
    assert [size(header) for header in headers(width, height)] == [(width, height)] * 7


@given(st.sampled_from(headers(640, 480)), st.data())
def test_a_header_cut_short_is_unknown(header: bytes, data: st.DataObject) -> None:
    """Too few bytes give no size rather than an error or a wrong size."""
    assert size(header[: data.draw(st.integers(0, len(header) - 1))]) is None


@pytest.mark.parametrize("data", [b"", b"BM", b"%PDF-1.7", b"RIFF....WEBPVP9 "])
def test_other_files_have_no_size(data: bytes) -> None:
    """A file of another format has no size."""
    assert size(data) is None


@given(st.binary(max_size=64))
def test_any_bytes_are_safe(data: bytes) -> None:
    """No bytes make it fail, or run without end."""
    for start in (b"", b"\xff\xd8\xff", b"RIFF....WEBPVP8L"):
        found = size(start + data)
        assert found is None or len(found) == 2

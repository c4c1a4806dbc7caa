"""The wire between the judge and the subject: bounded frames of JSON, each answered by its number, in time.

Both ends run it by themselves, without the rest of agentmem: it imports the standard library only. Nothing that comes
in is trusted: a frame is a length and JSON text, and what is not exactly of that form is `Broken`.
"""

import re
import select
import struct
from json import JSONEncoder, loads
from os import read, write
from re import sub
from time import monotonic
from typing import Any

# Bound by their names here, so that a test may put others in their places without cutting the wire.

_encode = JSONEncoder.encode
_iterencode = JSONEncoder.iterencode


class _Encoder(JSONEncoder):
    """Python's own, whatever a test puts into its class."""

    encode, iterencode, __init__ = _encode, _iterencode, JSONEncoder.__init__


dumps = _Encoder(separators=(",", ":"), check_circular=False).encode

MOST = 4 << 20
"""Bytes of a frame."""
DEPTH = 60
"""Lists in lists of a frame, counted where values are read and written."""


_ENDS = rb"(?![\w.-])"
"""Behind a folder's name, where it is not the beginning of another name."""


class Broken(Exception):
    """The other end is gone, is late, or sent what no honest end sends."""


class TooLarge(Broken):
    """A frame that is larger than frames may be. Nothing of it was sent."""


class Wire:
    """One end: reads from one descriptor and writes to another.

    Args:
        incoming, outgoing: descriptors of pipes.
        seconds: the longest wait for the next frame; None to wait for ever.
        ahead: read what has come, also of the next frame: where no other process goes on reading after this one.
    """

    def __init__(self, incoming: int, outgoing: int, seconds: float | None = None, *, ahead: bool = False) -> None:
        self.incoming, self.outgoing, self.seconds = incoming, outgoing, seconds
        self.here, self.there = b"", b""
        self.most, self.left = 1 << 16 if ahead else 0, bytearray()
        self.polled = {descriptor: select.poll() for descriptor in (incoming, outgoing)}
        self.polled[incoming].register(incoming, select.POLLIN)
        self.polled[outgoing].register(outgoing, select.POLLOUT)

    def rename(self, here: str, there: str) -> None:
        """From now on a folder of this end's is written as the other end's, where it has another place there."""
        self.here, self.there = (dumps(one)[1:-1].encode("ascii") for one in (here, there))

    def send(self, frame: list[Any]) -> None:
        """Send a frame. Raises TooLarge, or Broken if nobody reads it."""
        data = dumps(frame).encode("ascii")
        data = data.replace(self.here, self.there) if self.here else data
        if len(data) > MOST:
            raise TooLarge("a message is too large")
        data = struct.pack("!I", len(data)) + data
        deadline = _deadline(self.seconds)
        try:
            while data:
                self._ready(self.outgoing, deadline)
                data = data[write(self.outgoing, data[:65536]) :]
        except OSError as error:
            raise Broken("the other process is gone") from error

    def receive(self, deadline: float | None = None) -> list[Any]:
        """The next frame. Raises Broken if none comes in time, or by the ``deadline``, or if it is none."""
        deadline = _deadline(self.seconds) if deadline is None else deadline
        (size,) = struct.unpack("!I", self._read(4, deadline))
        if size > MOST:
            raise Broken("a message is too large")
        try:
            data = self._read(size, deadline)
            if self.there and self.there in data:
                data = sub(re.escape(self.there) + _ENDS, self.here.replace(b"\\", b"\\\\"), data)
            frame = loads(data.decode("ascii"))
        except (ValueError, RecursionError) as error:
            raise Broken("a message is not of the agreed form") from error
        if type(frame) is not list or not frame:
            raise Broken("a message is not of the agreed form")
        return frame

    def _read(self, size: int, deadline: float | None) -> bytes:
        data = self.left
        while len(data) < size:
            self._ready(self.incoming, deadline)
            try:
                part = read(self.incoming, max(min(size - len(data), 1 << 20), self.most))
            except OSError as error:
                raise Broken("the other process is gone") from error
            if not part:
                raise Broken("the other process is gone")
            data += part
        taken = bytes(data[:size])
        del data[:size]
        return taken

    def _ready(self, descriptor: int, deadline: float | None) -> None:
        if deadline is None:
            return
        if not self.polled[descriptor].poll(max(0.0, deadline - monotonic()) * 1000):
            raise Broken(f"no answer within {self.seconds:g} seconds")


def _deadline(seconds: float | None) -> float | None:
    return None if seconds is None else monotonic() + seconds

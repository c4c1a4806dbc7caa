"""The wire between the judge and the subject: bounded frames of JSON, each answered by its number, in time.

Both ends run it by themselves, without the rest of agentmem: it imports the standard library only. Nothing that comes
in is trusted: a frame is a length and JSON text, and what is not exactly of that form is `Broken`.
"""

import re
import select
import struct
from base64 import b64encode
from collections.abc import Iterator
from json import JSONEncoder, loads
from os import lstat, path, read, write
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


_ENDS = rb'(?![\w.-])(?=((?:/[^/"]*)*))'
"""Behind a folder's name, where it is not the beginning of another name: what goes on from there."""


class Broken(Exception):
    """The other end is gone, is late, or sent what no honest end sends."""


class TooLarge(Broken):
    """A frame that is larger than frames may be. Nothing of it was sent."""


class TellsPlace(Broken):
    """A frame that would tell the other end where the folders of this one lie. Nothing of it was sent."""


class Wire:
    """One end: reads from one descriptor and writes to another.

    Args:
        incoming, outgoing: descriptors of pipes.
        seconds: the longest wait for the next frame; None to wait for ever.
        ahead: read what has come, also of the next frame: where no other process goes on reading after this one.
    """

    def __init__(self, incoming: int, outgoing: int, seconds: float | None = None, *, ahead: bool = False) -> None:
        self.incoming, self.outgoing, self.seconds = incoming, outgoing, seconds
        self.root, self.here, self.there = b"", b"", b""
        self.secret, self.signs, self.told = b"", tuple[bytes, ...](), False
        self.most, self.left = 1 << 16 if ahead else 0, bytearray()
        self.polled = {descriptor: select.poll() for descriptor in (incoming, outgoing)}
        self.polled[incoming].register(incoming, select.POLLIN)
        self.polled[outgoing].register(outgoing, select.POLLOUT)

    def rename(self, root: str, here: str, there: str) -> None:
        """From now on two folders of this end's are written as one of the other end's, which stands for both.

        What comes back is in ``root``, but what is there only if ``root`` is ``told``: else it is in ``here``, where
        nothing is. No frame tells where ``root`` lies.
        """
        self.root, self.here, self.there = (dumps(one)[1:-1].encode("ascii") for one in (root, here, there))
        secret = path.commonpath([root, here]).rpartition("/")[2] if root != here else ""
        self.secret, self.signs = secret.encode("ascii"), tuple(_signs(secret)) if secret else ()

    def _ours(self, found: re.Match[bytes]) -> bytes:
        """What stands here for the other end's folder: the one in which the name that goes on from it leads nowhere."""
        return self.root if self.told or not _is_there(self.root, found[1]) else self.here

    def _named(self, data: bytes) -> bytes:
        """A frame with the folders' names as the other end knows them."""
        if self.root in data:
            self.told, data = True, data.replace(self.root, self.there)
        data = data.replace(self.here, self.there)
        if self.secret and any(one in data for one in self.signs):
            raise TellsPlace("it tells where the tests lie")
        return data

    def send(self, frame: list[Any]) -> None:
        """Send a frame. Raises TooLarge, or Broken if nobody reads it."""
        data = dumps(frame).encode("ascii")
        data = self._named(data) if self.here else data
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
                data = sub(re.escape(self.there) + _ENDS, self._ours, data)
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


def _is_there(root: bytes, name: bytes) -> bool:
    """True if a name, as it stands in a frame, may lead to something in a folder."""
    place = loads(b'"%b"' % root)
    for part in name.split(b"/")[1:]:
        if part in (b"", b".", b"..") or b"\\" in part:
            return True
        place = f"{place}/{part.decode('ascii')}"
        try:
            lstat(place)
        except (OSError, ValueError):
            return False
    return name != b""


def _signs(name: str) -> Iterator[bytes]:
    """How a name looks in a frame: as text, and in bytes and texts that cross by their numbers, at any place."""
    yield name.encode("ascii")
    yield name.encode("utf-32-be").hex().encode("ascii")
    for raw in (name.encode("ascii"), name.encode("utf-32-le")):
        for before in range(3):  # the letters of base64 that stand for the name only
            code, first = b64encode(bytes(before) + raw), -(-before * 8 // 6)
            yield code[first : (before + len(raw)) * 8 // 6]


def _deadline(seconds: float | None) -> float | None:
    return None if seconds is None else monotonic() + seconds

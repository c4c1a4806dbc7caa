"""The memory in which sockets keep what was sent and not yet received. No process has it, so the kernel is asked.

By sock_diag(7): a request for all sockets of a kind, answered by one message for each, with its buffers as SK_MEMINFO.
"""

import struct
from collections.abc import Collection, Iterator

_NETLINK, _RAW, _SOCK_DIAG = 16, 3, 4
_BY_FAMILY, _DUMP, _ERROR, _DONE = 20, 0x301, 2, 3
_ALL = 0xFFFFFFFF
_UNIX = struct.pack("=BBHIIIII", 1, 0, 0, _ALL, 0, 0x20, 0, 0)


def _internet(family: int, protocol: int) -> bytes:
    return struct.pack("=BBBxI48x", family, protocol, 1 << 6, _ALL)


_KINDS = (
    (_UNIX, 16, 5, 4),
    *((_internet(family, protocol), 72, 7, 68) for family in (2, 10) for protocol in (6, 17)),
)
"""The request; in an answer the bytes before its attributes, which of them is wanted, and where the inode stands."""


def buffered(inodes: Collection[int] | None) -> int:
    """Bytes in the buffers of this network namespace's sockets, or of those that ``inodes`` are. Raises OSError."""
    import _socket

    asking = _socket.socket(_NETLINK, _RAW, _SOCK_DIAG)
    try:
        return sum(_of_kind(asking, *kind, inodes) for kind in _KINDS)
    finally:
        asking.close()


def _of_kind(
    asking: "_Asking", request: bytes, begin: int, wanted: int, place: int, inodes: Collection[int] | None
) -> int:
    asking.send(struct.pack("=IHHII", 16 + len(request), _BY_FAMILY, _DUMP, 1, 0) + request)
    total = 0
    for message in _messages(asking):
        (inode,) = struct.unpack_from("=I", message, 16 + place)
        if inodes is None or inode in inodes:
            total += _memory(message, 16 + begin, wanted)
    return total


def _messages(asking: "_Asking") -> Iterator[bytes]:
    while True:
        data, at = asking.recv(1 << 18), 0
        while at + 16 <= len(data):
            length, kind = struct.unpack_from("=IH", data, at)
            if kind in (_DONE, _ERROR) or length < 16:
                return
            yield data[at : at + length]
            at += (length + 3) & ~3


def _memory(message: bytes, at: int, wanted: int) -> int:
    """What was received and what was sent, of the attribute ``wanted``: rmem_alloc and wmem_alloc."""
    while at + 4 <= len(message):
        length, kind = struct.unpack_from("=HH", message, at)
        if kind == wanted and at + 16 <= len(message):
            received, _, sent = struct.unpack_from("=3I", message, at + 4)
            return int(received) + int(sent)
        at += max(4, (length + 3) & ~3)
    return 0


TYPE_CHECKING = False
if TYPE_CHECKING:
    from _socket import socket as _Asking

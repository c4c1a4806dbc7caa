"""Cuts the engine's saved state into blocks, and builds a state from blocks for any prefix of them.

llama.cpp writes the state of a slot (its sequence file, version 4) as rows: for each layer those of K and those of V, a
row for each token. So the rows of some tokens can be taken out and put together again, and a state of the first n
tokens is the state that the engine would have after n tokens. It ends the whole process over a state that is too short,
and accepts one with other bytes: all is checked here before it is handed over, and a layout that is not known to the
last byte is refused.

    magic u32 | version u32 | n u32 | n ints: -1, 1, count, tokens, 0
    streams u32 = 1 | count u32 | for each token: position i32, sequences u32 = 1, slot i32
    transposed u32 = 0 | layers u32 | 8 bytes 0 | for each layer, K and then V: type i32, bytes of a row u64, rows
"""

import io
import os
import struct
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from agentmem.errors import WarehouseError
from agentmem.kvcache.warehouse.blocks import packed, unpacked
from agentmem.kvcache.warehouse.records import Payload, blank

_MAGIC, _VERSION = 0x67677371, 4
_FRONT = struct.Struct("<III")
_WRAP = 4
"""The ints around the tokens: three before them and one after."""
_CELL = struct.Struct("<iIi")
_HEADS = struct.Struct("<IIII")
_PLANE = struct.Struct("<iQ")
_MOST_LAYERS = 4096

StateFile: TypeAlias = io.FileIO | io.BytesIO
"""Where the bytes of a state are read from. Mapped into memory they would be memory, as much as the whole state."""


@dataclass(frozen=True, slots=True)
class StateShape:
    """What all states of one engine have in common: the type and the bytes of a token's row in each plane. A layer has
    two planes, K and V.
    """

    planes: tuple[tuple[int, int], ...]

    @property
    def token_bytes(self) -> int:
        """The bytes of KV state for a token."""
        return sum(row for _, row in self.planes)

    @property
    def name(self) -> str:
        """The shape as text, for a seed."""
        return " ".join(f"{kind}:{row}" for kind, row in self.planes)

    def size(self, tokens: int) -> int:
        """The bytes of a whole state file."""
        front = _FRONT.size + 4 * (tokens + _WRAP) + 8 + _CELL.size * tokens + _HEADS.size
        return front + len(self.planes) * _PLANE.size + self.token_bytes * tokens


@dataclass(frozen=True, slots=True)
class KvState:
    """A state's tokens, and where the rows of each plane begin in its ``file``."""

    file: StateFile
    shape: StateShape
    tokens: tuple[int, ...]
    rows: tuple[int, ...]

    def cut(self, start: int, end: int) -> memoryview:
        """The payload of the block of these tokens: their rows, plane by plane.

        Raises:
            WarehouseError: the file is shorter than it was.
        """
        made, done = blank((end - start) * self.shape.token_bytes), 0
        for at, (_, row) in zip(self.rows, self.shape.planes, strict=True):
            self.file.seek(at + start * row)
            done += self.file.readinto(made[done : done + (end - start) * row])
        if done != len(made):
            raise WarehouseError("the engine's state has become shorter")
        return made


@dataclass(frozen=True, slots=True)
class StatePart:
    """A block's payload, ``held`` tokens of which the first ``taken`` are used."""

    payload: Payload
    held: int
    taken: int


@contextmanager
def reading(path: Path) -> Iterator[KvState]:
    """The state in a file, which is open as long as the block.

    Raises:
        WarehouseError: it is not laid out as described above.
    """
    with io.FileIO(path) as file:
        yield parsed(file)


def parsed(file: StateFile) -> KvState:
    """The state in these bytes. Raises WarehouseError if they are laid out in any other way."""
    size = file.seek(0, os.SEEK_END)
    try:
        tokens, at = _tokens(file, size)
        planes, rows, end = _planes(file, size, _cells(file, size, at, len(tokens)), len(tokens))
    except struct.error as error:
        raise WarehouseError("the engine's state ends too early") from error
    if end != size:
        raise WarehouseError("the engine's state goes on behind its last row")
    return KvState(file, StateShape(planes), tokens, rows)


def _read(file: StateFile, at: int, size: int) -> bytes:
    file.seek(at)
    return file.read(size) or b""


def write_state(path: Path, shape: StateShape, tokens: Sequence[int], slot: int, parts: Iterable[StatePart]) -> None:
    """Write the state of ``tokens`` for a slot, made of the blocks that hold them, in order. One part is in memory at a
    time, whatever the state's size.

    Raises:
        WarehouseError: the parts are not that many tokens, or a payload has another length than its tokens need. The
            file is then no state.
    """
    front, done = _front(shape, tokens, slot), 0
    with path.open("wb", buffering=0) as file:
        path.chmod(0o600)
        file.write(front)
        rows = list(_headed(file.fileno(), shape, len(front), len(tokens)))
        for part in parts:
            if len(part.payload) != part.held * shape.token_bytes or part.taken > part.held:
                raise WarehouseError("a block has another size than its tokens need")
            if done + part.taken > len(tokens):
                break
            _place(file.fileno(), shape, rows, part, done)
            done += part.taken
    if done != len(tokens):
        raise WarehouseError("the blocks are not those of the tokens")


def _headed(file: int, shape: StateShape, at: int, count: int) -> Iterator[int]:
    """Write the head of each plane; gives where its rows begin."""
    for kind, row in shape.planes:
        os.pwrite(file, _PLANE.pack(kind, row), at)
        yield at + _PLANE.size
        at += _PLANE.size + row * count


def _place(file: int, shape: StateShape, rows: Sequence[int], part: StatePart, done: int) -> None:
    """Write a block's rows behind those of the ``done`` tokens before it, in each plane."""
    view, before = memoryview(part.payload), 0
    for begin, (_, row) in zip(rows, shape.planes, strict=True):
        os.pwrite(file, view[before : before + part.taken * row], begin + done * row)
        before += part.held * row


def _front(shape: StateShape, tokens: Sequence[int], slot: int) -> bytes:
    count = len(tokens)
    ints = packed((-1, 1, count, *tokens, 0))
    cells = b"".join(_CELL.pack(at, 1, slot) for at in range(count))
    heads = _HEADS.pack(0, len(shape.planes) // 2, 0, 0)
    return _FRONT.pack(_MAGIC, _VERSION, count + _WRAP) + ints + struct.pack("<II", 1, count) + cells + heads


def _tokens(file: StateFile, size: int) -> tuple[tuple[int, ...], int]:
    magic, version, count = _FRONT.unpack(_read(file, 0, _FRONT.size))
    if (magic, version) != (_MAGIC, _VERSION):
        raise WarehouseError(f"the engine writes states of version {version}, and only {_VERSION} is known")
    end = _FRONT.size + 4 * count
    if end > size or count < _WRAP:
        raise WarehouseError("the engine's state ends in its tokens")
    first, second, said, *tokens, last = unpacked(_read(file, _FRONT.size, 4 * count))
    if (first, second, said, last) != (-1, 1, len(tokens), 0):
        raise WarehouseError("the engine's state has more than tokens in its list of tokens")
    return tuple(tokens), end


def _cells(file: StateFile, size: int, at: int, count: int) -> int:
    streams, said = struct.unpack("<II", _read(file, at, 8))
    end = at + 8 + _CELL.size * count
    if (streams, said) != (1, count) or end > size:
        raise WarehouseError("the engine's state holds another number of tokens than it lists")
    for place, (position, sequences, _) in enumerate(_CELL.iter_unpack(_read(file, at + 8, end - at - 8))):
        if (position, sequences) != (place, 1):
            raise WarehouseError("the tokens of the engine's state do not stand in a row")
    return end


def _planes(
    file: StateFile, size: int, at: int, count: int
) -> tuple[tuple[tuple[int, int], ...], tuple[int, ...], int]:
    transposed, layers, *rest = _HEADS.unpack(_read(file, at, _HEADS.size))
    if transposed or any(rest) or not 0 < layers <= _MOST_LAYERS:
        raise WarehouseError("the rows of the engine's state cannot be cut by tokens: it needs flash attention")
    at += _HEADS.size
    planes, rows = list[tuple[int, int]](), list[int]()
    for _ in range(2 * layers):
        kind, row = _PLANE.unpack(_read(file, at, _PLANE.size))
        at += _PLANE.size
        planes.append((kind, row))
        rows.append(at)
        at += row * count
        if at > size:
            raise WarehouseError("the engine's state ends in its rows")
    return tuple(planes), tuple(rows), at

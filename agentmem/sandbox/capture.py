"""What a command prints, kept up to a limit: the beginning and the end, and a line that says what is missing."""


class Capture:
    """Feed it bytes. Of more than ``limit`` bytes the first third and the last two thirds are kept."""

    def __init__(self, limit: int) -> None:
        self._head_size = limit // 3
        self._tail_size = limit - self._head_size
        self._head = bytearray()
        self._tail = bytearray()
        self.seen = 0

    def feed(self, data: bytes) -> None:
        self.seen += len(data)
        room = self._head_size - len(self._head)
        self._head += data[:room]
        self._tail += data[room:]
        if len(self._tail) > 2 * self._tail_size + (1 << 16):
            del self._tail[: -self._tail_size]

    def text(self) -> str:
        """As text; what is no UTF-8 is replaced."""
        left_out = len(self._tail) - self._tail_size + (self.seen - len(self._head) - len(self._tail))
        if left_out <= 0:
            return (self._head + self._tail).decode(errors="replace")
        head, tail = self._head.decode(errors="replace"), self._tail[-self._tail_size :].decode(errors="replace")
        return f"{head}\n[... {left_out:,} of {self.seen:,} bytes left out here ...]\n{tail}"

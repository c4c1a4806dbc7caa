"""Models that installed packages carry: their files, found and checked, and sessions of onnxruntime over them.

A package is looked for and not imported, so none of its code runs. Nothing is downloaded.
"""

import hashlib
import os
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from agentmem.distribution import install
from agentmem.errors import ConfigError, EmbedderNotAvailable, RerankerNotAvailable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from onnxruntime import InferenceSession
    from tokenizers import Encoding, Tokenizer

    from agentmem.types import Vectors

THREADS = 2
"""Threads of a run: a third faster than one on two idle cores, no slower on two busy ones. The results are the same to
the last bit."""
SPIN = "50"
"""Microseconds that a thread waits awake for the next layer; by default it would keep a core busy between two runs."""


class File(NamedTuple):
    """A file that an installed package carries, and the sha256 it must have."""

    package: str
    path: str
    sha256: str


class ModelUse(NamedTuple):
    """What a model is for: its name in sentences, the extra that installs it, and the error where it is not there."""

    what: str
    extra: str
    error: type[ConfigError]


EMBEDDER = ModelUse("embedder", "memory", EmbedderNotAvailable)
RERANKER = ModelUse("reranker", "rerank", RerankerNotAvailable)


def installed(*files: File) -> bool:
    """Whether the files' packages and what runs a model are here. They are looked for, and nothing is loaded."""
    return all(find_spec(name) is not None for name in ("onnxruntime", "tokenizers", *(one.package for one in files)))


def read(file: File, use: ModelUse = EMBEDDER) -> bytes:
    """The bytes of a packaged file. Raises the error of its use when it is not there, or is another."""
    found = find_spec(file.package)
    folders = (found and found.submodule_search_locations) or []
    path = next((at for folder in folders if (at := Path(folder) / file.path).is_file()), None)
    if path is None:
        name = file.package.replace("_", "-")
        raise use.error(f"{name} is not installed, and the {use.what} needs it: {install(use.extra)}")
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != file.sha256:
        told = f"{path} is not the file that the {use.what} was made with (its sha256 differs)"
        raise use.error(f"{told}: {install(use.extra)} --force-reinstall")
    return data


def opened(model: File, tokenizer: File, most: int, use: ModelUse) -> "tuple[Tokenizer, InferenceSession]":
    """A tokenizer that cuts after ``most`` tokens, and a model. Raises the error of their use."""
    try:
        import onnxruntime
        from tokenizers import Tokenizer
    except ModuleNotFoundError as error:
        raise use.error(f"{error.name} is not installed, and the {use.what} needs it: {install(use.extra)}") from error
    cut = Tokenizer.from_buffer(read(tokenizer, use))
    cut.enable_truncation(most)
    cut.no_padding()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = min(THREADS, os.cpu_count() or 1), 1
    options.add_session_config_entry("session.intra_op.spin_duration_us", SPIN)
    options.log_severity_level = 3
    return cut, onnxruntime.InferenceSession(read(model, use), options, providers=["CPUExecutionProvider"])


def run(session: "InferenceSession", batch: "Sequence[Encoding]") -> "tuple[Vectors, NDArray[np.int64]]":
    """The first output for a few texts, and which of their tokens, of shape (texts, tokens), are real."""
    import numpy as np

    shape = len(batch), max(len(one.ids) for one in batch)
    ids, mask, types = np.zeros(shape, np.int64), np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    for row, one in enumerate(batch):
        size = len(one.ids)
        ids[row, :size], mask[row, :size], types[row, :size] = one.ids, 1, one.type_ids
    return session.run(None, {"input_ids": ids, "attention_mask": mask, "token_type_ids": types})[0], mask

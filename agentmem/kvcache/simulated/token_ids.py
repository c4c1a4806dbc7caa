"""A prompt as a row of token ids, for caches that match tokens rather than blocks of a message.

The ids are o200k_base's: OpenAI's own, and a stand-in for other tokenizers. Chat templates differ by model; here each
block costs one id of its own in front, which tells apart what stands where.
"""

from array import array
from collections.abc import Iterable
from functools import lru_cache
from typing import TypeAlias

from agentmem.kvcache.prompts import Prompt
from agentmem.tokens import encoding
from agentmem.types import Frame

Ids: TypeAlias = "array[int]"

_HEADS = 1 << 30  # above every id of a tokenizer
_SEGMENTS = {"tool": 0, "system": 1, "user": 2, "assistant": 3}


def token_ids(frames: Iterable[Frame]) -> Ids:
    """The ids of these blocks, in order."""
    row = array("I")
    for frame in frames:
        row.append(_HEADS + _SEGMENTS.get(frame.role or frame.segment, len(_SEGMENTS)))
        row.extend(_ids(_text(frame)))
    return row


def prompt_ids(prompt: Prompt) -> Ids:
    """The ids of a whole prompt."""
    return token_ids(prompt.frames)


def common(one: Ids, other: Ids) -> int:
    """How many ids two rows have in common at the start. Halving, for comparing slices is fast and ids are many."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _text(frame: Frame) -> str:
    return frame.value["text"] if frame.value.get("type") == "text" else frame.data.decode("utf-8", "surrogatepass")


@lru_cache(maxsize=16384)
def _ids(text: str) -> Ids:
    return array("I", encoding().encode_ordinary(text))

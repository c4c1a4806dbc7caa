"""Threads to archive: a journal with entries, and an embedder that needs no model."""

import hashlib
from collections.abc import Sequence

import numpy as np

from agentmem.context import cut
from agentmem.transcript import transcript
from agentmem.transcript.journal import Journal
from agentmem.transcript.transcript import Opening
from agentmem.types import Draft, Message, Reply, Text, ToolCall, ToolResult, Usage, Vectors


class Hashed:
    """An embedder whose vectors are a text's words, hashed: the same words are the same meaning. Counts its texts."""

    def __init__(self, name: str = "hashed", dimensions: int = 64) -> None:
        self.name, self.dimensions, self.texts = name, dimensions, 0

    def embed(self, texts: Sequence[str]) -> Vectors:
        self.texts += len(texts)
        rows = np.full((len(texts), self.dimensions), 1e-3, np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in text.lower().split():
                row[int(hashlib.sha256(word.encode()).hexdigest(), 16) % self.dimensions] += 1
        scaled: Vectors = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return scaled


def tell(journal: Journal, thread: str, *drafts: Draft) -> int:
    """Append, and give the number of the last entry."""
    return journal.append(thread, drafts, head=journal.head(thread))[-1].seq


def begun(journal: Journal, thread: str, *texts: str) -> int:
    """A new thread in which a person said these texts."""
    return tell(journal, thread, transcript.opening(Opening("model")), *map(transcript.user, texts))


def asked(id: str, name: str, arguments: str) -> Draft:
    return transcript.assistant(Reply(Message("assistant", (ToolCall(id, name, arguments),)), Usage("estimated")))


def answered(id: str, text: str) -> Draft:
    return transcript.tool_result(ToolResult(id, (Text(text),)))


def compacted(last: int, text: str) -> Draft:
    """A compaction: everything up to entry ``last`` has left the window."""
    return cut.compaction(cut.Cut(last, (cut.Part("summary", last + 1, Text(text)),)))

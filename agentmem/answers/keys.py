"""The keys of an answer: the scope that it never leaves, and the exact question in it.

Everything that an answer depends on besides its question stands in the scope: tenant, model, system prompt, query
type where it was named, and the conversation before. Matching the last message alone would serve the answer to
another conversation. Hashes are over length-prefixed parts, so no two scopes share one by where a text ends. What is
the same question stands in agentmem.answers.questions.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterable

from agentmem.answers.questions import normalised
from agentmem.answers.values import AnswerScope

LONGEST = 2_000
"""Characters of a question. A longer text is a task: it is excluded, so that no expression is searched for in it."""
_SPACE = re.compile(r"\s+")
_END = re.compile(r"(?<=[^\W\d_])[\s?.]+$")
_CAPITALISED = re.compile(r"(?<![\w'’./\\$@#-])[^\W\d_](?=[^\W\d_]+(?![\w./\\@#-]))")


def scope_of(context: AnswerScope) -> str:
    """The namespace: 40 hexadecimal digits. Answers are looked for within one only."""
    parts = ("scope", context.tenant, context.model, context.system, context.kind or "", *context.conversation)
    return _hashed(parts)


def key_of(scope: str, question: str) -> str:
    """The key of the exact question in a scope."""
    return _hashed(("key", scope, normalised(question)))


def former_key_of(scope: str, question: str) -> str:
    """The key that the question had in version 0.1: answers that were kept under it are found until they expire."""
    return _hashed(("key", scope, _formerly(question)))


def _formerly(question: str) -> str:
    text = _SPACE.sub(" ", unicodedata.normalize("NFC", question)).strip()
    if len(text) > LONGEST:
        return text
    text = _END.sub("", text)
    return _CAPITALISED.sub(_lowered, text)


def _lowered(letter: re.Match[str]) -> str:
    rest = letter.string[letter.end() :]
    return letter[0].lower() if rest[:1].islower() else letter[0]


def _hashed(parts: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)
    return digest.hexdigest()[:40]

"""Reads providers' errors that have no code of their own: a context that is too long, and the block that is meant.

A block is named as in "messages.7.content.2: ...", "messages.[3].content[1]" and the like.
"""

import re

from agentmem.errors import BlockPlace

TOO_LONG = re.compile(
    "|".join(
        (
            r"prompt is too long",  # Anthropic, Bedrock's Claude
            r"input length and `max_tokens` exceed context limit",  # Anthropic, up to Claude 4
            r"input is too long for requested model",  # Bedrock
            r"context_length_exceeded",  # OpenAI and what follows it
            r"maximum context length",  # OpenAI, vLLM, Mistral, DeepSeek
            r"maximum prompt length is",  # xAI
            r"exceeds? the (?:available |model'?s? )?context (?:window|size|length|limit)",  # llama.cpp, Groq, OpenAI
            r"exceed_context_size_error",  # llama.cpp
            r"input token count .{0,40}exceeds the maximum number of tokens",  # Gemini
            r"too many tokens: total tokens",  # Cohere
        )
    ),
    re.IGNORECASE,
)


def is_too_long(text: str) -> bool:
    """True if an error says that the context does not fit into the model's window."""
    return TOO_LONG.search(text) is not None


_BETWEEN = r"[\s.,\[\]'\"()>-]*"
_PLACE = re.compile(
    rf"\bmessages[\s'\"]*(?=[.,\[>-]){_BETWEEN}(\d+)"
    rf"(?:{_BETWEEN}(?:user|assistant|tool)?{_BETWEEN}content{_BETWEEN}(\d+)"
    rf"(?:{_BETWEEN}(?:tool_result)?{_BETWEEN}content{_BETWEEN}(\d+))?)?"
)


def place_of(said: str) -> BlockPlace | None:
    """The first place that an error names, in the forms of Anthropic, OpenAI and pydantic; None if it names none."""
    found = _PLACE.search(said)
    if found is None:
        return None
    message, block, inner = found.groups()
    return BlockPlace(int(message), int(block) if block else None, int(inner) if inner else None)

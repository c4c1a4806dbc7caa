"""What providers say in errors that have no code of their own, recognised by their wording."""

import re

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
    """Whether an error says that the context does not fit into the model's window."""
    return TOO_LONG.search(text) is not None

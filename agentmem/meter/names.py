"""Where a model's price may stand: clouds, gateways and clients call one model by many names."""

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from agentmem.kvcache.claude import claude_name

OWN_MACHINES = frozenset(
    {"scripted", "local", "ollama", "llama.cpp", "llamacpp", "vllm", "sglang", "lmcache", "lmstudio", "lm_studio"}
)
"""Providers that bill nobody: what a model of the same name costs elsewhere is no price of theirs."""

CLOUDS: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("bedrock", "bedrock_converse", "amazon_bedrock", "anthropic_bedrock", "amazon"), "aws"),
        **dict.fromkeys(("vertex_ai", "vertexai", "google_vertexai", "google_genai", "gemini", "vertex"), "google"),
        **dict.fromkeys(("google_anthropic_vertex", "google_ai_studio"), "google"),
        **dict.fromkeys(("azure_openai", "azure_ai", "azureopenai"), "azure"),
        "xai": "x-ai",
        "mistralai": "mistral",
        "fireworks_ai": "fireworks",
        "together_ai": "together",
        "moonshot": "moonshotai",
        "meta-llama": "meta",
    }
)
"""Names of providers that LangChain, LiteLLM and gateways use, as the price tables have them."""

_BEDROCK = re.compile(r"^(?:[a-z]{2,6}\.)?(?:anthropic|amazon|meta|mistral|cohere|deepseek|openai|qwen|moonshotai)\.")
_VARIANT = re.compile(r":(?:nitro|floor|online|beta|exacto|thinking)$")
"""What OpenRouter lets one write after a name without a price of its own."""


def places(provider: str, name: str) -> Iterator[tuple[str | None, str]]:
    """Pairs of provider and name to ask the price tables for, the most particular first.

    A provider of None is whoever makes a model of that name. Nothing for engines on one's own machine.
    """
    if provider in OWN_MACHINES or not name:
        return
    yield CLOUDS.get(provider, provider), name
    bare = name.rsplit("/", 1)[-1] if name.startswith("arn:") else _VARIANT.sub("", name)
    yield CLOUDS.get(provider, provider), bare
    while True:
        if _BEDROCK.match(bare):
            yield "aws", bare
        maker, slash, rest = bare.partition("/")
        if not slash:
            break
        yield CLOUDS.get(maker, maker), rest
        bare = rest
    yield None, bare
    if claude := claude_name(bare):
        yield "anthropic", _claude(*claude)


def _claude(family: str, version: tuple[int, int]) -> str:
    """The name that Anthropic gives a model: the version stood in front of the family before 4."""
    number = "-".join(str(part) for part in version if part or part == version[0])
    return f"claude-{family}-{number}" if version >= (4, 0) else f"claude-{number}-{family}"

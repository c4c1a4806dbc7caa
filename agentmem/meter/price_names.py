"""Where to look for a model's price: clouds, gateways and clients call one model by many names."""

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from agentmem.kvcache.claude import claude_name

OWN_MACHINES = frozenset(
    {"scripted", "local", "ollama", "llama.cpp", "llamacpp", "vllm", "sglang", "lmcache", "lmstudio", "lm_studio"}
)
"""Providers without bills: the price of a model of the same name elsewhere does not count for them."""

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
        "z-ai": "zai",
    }
)
"""Names of providers that LangChain, LiteLLM and gateways use, as the price tables have them."""

MAKERS = (("glm-", "zai"),)
"""Makers of models that the tables find by the maker only, by the beginning of the model's name."""

_BEDROCK = re.compile(r"^(?:[a-z]{2,6}\.)?(?:anthropic|amazon|meta|mistral|cohere|deepseek|openai|qwen|moonshotai)\.")
_VARIANT = re.compile(r":(?:nitro|floor|online|beta|exacto|thinking)$")
"""Endings that OpenRouter allows after a name, without a price of their own."""


def places(provider: str, name: str) -> Iterator[tuple[str | None, str]]:
    """Pairs of provider and name to look up in the price tables, the most specific first.

    A provider of None means any maker of a model of that name. Engines on one's own machine give no pairs.
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
    yield from ((maker, bare) for start, maker in MAKERS if bare.lower().startswith(start))
    if claude := claude_name(bare):
        yield "anthropic", _claude(*claude)


def _claude(family: str, version: tuple[int, int]) -> str:
    """Anthropic's name for a model: before version 4, the version stood in front of the family."""
    number = "-".join(str(part) for part in version if part or part == version[0])
    return f"claude-{family}-{number}" if version >= (4, 0) else f"claude-{number}-{family}"

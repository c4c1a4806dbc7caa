"""Providers' cache rules as data: each row has a date and a source, and can be overridden.

`rules` finds the row of a provider that has one, `rules_for` a row for any model. `dataclasses.replace` overrides a
field. There is no money here: a row says what a cached token costs relative to a plain one, and prices come from the
price tables.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Literal

from agentmem.errors import ConfigError
from agentmem.kvcache.claude import CLAUDE, claude_name
from agentmem.types import Segment, Ttl

Matching = Literal["breakpoints", "blocks", "units", "slot"]
"""The ways of matching a request with the store. Each has its class in kvcache/simulated/simulators.py.

- breakpoints: at breakpoints only (Anthropic, OpenAI from 5.6)
- blocks: in blocks of so many tokens (OpenAI up to 5.5, vLLM, SGLang, LMCache)
- units: whole earlier prefixes (DeepSeek)
- slot: with the last request of the same slot, to the token (llama.cpp)
"""

Setting = Literal["speed", "web_search", "citations", "tool_choice", "images", "thinking", "effort"]
"""The parts of a request besides its prompt that a cache may depend on."""


TTLS: tuple[Ttl, ...] = ("5m", "1h")

ANYWHERE = 1_000_000
"""A lookback longer than any prompt."""

MAX_BREAKPOINTS = 4
"""The most breakpoints in one request, an automatic one included (Anthropic and OpenAI from 5.6, November 2026)."""

UNMARKABLE = frozenset({"thinking", "redacted_thinking"})
"""Types of blocks that cannot carry a breakpoint (Anthropic, November 2026)."""


@dataclass(frozen=True, slots=True)
class CacheRules:
    """The cache rules of one provider for one family of models.

    ``minimum``: tokens; a shorter prefix is silently not cached.
    ``lookback``: the positions at which each breakpoint is compared, its own included.
    ``lifetimes``: seconds from the start of the last request that used an entry.
    ``write``, ``read``: multiples of the price of a plain input token.
    ``invalidates``: the segment that each setting comes before in the key. A change loses that segment and all after.
    ``strips_thinking``: a user turn without tool results drops all earlier thinking, and the cache from there on.
    ``documented``: false for a cautious guess, if the provider says nothing of this model.
    ``automatic``: the end of the last user or tool message is a breakpoint too.
    ``block``: tokens that are matched at once.
    ``capacity``: tokens that fit in the store; the least recently used leave first.
    ``leaves``: tokens at a prompt's end that are processed even if stored.
    ``keeps_reply``: generated tokens are stored like those of the prompt.
    """

    provider: str
    family: str
    found: str
    source: str
    matching: Matching
    minimum: int
    lifetimes: Mapping[Ttl, float]
    write: Mapping[Ttl, float]
    read: float
    breakpoints: int
    lookback: int
    invalidates: Mapping[Setting, Segment] = field(default_factory=dict)
    strips_thinking: bool = False
    documented: bool = True
    automatic: bool = False
    block: int = 1
    capacity: int | None = None
    leaves: int = 0
    keeps_reply: bool = False

    def everlasting(self) -> "CacheRules":
        """The same rules with entries that never expire: the most that a cache could give."""
        return replace(self, lifetimes={"5m": math.inf, "1h": math.inf})


ANTHROPIC = CacheRules(
    provider="anthropic",
    family="claude",
    found="2026-11-23",
    source="https://platform.claude.com/docs/en/build-with-claude/prompt-caching",
    matching="breakpoints",
    minimum=1024,
    lifetimes=MappingProxyType({"5m": 300.0, "1h": 3600.0}),
    write=MappingProxyType({"5m": 1.25, "1h": 2.0}),
    read=0.1,
    breakpoints=MAX_BREAKPOINTS,
    lookback=20,
    invalidates=MappingProxyType(
        {
            "speed": "system",
            "web_search": "system",
            "citations": "system",
            "tool_choice": "message",
            "images": "message",
            "thinking": "message",
            "effort": "message",
        }
    ),
)
"""The row of Anthropic's API. Models differ from it only in the columns of CLAUDE."""


def rules(model: str, provider: str = "anthropic") -> CacheRules:
    """The cache rules of ``model`` as the provider names it, dates and cloud prefixes included.

    An unknown Claude model gets the general row, marked as not documented. Raises ConfigError for a provider without
    a row.
    """
    find = PROVIDERS.get(provider)
    if find is None:
        raise ConfigError(f"no cache rules for the provider {provider!r}; there are rules for {', '.join(PROVIDERS)}")
    return find(model)


def claude_rules(model: str) -> CacheRules:
    """Anthropic's row for one model."""
    name = claude_name(model)
    row = CLAUDE.get(name) if name else None
    if name is None or row is None:
        return replace(ANTHROPIC, family=model, documented=False)
    minimum, read, strips, documented = row
    family, (major, minor) = name
    return replace(
        ANTHROPIC,
        family=f"{family} {major}.{minor}" if minor else f"{family} {major}",
        minimum=minimum,
        read=read,
        strips_thinking=strips,
        documented=documented,
    )


def _always(lifetime: float, write: float = 1.0) -> dict[str, Any]:
    """Rules of a cache that has only one lifetime."""
    return {"lifetimes": dict.fromkeys(TTLS, lifetime), "write": dict.fromkeys(TTLS, write)}


GPT_AUTOMATIC = CacheRules(
    provider="openai",
    family="gpt up to 5.5",
    found="2026-11-23",
    source="https://developers.openai.com/api/docs/guides/prompt-caching",
    matching="blocks",
    minimum=1024,
    read=0.1,
    breakpoints=0,
    lookback=0,
    block=128,
    **_always(300.0),
)
"""Any prefix from 1024 tokens, in steps of 128, without marks. Unused entries live 5 to 10 minutes; 5 are assumed."""

GPT_BREAKPOINTS = CacheRules(
    provider="openai",
    family="gpt from 5.6",
    found="2026-11-23",
    source="https://developers.openai.com/api/docs/guides/prompt-caching",
    matching="breakpoints",
    minimum=1024,
    read=0.1,
    breakpoints=MAX_BREAKPOINTS,
    lookback=ANYWHERE,
    automatic=True,
    **_always(1800.0, 1.25),
)
"""At breakpoints: the automatic one and the request's latest three. They match however far back they are."""

DEEPSEEK = CacheRules(
    provider="deepseek",
    family="deepseek",
    found="2026-11-23",
    source="https://api-docs.deepseek.com/guides/kv_cache",
    matching="units",
    minimum=0,
    read=0.1,
    breakpoints=0,
    lookback=0,
    keeps_reply=True,
    **_always(4 * 3600.0),
)
"""Whole prefixes: the end of each input and each output, and the part that two requests share. They live some hours to
some days; the lower end is assumed. Units at fixed intervals in long inputs are left out: the interval is not
documented. Prices differ by model and come from the price tables."""

VLLM = CacheRules(
    provider="vllm",
    family="vllm",
    found="2026-11-23",
    source="https://docs.vllm.ai/en/latest/design/prefix_caching.html",
    matching="blocks",
    minimum=0,
    read=0.0,
    breakpoints=0,
    lookback=0,
    block=16,
    leaves=1,
    keeps_reply=True,
    **_always(math.inf),
)
"""Full blocks of 16 tokens, hashed in a chain, until the memory is needed. Give ``capacity`` to limit it."""

SGLANG = replace(VLLM, provider="sglang", family="sglang", source="https://docs.sglang.ai", block=1)
"""A radix tree: matched to the token."""

LMCACHE = replace(VLLM, provider="lmcache", family="lmcache", source="https://docs.lmcache.ai", block=256)
"""Chunks of 256 tokens."""

LLAMA_CPP = replace(
    VLLM,
    provider="llama.cpp",
    family="llama.cpp",
    source="https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md",
    matching="slot",
    block=1,
)
"""The prefix that a slot's last request shares with this one, to the token."""

_GPT = re.compile(r"gpt-(\d+)(?:\.(\d+))?")


def gpt_rules(model: str) -> CacheRules:
    """OpenAI's row for one model. Names without a version get the older rules."""
    match = _GPT.search(model)
    version = (int(match[1]), int(match[2] or 0)) if match else (0, 0)
    return replace(GPT_BREAKPOINTS if version >= (5, 6) else GPT_AUTOMATIC, documented=match is not None)


def _one(row: CacheRules) -> Callable[[str], CacheRules]:
    return lambda _model: row


PROVIDERS: Mapping[str, Callable[[str], CacheRules]] = MappingProxyType(
    {
        "anthropic": claude_rules,
        "openai": gpt_rules,
        "deepseek": _one(DEEPSEEK),
        "vllm": _one(VLLM),
        "sglang": _one(SGLANG),
        "lmcache": _one(LMCACHE),
        "llama.cpp": _one(LLAMA_CPP),
    }
)
"""The finder of each provider's row."""

UNKNOWN = replace(
    GPT_AUTOMATIC,
    provider="unknown",
    family="any other",
    source="none: the shortest lifetime that any provider documents",
    minimum=0,
    documented=False,
    lifetimes=ANTHROPIC.lifetimes,
)
"""The row for providers without a documented cache. It is cautious: if the cache lives longer, a pause is only used too
early."""

ALIASES: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("azure", "azure_openai", "azure_ai", "github-copilot", "openai_responses"), "openai"),
        **dict.fromkeys(("anthropic_foundry", "google_anthropic_vertex", "anthropic_bedrock"), "anthropic"),
        **dict.fromkeys(("local", "ollama", "llama_cpp", "llamacpp", "lmstudio", "lm_studio"), "llama.cpp"),
    }
)
"""Other names of providers, LangChain's among them, and the provider whose row applies."""

_BY_NAME: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"claude-"), "anthropic"),
    (re.compile(r"(?:^|[/.])(?:gpt-\d|o[134](?:-|$))"), "openai"),
)
"""The provider whose cache serves a model behind a cloud or gateway (bedrock, vertex, openrouter, litellm ...)."""

_SPEAKERS = frozenset({"anthropic", "openai"})
"""Providers whose APIs other servers also speak, so that any model may be behind these names."""


def rules_for(provider: str, model: str) -> CacheRules:
    """The cache rules of any model: by its provider, by an alias of it, by the model's name; else the row UNKNOWN."""
    known = ALIASES.get(provider, provider)
    if known in PROVIDERS and known not in _SPEAKERS:
        return rules(model, known)
    named = next((row for pattern, row in _BY_NAME if pattern.search(model)), known)
    return rules(model, named) if named in PROVIDERS else UNKNOWN


SHORTEST = min(min(row.lifetimes.values()) for row in (ANTHROPIC, GPT_AUTOMATIC, GPT_BREAKPOINTS, DEEPSEEK, UNKNOWN))
"""Seconds that an entry lives at least, with any provider."""

"""Providers' cache rules as data: dated, each with its source, and overridable.

`rules` finds the row of a provider that has one, `rules_for` that of any model; `dataclasses.replace` overrides any
field. Money is not here: a row's multipliers say what a cached token costs beside a plain one, and prices come from
the price tables. Lifetimes, limits and what cannot be marked stand here only.
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
"""How a request is matched with what is stored; each has its class in kvcache/simulators.py.

At breakpoints only (Anthropic, OpenAI from 5.6); in blocks of so many tokens (OpenAI up to 5.5, vLLM, SGLang, LMCache);
by whole earlier prefixes (DeepSeek); with the last request of the same slot, to the token (llama.cpp).
"""

Setting = Literal["speed", "web_search", "citations", "tool_choice", "images", "thinking", "effort"]
"""What a request carries beside its prompt and a cache may depend on."""


TTLS: tuple[Ttl, ...] = ("5m", "1h")

ANYWHERE = 1_000_000
"""A lookback beyond any prompt."""

MAX_BREAKPOINTS = 4
"""Breakpoints in one request, an automatic one included (Anthropic and OpenAI from 5.6, November 2026)."""

UNMARKABLE = frozenset({"thinking", "redacted_thinking"})
"""Types of blocks that cannot carry a breakpoint (Anthropic, November 2026)."""


@dataclass(frozen=True, slots=True)
class CacheRules:
    """How one provider caches one family of models.

    ``minimum`` is the tokens below which nothing is cached, silently. ``lookback`` counts the positions that each
    breakpoint is compared at, itself included. ``lifetimes`` are seconds from the start of the last request that
    used an entry. ``write`` and ``read`` are multiples of the price of a plain input token. ``invalidates`` says in
    front of which segment a setting stands in the key: a change loses that segment and all after it.
    ``strips_thinking``: a user turn without tool results drops all earlier thinking, and with it the cache from there.
    ``documented`` is false where the provider is silent on this model and the row is a cautious guess.
    ``automatic``: the end of the last user or tool message is a breakpoint too.
    ``block`` is the tokens that are matched at once, ``capacity`` the tokens that fit in the store, the least recently
    used leaving first, ``leaves`` the tokens at a prompt's end that are processed even if stored, and ``keeps_reply``
    says that generated tokens are stored like those of the prompt.
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
        """The same rules with entries that never expire: what a cache could give at best."""
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
"""The row of Anthropic's API that models differ from in the columns of CLAUDE only."""


def rules(model: str, provider: str = "anthropic") -> CacheRules:
    """The cache rules of ``model`` as the provider names it, dates and cloud prefixes included.

    A Claude model that the table does not know gets the general row, marked as not documented. Raises ConfigError
    for a provider without a row.
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
    """Rules of caches that know one lifetime only."""
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
"""Any prefix from 1024 tokens, in steps of 128, without asking. Unused entries live 5 to 10 minutes: the lower end."""

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
"""At breakpoints: the automatic one and the latest three of the request's own; matched however far back they are."""

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
"""Whole prefixes: the end of each input and of each output, and what two requests have in common. They live some hours
to some days: the lower end. Units at fixed intervals in long inputs are left out, their interval is not documented.
Prices differ by model: take them from the price tables."""

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
"""Full blocks of 16 tokens, hashed in a chain, until the memory is needed: give ``capacity``."""

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
"""What a slot's last request has in common with this one, to the token."""

_GPT = re.compile(r"gpt-(\d+)(?:\.(\d+))?")


def gpt_rules(model: str) -> CacheRules:
    """OpenAI's row for one model; names without a version get the older rules."""
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
"""How each provider's row is found."""

UNKNOWN = replace(
    GPT_AUTOMATIC,
    provider="unknown",
    family="any other",
    source="none: the shortest lifetime that any provider documents",
    minimum=0,
    documented=False,
    lifetimes=ANTHROPIC.lifetimes,
)
"""The row of providers that document no cache of their own, or none that we know. Cautious: a cache that lives longer
only makes a pause be used early."""

ALIASES: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("azure", "azure_openai", "azure_ai", "github-copilot", "openai_responses"), "openai"),
        **dict.fromkeys(("anthropic_foundry", "google_anthropic_vertex", "anthropic_bedrock"), "anthropic"),
        **dict.fromkeys(("local", "ollama", "llama_cpp", "llamacpp", "lmstudio", "lm_studio"), "llama.cpp"),
    }
)
"""Other names of providers, LangChain's among them, by whose row they are served."""

_BY_NAME: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"claude-"), "anthropic"),
    (re.compile(r"(?:^|[/.])(?:gpt-\d|o[134](?:-|$))"), "openai"),
)
"""Whose cache serves a model that a cloud or a gateway (bedrock, vertex, openrouter, litellm ...) passes on."""

_SPEAKERS = frozenset({"anthropic", "openai"})
"""Providers whose APIs other servers speak too: behind their names may stand anybody's model."""


def rules_for(provider: str, model: str) -> CacheRules:
    """The cache rules of any model, by its provider, by another name of it or by its own; else the row UNKNOWN."""
    known = ALIASES.get(provider, provider)
    if known in PROVIDERS and known not in _SPEAKERS:
        return rules(model, known)
    named = next((row for pattern, row in _BY_NAME if pattern.search(model)), known)
    return rules(model, named) if named in PROVIDERS else UNKNOWN


SHORTEST = min(min(row.lifetimes.values()) for row in (ANTHROPIC, GPT_AUTOMATIC, GPT_BREAKPOINTS, DEEPSEEK, UNKNOWN))
"""Seconds that an entry lives at the least, with whichever provider."""

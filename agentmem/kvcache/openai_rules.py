"""OpenAI's cache rules, as far as telling why a prefix was not read needs them."""

import re
from dataclasses import replace
from types import MappingProxyType

from agentmem.kvcache.rules import ANTHROPIC, CacheRules

ANYWHERE = 1_000_000
"""A lookback beyond any prompt: a stored prefix is found wherever it ends."""

AUTOMATIC = replace(
    ANTHROPIC,
    provider="openai",
    family="gpt up to 5.5",
    source="https://platform.openai.com/docs/guides/prompt-caching",
    lifetimes=MappingProxyType({"5m": 300.0, "1h": 3600.0}),
    write=MappingProxyType({"5m": 1.0, "1h": 1.0}),
    breakpoints=0,
    lookback=ANYWHERE,
)
"""Any prefix from 1024 tokens is stored, in steps of 128, without asking; entries live 5 to 10 minutes when unused."""

BREAKPOINTS = replace(
    AUTOMATIC,
    family="gpt from 5.6",
    lifetimes=MappingProxyType({"5m": 1800.0, "1h": 3600.0}),
    write=MappingProxyType({"5m": 1.25, "1h": 2.0}),
    breakpoints=4,
)
"""Stored at breakpoints only: an implicit one at the end, and those on input blocks; for 30 minutes."""

STEP = 128
"""Tokens in which automatic caching counts."""

_VERSION = re.compile(r"gpt-(\d+)(?:\.(\d+))?")


def openai_rules(model: str) -> CacheRules:
    """The row for one of OpenAI's models."""
    match = _VERSION.search(model)
    version = (int(match[1]), int(match[2] or 0)) if match else (0, 0)
    return replace(BREAKPOINTS if version >= (5, 6) else AUTOMATIC, family=model)

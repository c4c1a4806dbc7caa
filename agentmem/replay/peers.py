"""Others' context policies. Packages run as they ship: their own classes, on a recording, with a model that only says
how many tokens it takes and answers requests for summaries with `extractor.extract`. Observation masking is no package.

Packages need the extra `bench`; without it a peer's row says so. What each is made with is printed with its figures.
"""

from collections.abc import Mapping
from importlib.util import find_spec
from types import MappingProxyType

from agentmem.distribution import install
from agentmem.replay.masking import Masking
from agentmem.replay.policies import Maker, Policy, Terms

INSTALL = install("bench")

_NEEDS: Mapping[str, str] = MappingProxyType(
    {
        "langchain-summarization": "langchain",
        "langchain-context-editing": "langchain",
        "deepagents": "deepagents",
        "openhands": "openhands.sdk",
        "observation-masking": "agentmem",
    }
)
_HINTS: Mapping[str, str] = MappingProxyType(
    {"openhands": "its package openhands-sdk needs Python 3.12 or later, and is not run by this version"}
)


def missing(name: str) -> str | None:
    """What to do so that a peer can run; None where it can, or where ``name`` is no peer."""
    if name not in _NEEDS:
        return None
    if name in _HINTS:
        return _HINTS[name]
    try:
        found = find_spec(_NEEDS[name]) is not None
    except ModuleNotFoundError:
        found = False
    return None if found else f"not installed: {INSTALL}"


def _summarization(terms: Terms) -> Policy:
    from agentmem.replay.langchain_peers import Summarization

    return Summarization(terms)


def _context_editing(terms: Terms) -> Policy:
    from agentmem.replay.langchain_peers import ContextEditing

    return ContextEditing(terms)


def _deepagents(terms: Terms) -> Policy:
    from agentmem.replay.deepagents_peer import DeepAgents

    return DeepAgents(terms)


PEERS: Mapping[str, Maker] = MappingProxyType(
    {
        "observation-masking": Masking,
        "langchain-summarization": _summarization,
        "langchain-context-editing": _context_editing,
        "deepagents": _deepagents,
    }
)
"""The peers that can be run, by name."""

NAMES = tuple(_NEEDS)

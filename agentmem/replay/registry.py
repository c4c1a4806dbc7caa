"""Finds a replay policy by its name. A new one joins POLICIES (it only cuts), OURS or PEERS (other packages')."""

from collections.abc import Mapping
from types import MappingProxyType

from agentmem.errors import ConfigError
from agentmem.replay.ours import OURS
from agentmem.replay.peers import PEERS
from agentmem.replay.policies import POLICIES, Maker

EVERY: Mapping[str, Maker] = MappingProxyType({**POLICIES, **OURS, **PEERS})
"""The maker of each policy."""


def maker(name: str) -> Maker:
    """The maker of the policy of that name. Raises ConfigError, which names all policies."""
    found = EVERY.get(name)
    if found is None:
        raise ConfigError(f"there is no policy {name!r}; there are {', '.join(EVERY)}")
    return found

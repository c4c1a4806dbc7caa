"""Every policy that a replay knows, by its name: those that only cut, our own, and other packages'. Add one here."""

from collections.abc import Mapping
from types import MappingProxyType

from agentmem.errors import ConfigError
from agentmem.replay.ours import OURS
from agentmem.replay.peers import PEERS
from agentmem.replay.policies import POLICIES, Maker

EVERY: Mapping[str, Maker] = MappingProxyType({**POLICIES, **OURS, **PEERS})
"""What makes each policy."""


def maker(name: str) -> Maker:
    """What makes the policy of that name. Raises ConfigError, naming those there are."""
    found = EVERY.get(name)
    if found is None:
        raise ConfigError(f"there is no policy {name!r}; there are {', '.join(EVERY)}")
    return found

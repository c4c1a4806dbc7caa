"""Claude models by name: the values in which their caches differ. rules.py has their date and source."""

import re
from collections.abc import Mapping
from types import MappingProxyType

Version = tuple[int, int]

# family, version: minimum tokens, read multiplier, strips thinking, documented
CLAUDE: Mapping[tuple[str, Version], tuple[int, float, bool, bool]] = MappingProxyType(
    {
        ("opus", (5, 5)): (1024, 0.05, False, False),
        ("opus", (5, 0)): (512, 0.1, False, True),
        ("opus", (4, 8)): (1024, 0.1, False, True),
        ("opus", (4, 7)): (2048, 0.1, False, True),
        ("opus", (4, 6)): (4096, 0.1, False, True),
        ("opus", (4, 5)): (4096, 0.1, False, True),
        ("opus", (4, 1)): (1024, 0.1, True, True),
        ("opus", (4, 0)): (1024, 0.1, True, True),
        ("sonnet", (5, 5)): (1024, 0.05, False, False),
        ("sonnet", (5, 0)): (1024, 0.1, False, True),
        ("sonnet", (4, 6)): (1024, 0.1, False, True),
        ("sonnet", (4, 5)): (1024, 0.1, True, True),
        ("sonnet", (4, 0)): (1024, 0.1, True, True),
        ("sonnet", (3, 7)): (1024, 0.1, True, True),
        ("haiku", (5, 5)): (1024, 0.1, False, False),
        ("haiku", (4, 5)): (4096, 0.1, True, True),
        ("haiku", (3, 5)): (2048, 0.1, True, True),
        ("haiku", (3, 0)): (2048, 0.1, True, True),
        ("fable", (5, 2)): (1024, 0.025, False, False),
        ("fable", (5, 1)): (512, 0.025, False, True),
        ("fable", (5, 0)): (512, 0.1, False, True),
        ("mythos", (5, 2)): (1024, 0.1, False, False),
        ("mythos", (5, 1)): (512, 0.1, False, True),
        ("mythos", (5, 0)): (512, 0.1, False, True),
    }
)
"""The values in which Claude models differ. A minimum that is not documented is guessed high."""

_NEW_NAME = re.compile(r"claude-(?P<family>[a-z]+)-(?P<major>\d{1,2})(?:[-.](?P<minor>\d{1,2}))?(?!\d)")
_OLD_NAME = re.compile(r"claude-(?P<major>\d)(?:[-.](?P<minor>\d))?-(?P<family>[a-z]+)")


def claude_name(model: str) -> tuple[str, Version] | None:
    """Family and version of a Claude model: ``claude-opus-4-5-20251101`` is ("opus", (4, 5)). Else None."""
    match = _NEW_NAME.search(model) or _OLD_NAME.search(model)
    return (match["family"], (int(match["major"]), int(match["minor"] or 0))) if match else None

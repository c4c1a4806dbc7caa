"""Which block of a request a provider's error names: "messages.7.content.2: ...", "messages.[3].content[1]" ..."""

import re

from agentmem.errors import BlockPlace

_BETWEEN = r"[\s.,\[\]'\"()>-]*"
_PLACE = re.compile(
    rf"\bmessages[\s'\"]*(?=[.,\[>-]){_BETWEEN}(\d+)"
    rf"(?:{_BETWEEN}(?:user|assistant|tool)?{_BETWEEN}content{_BETWEEN}(\d+)"
    rf"(?:{_BETWEEN}(?:tool_result)?{_BETWEEN}content{_BETWEEN}(\d+))?)?"
)


def place_of(said: str) -> BlockPlace | None:
    """The first place that the words of an error name: of Anthropic's, OpenAI's and pydantic's ways to write one."""
    found = _PLACE.search(said)
    if found is None:
        return None
    message, block, inner = found.groups()
    return BlockPlace(int(message), int(block) if block else None, int(inner) if inner else None)

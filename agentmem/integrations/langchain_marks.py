"""The four cache slots of a LangChain agent's request: whose marks go out, in which provider's form.

One owner places them, by the rules of `kvcache.breakpoints`: the end of the head, of this request and of the one
before. Marks of other middlewares are taken off. Content goes out in one form, with a mark or without: a mark that
turned a text into a list would break the prefix that it is to keep.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from langchain.agents.middleware.types import ModelRequest
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import BaseTool

from agentmem.integrations.langchain_prefix import is_claude
from agentmem.kvcache.rules import GPT_BREAKPOINTS, UNMARKABLE, rules_for
from agentmem.types import ModelProfile, Ttl

Block = dict[str, Any]
KEYS = ("cache_control", "prompt_cache_breakpoint")
"""The keys of blocks that are marks."""


@dataclass(frozen=True, slots=True)
class Marker:
    """How one kind of provider is told where to cache.

    ``holds`` says if a model is of the kind. ``mark`` gives a list of blocks with a mark behind its last block.
    ``settings`` are settings that each request of a conversation carries, by its name. ``carries`` says if a message,
    by its place in a request, can have a mark.
    """

    name: str
    holds: Callable[[Any, ModelProfile], bool]
    mark: Callable[[Sequence[Block], Ttl], list[Block]]
    settings: Callable[[str], Mapping[str, Any]] = lambda conversation: {}
    carries: Callable[[Sequence[AnyMessage], int], bool] = lambda messages, place: True


def _anthropic(blocks: Sequence[Block], ttl: Ttl) -> list[Block]:
    return _on_last(blocks, "cache_control", {"type": "ephemeral", "ttl": ttl})


def _openai(blocks: Sequence[Block], ttl: Ttl) -> list[Block]:
    return _on_last(blocks, "prompt_cache_breakpoint", {"mode": "explicit"})


def _converse(blocks: Sequence[Block], ttl: Ttl) -> list[Block]:
    return [*blocks, {"cachePoint": {"type": "default"}}] if blocks else []


def _on_last(blocks: Sequence[Block], key: str, value: Mapping[str, Any]) -> list[Block]:
    made = list(blocks)
    places = (at for at in range(len(made) - 1, -1, -1) if _markable(made[at]))
    place = next(places, None)
    if place is not None:
        made[place] = {**made[place], key: dict(value)}
    return made


def _markable(block: Block) -> bool:
    return block.get("type") not in UNMARKABLE and not (block.get("type") == "text" and not block.get("text"))


def _is_converse(family: str) -> Callable[[Any, ModelProfile], bool]:
    def holds(model: Any, profile: ModelProfile) -> bool:
        named = any(each.__name__ == "ChatBedrockConverse" for each in type(model).__mro__)
        return named and family in profile.name

    return holds


def _without_results(messages: Sequence[AnyMessage], place: int) -> bool:
    """True for a message of a person that the provider's form does not join to results before it."""
    before = (one for one in reversed(messages[:place]) if not isinstance(one, HumanMessage))
    return isinstance(messages[place], HumanMessage) and not isinstance(next(before, None), ToolMessage)


def _has_breakpoints(model: Any, profile: ModelProfile) -> bool:
    """True for OpenAI's own models from 5.6 on; a server that only speaks its API may refuse the fields."""
    found = rules_for(profile.provider, profile.name)
    return found.documented and found.family == GPT_BREAKPOINTS.family and found.matching == "breakpoints"


def _key(conversation: str) -> Mapping[str, Any]:
    return {"prompt_cache_key": f"agentmem-{sha256(conversation.encode()).hexdigest()[:16]}"}


MARKERS: tuple[Marker, ...] = (
    Marker("anthropic", lambda model, profile: is_claude(model), _anthropic),
    Marker("bedrock-converse", _is_converse("claude"), _converse),
    Marker("bedrock-converse-nova", _is_converse("nova"), _converse, carries=_without_results),
    Marker("openai", _has_breakpoints, _openai, _key),
)
"""The kinds of providers that take marks. The first that holds is used; other providers get none. Nova refuses a mark
in a message with a call or a result."""


def marker_of(model: Any, profile: ModelProfile) -> Marker | None:
    """The marker for a model; None if its provider caches by itself, or not at all."""
    return next((one for one in MARKERS if one.holds(model, profile)), None)


def formed(message: AnyMessage) -> AnyMessage:
    """A message in the one form that it always goes out in: blocks, without anybody's marks.

    A model's reply stays as it is, unless somebody marked it.
    """
    content = message.content
    if isinstance(message, AIMessage):
        marked = isinstance(content, list) and any(_is_marked(one) for one in content)
        return _with(message, blocks(content)) if marked else message
    return _with(message, blocks(content)) if content else message


def blocks(content: str | Sequence[str | Mapping[str, Any]]) -> list[Block]:
    """A content as blocks, without marks. Bedrock's cache points, which are blocks, are left out."""
    parts = [content] if isinstance(content, str) else content
    whole = [{"type": "text", "text": one} if isinstance(one, str) else dict(one) for one in parts]
    return [{key: value for key, value in one.items() if key not in KEYS} for one in whole if "cachePoint" not in one]


def _is_marked(part: str | Mapping[str, Any]) -> bool:
    return not isinstance(part, str) and (any(key in part for key in KEYS) or "cachePoint" in part)


def _with(message: AnyMessage, content: list[Block]) -> AnyMessage:
    return message.model_copy(update={"content": content})


def mark_at(messages: list[AnyMessage], place: int, marker: Marker, ttl: Ttl) -> None:
    """Marks the end of one of a request's formed messages, if its provider allows a mark there."""
    if marker.carries(messages, place):
        messages[place] = marked(messages[place], marker, ttl)


def marked(message: AnyMessage, marker: Marker, ttl: Ttl) -> AnyMessage:
    """A formed message with a mark on its end. One without a block that can carry it stays as it is."""
    content = message.content
    return _with(message, marker.mark(blocks(content), ttl)) if isinstance(content, list) and content else message


def marked_head(request: ModelRequest[Any], marker: Marker | None, ttl: Ttl, conversation: str) -> dict[str, Any]:
    """The overrides of a request's head: one mark at its end, and none of others."""
    system, tools = request.system_message, [_bare(tool) for tool in request.tools]
    settings = {key: value for key, value in request.model_settings.items() if key != "cache_control"}
    changed: dict[str, Any] = {}
    if system is not None and marker:
        changed["system_message"] = _marked_system(system, marker, ttl)
    elif tools and marker and marker.name == "anthropic" and isinstance(tools[-1], BaseTool):
        mark = {"type": "ephemeral", "ttl": ttl}
        tools[-1] = tools[-1].model_copy(update={"extras": {**(tools[-1].extras or {}), "cache_control": mark}})
    if marker:
        settings = {**marker.settings(conversation), **settings}
    if any(one is not other for one, other in zip(tools, request.tools, strict=True)):
        changed["tools"] = tools
    if settings != request.model_settings:
        changed["model_settings"] = settings
    return changed


def _marked_system(system: SystemMessage, marker: Marker, ttl: Ttl) -> SystemMessage:
    return system.model_copy(update={"content": marker.mark(blocks(system.content), ttl)}) if system.content else system


def _bare(tool: BaseTool | dict[str, Any]) -> BaseTool | dict[str, Any]:
    """A tool without a mark."""
    if isinstance(tool, dict):
        return {key: value for key, value in tool.items() if key not in KEYS} if set(KEYS) & tool.keys() else tool
    extras = tool.extras or {}
    if "cache_control" not in extras:
        return tool
    return tool.model_copy(update={"extras": {key: value for key, value in extras.items() if key not in KEYS}})

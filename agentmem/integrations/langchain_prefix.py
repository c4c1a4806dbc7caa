"""What stands before a LangChain agent's messages: model, tools, system and settings, as frames of the cache's key."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from langchain.agents.middleware.types import ModelRequest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import SystemMessage
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool

from agentmem.context.window import View
from agentmem.kvcache.frames import canonical, encode, frame
from agentmem.models.langchain import chat_profile
from agentmem.models.langchain_blocks import content_blocks
from agentmem.types import Frame, Json, ModelProfile

_MARKS = frozenset({"cache_control", "prompt_cache_key", "prompt_cache_options", "prompt_cache_breakpoint"})
"""Settings that steer a cache and are not part of its key."""


@dataclass(frozen=True, slots=True)
class Prefix:
    """The frames before the messages, and what they come to. ``native``: the model takes Anthropic's own blocks."""

    profile: ModelProfile
    native: bool
    frames: tuple[Frame, ...]
    tools: int
    system: int
    tokens: int
    size: int
    digest: str

    def before(self, view: View) -> View:
        """The view of a conversation with this prefix before it."""
        if not view.turns:
            return view
        digest = sha256(f"{self.digest} {view.digest}".encode()).hexdigest()
        tokens, size = view.tokens + self.tokens, view.size + self.size
        return view._replace(prefix=self.frames, tokens=tokens, size=size, digest=digest)


class Prefixes:
    """Makes the prefixes of requests, and keeps the last one, since most requests have the same."""

    def __init__(self) -> None:
        self._known: tuple[tuple[object, ...], Prefix] | None = None

    def of(self, request: ModelRequest[Any]) -> Prefix:
        """The prefix of a request."""
        known = self._known
        given = (request.model, request.system_message, request.tool_choice, *request.tools)
        settings = {key: value for key, value in request.model_settings.items() if key not in _MARKS}
        if known and len(known[0]) == len(given) + 1 and known[0][0] == settings and _same(known[0][1:], given):
            return known[1]
        made = _prefix(request, settings)
        self._known = ((settings, *given), made)
        return made


def _same(known: Sequence[object], given: Sequence[object]) -> bool:
    return all(map(_is, known, given))


def _is(one: object, other: object) -> bool:
    return one is other


def _prefix(request: ModelRequest[Any], settings: Mapping[str, Any]) -> Prefix:
    profile = chat_profile(request.model)
    tools = [frame("tool", tool_value(one)) for one in request.tools]
    system = [frame("system", block) for block in system_values(request.system_message)]
    options = frame("options", options_value(request.tool_choice, settings))
    frames = (frame("model", {"model": profile.name}), *tools, *system, options)
    encoded = b"".join(map(encode, frames))
    return Prefix(
        profile=profile,
        native=is_claude(request.model),
        frames=frames,
        tools=len(tools),
        system=len(system),
        tokens=sum(one.tokens for one in frames),
        size=len(encoded),
        digest=sha256(encoded).hexdigest(),
    )


def tool_value(tool: BaseTool | dict[str, Any]) -> Json:
    """A tool's definition in Anthropic's form; a provider's own tool stays as it is."""
    if isinstance(tool, dict) and "function" not in tool:
        return {key: value for key, value in tool.items() if key not in _MARKS}
    function = convert_to_openai_tool(tool)["function"]
    schema = function.get("parameters", {})
    return {"name": function["name"], "description": function.get("description", ""), "input_schema": schema}


def system_values(message: SystemMessage | None) -> list[dict[str, Any]]:
    """The blocks of the system prompt, without marks."""
    return [block.wire() for block in content_blocks(message.content)] if message else []


def options_value(tool_choice: object, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a request as JSON. What is no JSON counts by its text."""
    given = {**({"tool_choice": tool_choice} if tool_choice is not None else {}), **settings}
    return {name: _plain(value) for name, value in sorted(given.items())}


def _plain(value: object) -> Any:
    try:
        canonical(value)
    except (TypeError, ValueError):
        return repr(value)
    return value


def is_claude(model: BaseChatModel) -> bool:
    """True if the model's class takes Anthropic's own blocks."""
    return any(each.__name__ == "ChatAnthropic" for each in type(model).__mro__)

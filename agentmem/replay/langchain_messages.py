"""Frames as LangChain's messages and back, so that other packages' policies can work on a recording."""

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import count, groupby
from typing import Any

from langchain_core.messages import AIMessage, AnyMessage, BaseMessage, HumanMessage, ToolMessage

from agentmem.kvcache.frames import frame
from agentmem.types import Frame, Role


class Translator:
    """Gives messages ids, and knows the frames of each in every version it has seen."""

    def __init__(self) -> None:
        self._numbers = count(1)
        self._versions: dict[str, list[tuple[BaseMessage, tuple[Frame, ...]]]] = {}
        self.tools: dict[str, str] = {}

    def arrived(self, frames: Iterable[Frame]) -> list[AnyMessage]:
        """Results as one message each, everything else that follows each other as one message."""
        messages: list[AnyMessage] = []
        for result, group in groupby(frames, key=lambda one: one.value.get("type") == "tool_result"):
            if result:
                messages += [self._known(self._result(one), (one,)) for one in group]
            else:
                said = tuple(group)
                content = [_block(one) for one in said]
                messages.append(self._known(HumanMessage(content=content, id=self._id()), said))
        return messages

    def reply(self, frames: Sequence[Frame], **fields: Any) -> AIMessage:
        """A reply as one message."""
        calls = [one.value for one in frames if one.value.get("type") == "tool_use"]
        self.tools.update({call["id"]: call["name"] for call in calls})
        message = AIMessage(
            content=[_block(one) for one in frames if one.value.get("type") != "tool_use"],
            tool_calls=[{"name": call["name"], "args": dict(call["input"]), "id": call["id"]} for call in calls],
            id=self._id(),
            **fields,
        )
        self._known(message, tuple(frames))
        return message

    def frames(self, messages: Iterable[BaseMessage]) -> Iterator[Frame]:
        """The frames that a provider would get for ``messages``."""
        for message in messages:
            versions = self._versions.setdefault(message.id, []) if message.id else []
            found = next((frames for known, frames in versions if _same(known, message)), None)
            if found is None:
                found = tuple(_made(message))
                versions.append((message, found))
            yield from found

    def _result(self, one: Frame) -> ToolMessage:
        identity, content = str(one.value["tool_use_id"]), one.value.get("content", "")
        plain: Any = content if isinstance(content, str) else [dict(part) for part in content]
        name = self.tools.get(identity, "tool")
        return ToolMessage(content=plain, tool_call_id=identity, name=name, id=self._id())

    def _known(self, message: Any, frames: tuple[Frame, ...]) -> Any:
        self._versions[message.id] = [(message, frames)]
        return message

    def _id(self) -> str:
        return f"m{next(self._numbers)}"


def _block(one: Frame) -> Any:
    return dict(one.value)


def _same(known: BaseMessage, message: BaseMessage) -> bool:
    if known is message:
        return True
    calls = getattr(known, "tool_calls", None) == getattr(message, "tool_calls", None)
    return known.content == message.content and calls


def _made(message: BaseMessage) -> Iterator[Frame]:
    """The frames of a message that a policy wrote or changed."""
    if isinstance(message, ToolMessage):
        value = {"type": "tool_result", "tool_use_id": message.tool_call_id, "content": message.content}
        yield frame("message", value, "user")
        return
    role: Role = "assistant" if isinstance(message, AIMessage) else "user"
    for part in [message.content] if isinstance(message.content, str) else message.content:
        block = {"type": "text", "text": part} if isinstance(part, str) else part
        if block.get("type") != "text" or block["text"]:
            yield frame("message", block, role)
    for call in getattr(message, "tool_calls", ()):
        value = {"type": "tool_use", "id": call["id"], "name": call["name"], "input": call["args"]}
        yield frame("message", value, "assistant")


def words(messages: Iterable[BaseMessage]) -> Iterator[str]:
    """The text of each message, with the arguments of its calls."""
    for message in messages:
        calls = getattr(message, "tool_calls", ())
        yield "\n".join([message.text, *(json.dumps(call["args"], ensure_ascii=False) for call in calls)])

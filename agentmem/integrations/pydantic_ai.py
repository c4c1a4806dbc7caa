"""The same context under a pydantic-ai agent: a capability that decides what each request shows of the history.

    agent = Agent(model, tools=[...], capabilities=[ContextCapability(budget=120_000)])

The history stays whole: `result.all_messages()` has every message, and the cuts in the metadata of the requests that
they follow. So a run that goes on from a stored history sends what the first one would.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import is_
from typing import Any

from pydantic_ai import RunContext
from pydantic_ai.capabilities import AbstractCapability
from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelResponse,
    RetryPromptPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.models import ModelRequestContext
from pydantic_ai.toolsets import FunctionToolset

from agentmem.checking import COUNT, among, check_settings
from agentmem.compaction.conversation import THREAD, FoldedConversation, ShownMessage
from agentmem.compaction.summarizing import SummaryAnswer, SummaryQuestion, drive_async
from agentmem.compaction.when import Compaction, Quality, check_room, due, room_behind
from agentmem.context.offload import Offload
from agentmem.context.view import View
from agentmem.errors import UnknownReference
from agentmem.kvcache.frames import canonical
from agentmem.menu.builtin import recalled
from agentmem.recall.recall import JournalRecall
from agentmem.tokens import value_tokens
from agentmem.transcript.transcript import Opening, call_arguments
from agentmem.types import Block, Draft, Message, Opaque, Text, ToolCall, ToolResult

CUT = "agentmem_cut"
"""The key of a cut in a request's metadata."""
NO_ROOM = (
    "a budget of {budget:,} tokens leaves no room to work: tools and instructions take {prefix:,}. Raise the budget of "
    "ContextCapability to {needed:,} or more, or give fewer tools"
)


@dataclass
class ContextCapability(AbstractCapability[Any]):
    """Keeps what is sent below ``budget`` tokens; ``quality`` as in `Compaction`. Give one to each agent.

    Raises ConfigError for a budget in which there is no room to work.
    """

    budget: int = 120_000
    quality: Quality = 2
    _known: tuple[list[ModelMessage], FoldedConversation[Any]] | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        given = {"budget": self.budget, "quality": self.quality}
        check_settings("ContextCapability", given, {"budget": COUNT, "quality": among(1, 2, 3)})

    async def prepare_model_request(
        self, ctx: RunContext[Any], request_context: ModelRequestContext
    ) -> ModelRequestContext:
        """pydantic-ai's hook for compaction: what goes out changes, the history does not."""
        settings, head = Compaction(self.quality), _head(request_context)
        check_room(NO_ROOM, head, 0, settings, self.budget)
        talk = self._talk(request_context.messages, room_behind(head, settings, self.budget))
        reason = due(talk.state(settings, self.budget, None, head))
        in_text = request_context.model_request_parameters.allow_text_output
        steps = talk.compacting(reason, settings, self.budget, ask=in_text)
        decided = await drive_async(steps, _asking(talk, request_context))
        if decided is not None:
            last = next(one for one in reversed(ctx.messages) if isinstance(one, ModelRequest))
            last.metadata = {**(last.metadata or {}), CUT: decided.draft.data.decode()}
        self._known = list(request_context.messages), talk
        return replace(request_context, messages=shown(talk, talk.ready()))

    def get_toolset(self) -> FunctionToolset[Any]:
        """The tool `recall`."""
        return FunctionToolset([self.recall])

    def _talk(self, messages: Sequence[ModelMessage], room: int) -> FoldedConversation[Any]:
        """The conversation of a history: the last one, if it goes on, else folded from the start."""
        known, self._known = self._known, None
        if known and len(known[0]) <= len(messages) and all(map(is_, known[0], messages)):
            return folded(messages[len(known[0]) :], room, known[1])
        return folded(messages, room, _begun(self.budget))

    def recall(self, ctx: RunContext[Any], what: str, part: int = 1) -> str:
        """Brings back what was said or seen earlier and is no longer in view: by a reference, or by a few words."""
        talk = folded(ctx.messages, 0, _begun(self.budget))
        try:
            found = recalled(what, THREAD, JournalRecall(talk.journal, THREAD), part)
        except UnknownReference as error:
            return error.sentence
        finally:
            talk.close()
        return found if isinstance(found, str) else "\n\n".join(one.text for one in found if isinstance(one, Text))


def _head(context: ModelRequestContext) -> int:
    """The tokens of instructions and tools."""
    parameters = context.model_request_parameters
    said: list[Any] = [{"type": "text", "text": one.content} for one in parameters.instruction_parts or ()]
    tools = [{"name": one.name, "description": one.description, "input_schema": one.parameters_json_schema}
             for one in parameters.function_tools]  # fmt: skip
    return sum(map(value_tokens, (*said, *tools)))


def _asking(
    talk: FoldedConversation[Any], context: ModelRequestContext
) -> Callable[[SummaryQuestion], Awaitable[SummaryAnswer | None]]:
    async def ask(question: SummaryQuestion) -> SummaryAnswer | None:
        sent = shown(talk, question.view)
        said = await context.model.request(sent, context.model_settings, context.model_request_parameters)
        called = any(isinstance(one, ToolCallPart) for one in said.parts)
        return SummaryAnswer("\n\n".join(one.content for one in said.parts if isinstance(one, TextPart)), called)

    return ask


def _begun(budget: int) -> FoldedConversation[Any]:
    return FoldedConversation(Opening("pydantic-ai"), Offload().sized(budget), frozenset({"recall"}))


def folded(messages: Sequence[ModelMessage], room: int, talk: FoldedConversation[Any]) -> FoldedConversation[Any]:
    """A conversation with more messages of its history, and the cuts that their metadata has."""
    for message in messages:
        if isinstance(message, ModelResponse):
            talk.reply(Message("assistant", tuple(_reply_blocks(message))), message)
            continue
        for part in message.parts:
            _take(talk, part, room)
        if cut := (message.metadata or {}).get(CUT):
            talk.append(Draft("compaction", str(cut).encode()))
    return talk


def _take(talk: FoldedConversation[Any], part: Any, room: int) -> None:
    if isinstance(part, ToolReturnPart) or (isinstance(part, RetryPromptPart) and part.tool_name):
        text = part.model_response_str() if isinstance(part, ToolReturnPart) else part.model_response()
        failed = isinstance(part, RetryPromptPart)
        talk.result(ToolResult(part.tool_call_id, (Text(text),) if text else (), failed), room, part)
    elif isinstance(part, UserPromptPart):
        talk.say(tuple(_said(part.content)), part)
    else:
        text = part.content if isinstance(part.content, str) else part.model_response()
        talk.note(part.part_kind, text, part)


def _said(content: Any) -> Iterator[Block]:
    for one in (content,) if isinstance(content, str) else content:
        yield (
            Text(one)
            if isinstance(one, str)
            else Opaque(canonical({"type": "media", "what": repr(one)[:200]}).decode())
        )


def _reply_blocks(message: ModelResponse) -> Iterator[Block]:
    for part in message.parts:
        if isinstance(part, TextPart):
            yield from (Text(part.content),) if part.content else ()
        elif isinstance(part, ToolCallPart):
            yield ToolCall(part.tool_call_id, part.tool_name, call_arguments(part.args_as_json_str()))
        elif isinstance(part, ThinkingPart):
            yield Opaque(canonical({"type": "thinking", "thinking": part.content}).decode())


def shown(talk: FoldedConversation[Any], view: View) -> list[ModelMessage]:
    """The messages of a view: the history's own where they are shown as they were said."""
    made: list[ModelMessage] = []
    for one in talk.shown(view):
        if one.role == "assistant":
            made.append(_response(one))
        elif made and isinstance(made[-1], ModelRequest):
            made[-1] = replace(made[-1], parts=[*made[-1].parts, *_parts(one)])
        else:
            made.append(ModelRequest(list(_parts(one))))
    return made


def _response(one: ShownMessage[Any]) -> ModelResponse:
    source = one.source
    assert isinstance(source, ModelResponse)
    if one.whole:
        return source
    ids = iter([frame.value["id"] for frame in one.frames if frame.value["type"] == "tool_use"])
    parts = [replace(part, tool_call_id=next(ids)) if isinstance(part, ToolCallPart) else part for part in source.parts]
    return replace(source, parts=parts)


def _parts(one: ShownMessage[Any]) -> Iterator[Any]:
    if one.source is not None and one.whole:
        yield one.source
        return
    for frame in one.frames:
        value: Mapping[str, Any] = frame.value
        if value["type"] == "tool_result":
            text = "\n\n".join(part.get("text", "") for part in value["content"])
            name = getattr(one.source, "tool_name", None) or "tool"
            yield ToolReturnPart(name, text, value["tool_use_id"])
        else:
            yield UserPromptPart(str(value.get("text", "")))

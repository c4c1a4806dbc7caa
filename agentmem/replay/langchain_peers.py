"""LangChain's SummarizationMiddleware and ContextEditingMiddleware, driven as `create_agent` drives them."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.metadata import version
from itertools import count, groupby
from typing import Any

from langchain.agents.middleware import ClearToolUsesEdit, ContextEditingMiddleware, SummarizationMiddleware
from langchain.agents.middleware.types import AgentMiddleware, ModelRequest, ModelResponse
from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AnyMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langgraph.graph.message import add_messages
from langgraph.runtime import Runtime
from pydantic import PrivateAttr

from agentmem.kvcache.frames import frame
from agentmem.models.langchain_blocks import message_blocks
from agentmem.replay.extractor import extract
from agentmem.replay.layout import Strip
from agentmem.replay.needed import NeededEvent
from agentmem.replay.policies import Arrival, Sent, Terms
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
    """The frames of a message that a policy wrote or changed. A result's plain text goes out as it is."""
    if isinstance(message, ToolMessage) and isinstance(message.content, str):
        value = {"type": "tool_result", "tool_use_id": message.tool_call_id, "content": message.content}
        yield frame("message", value, "user")
        return
    role: Role = "assistant" if isinstance(message, AIMessage) else "user"
    for block in message_blocks(message):
        yield frame("message", block.wire(), role)


def words(messages: Iterable[BaseMessage]) -> Iterator[str]:
    """The text of each message, with the arguments of its calls."""
    for message in messages:
        calls = getattr(message, "tool_calls", ())
        yield "\n".join([message.text, *(json.dumps(call["args"], ensure_ascii=False) for call in calls)])


TRIGGER = 0.85
"""The share of the budget at which a peer is told to act: what deepagents ships with."""
PROVIDER = "extractor"


class ExtractingModel(BaseChatModel):
    """A chat model whose answer is an extract of what it is asked; it keeps the requests until they are `taken`."""

    _asked: list[tuple[list[BaseMessage], str]] = PrivateAttr(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return PROVIDER

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> Any:
        return {**super()._get_ls_params(stop, **kwargs), "ls_provider": PROVIDER}

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        summary = extract(words(messages))
        self._asked.append((list(messages), summary))
        return ChatResult(generations=[ChatGeneration(message=AIMessage(summary))])

    def taken(self) -> list[tuple[list[BaseMessage], str]]:
        """The requests since the last time, each with its answer."""
        asked, self._asked = self._asked, []
        return asked


class Peer:
    """What the peers have in common: an agent's state, a model, and what was sent last."""

    def __init__(self, terms: Terms, package: str, settings: Mapping[str, Any]) -> None:
        self.settings: Mapping[str, Any] = {"package": f"{package} {version(package)}", **settings}
        self.model = model(terms)
        self.translator = Translator()
        self.state: dict[str, Any] = {"messages": []}
        self.cut = False
        self._reminders = Strip(terms.opening.reminders)
        self._opening = terms.opening.tokens
        self._strip = Strip()

    def send(self, arrival: Arrival) -> Sequence[Sent]:
        """Let the middleware see the state, and give what it would send."""
        self.arrive(self.translator.arrived(arrival.frames))
        self.cut = False
        messages = self.request()
        summaries = [self._summary(*asked) for asked in self.model.taken()]
        self._show(list(self.translator.frames(messages)))
        return (*summaries, Sent((self._reminders.run(), self._strip.run()), cut=self.cut))

    def reply(self, frames: Sequence[Frame]) -> None:
        """The answer joins the state, with the usage that a provider reports."""
        sent = self._opening + self._strip.tokens[-1]
        output = sum(one.tokens for one in frames)
        used = {"input_tokens": sent, "output_tokens": output, "total_tokens": sent + output}
        metadata = {"model_provider": PROVIDER}
        self.add([self.translator.reply(frames, usage_metadata=used, response_metadata=metadata)])
        self._strip.extend(frames)

    def arrive(self, messages: list[AnyMessage]) -> None:
        """New messages join the state."""
        self.add(messages)

    def add(self, messages: Sequence[Any]) -> None:
        """Apply an update of messages as the agent's graph does."""
        self.state["messages"] = add_messages(self.state["messages"], list(messages))

    def request(self) -> list[AnyMessage]:
        """The messages of the next request."""
        raise NotImplementedError

    def reaches(self, event: NeededEvent, asked: str) -> bool:
        """What is gone is gone."""
        return False

    def close(self) -> None:
        """Free what is held outside of memory."""

    def wrapped(self, *middleware: AgentMiddleware[Any, Any, Any]) -> list[AnyMessage]:
        """The messages that reach the model through the middleware's `wrap_model_call`, the first one outermost."""
        sent: list[AnyMessage] = []

        def answer(request: ModelRequest[Any]) -> ModelResponse[Any]:
            sent.extend(request.messages)
            return ModelResponse(result=[AIMessage("")])

        handler: Any = answer
        for each in reversed(middleware):
            handler = _around(each, handler, self.update)
        state: Any = self.state
        handler(ModelRequest(model=self.model, messages=state["messages"], state=state, runtime=Runtime()))
        return sent

    def update(self, update: Mapping[str, Any]) -> None:
        """Apply what a middleware's response brings."""
        self.add(update.get("messages", ()))
        self.state.update({key: value for key, value in update.items() if key != "messages"})

    def _show(self, frames: list[Frame]) -> None:
        """Grow the strip where the request extends the last one, else begin a new one."""
        known = len(self._strip)
        if known <= len(frames) and all(map(_equal, self._strip.frames, frames)):
            self._strip.extend(frames[known:])
        else:
            self._strip = Strip(frames)

    def _summary(self, messages: list[BaseMessage], summary: str) -> Sent:
        asked = Strip(self.translator.frames(messages))
        answer = sum(one.tokens for one in self.translator.frames([AIMessage(summary)]))
        return Sent((asked.run(),), summary=answer, bare=True)


def _around(middleware: AgentMiddleware[Any, Any, Any], handler: Any, update: Any) -> Any:
    def call(request: ModelRequest[Any]) -> Any:
        response: Any = middleware.wrap_model_call(request, handler)
        command = getattr(response, "command", None)
        if command is not None:
            update(command.update)
            return response.model_response
        return response

    return call


def _equal(one: Frame, other: Frame) -> bool:
    return one is other or one == other


def model(terms: Terms) -> ExtractingModel:
    """The model that a peer is made with."""
    return ExtractingModel(profile={"max_input_tokens": terms.budget})


class Summarization(Peer):
    """LangChain's SummarizationMiddleware: acts before the model is called, and replaces the state's messages."""

    def __init__(self, terms: Terms) -> None:
        trigger = ("tokens", int(TRIGGER * terms.budget))
        super().__init__(terms, "langchain", {"trigger": list(trigger), "keep": ["messages", 20]})
        self.middleware: SummarizationMiddleware[Any, Any] = SummarizationMiddleware(
            self.model, trigger=("tokens", trigger[1])
        )

    def request(self) -> list[AnyMessage]:
        state: Any = self.state
        update = self.middleware.before_model(state, Runtime())
        if update:
            self.cut = True
            self.add(update["messages"])
        return list(self.state["messages"])


class ContextEditing(Peer):
    """LangChain's ContextEditingMiddleware: empties old tool results in what is sent, and leaves the state alone."""

    def __init__(self, terms: Terms) -> None:
        edit = ClearToolUsesEdit(trigger=int(TRIGGER * terms.budget))
        super().__init__(terms, "langchain", {"trigger": edit.trigger, "keep": edit.keep, "edit": "ClearToolUsesEdit"})
        self.middleware: ContextEditingMiddleware[Any, Any] = ContextEditingMiddleware(edits=[edit])

    def request(self) -> list[AnyMessage]:
        return self.wrapped(self.middleware)

"""A LangChain provider for tests: it streams what it is given and remembers what it was asked."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.language_models.base import LangSmithParams
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from pydantic import Field

ToolLike = dict[str, Any] | type | Callable[..., Any] | BaseTool


class Provider(BaseChatModel):
    """Streams ``chunks``, then raises ``failure`` if there is one."""

    chunks: list[AIMessageChunk] = Field(default_factory=list)
    failure: Any = None
    name_of_provider: str = "openai"
    name_of_model: str = "gpt-5.5"
    asked: list[tuple[list[BaseMessage], dict[str, Any]]] = Field(default_factory=list)

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        self.asked.append((messages, kwargs))
        for chunk in self.chunks:
            yield ChatGenerationChunk(message=chunk)
        if self.failure is not None:
            raise self.failure

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        raise NotImplementedError("this provider streams")

    def bind_tools(
        self, tools: Sequence[ToolLike], *, tool_choice: str | None = None, **kwargs: Any
    ) -> Runnable[LanguageModelInput, AIMessage]:
        choice = {"tool_choice": tool_choice} if tool_choice else {}
        return self.bind(tools=tools, **choice, **kwargs)

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        return LangSmithParams(ls_provider=self.name_of_provider, ls_model_name=self.name_of_model)

    @property
    def _llm_type(self) -> str:
        return "provider-for-tests"


class Whole(Provider):
    """A provider that does not stream."""

    answer: AIMessage = AIMessage("whole")

    _stream = BaseChatModel._stream

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        self.asked.append((messages, kwargs))
        return ChatResult(generations=[ChatGeneration(message=self.answer)])

"""A LangChain chat model that plays the turn benchmark's script, for the peer that needs one."""

from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolCall
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable


class PlayedModel(BaseChatModel):
    """Asks for one sum after the other, ``turns`` times, then answers."""

    turns: int

    def bind_tools(self, tools: Any, **kwargs: Any) -> Runnable[Any, AIMessage]:
        return self

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        turn = len(messages)
        calls = [ToolCall(name="add", args={"a": turn, "b": 1}, id=f"c{turn}")] if turn < 2 * self.turns else []
        return ChatResult(generations=[ChatGeneration(message=AIMessage(content=f"Step {turn}.", tool_calls=calls))])

    @property
    def _llm_type(self) -> str:
        return "played"

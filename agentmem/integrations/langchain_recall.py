"""The tool `recall` as LangChain's agents call it: it reads the conversation from the agent's own state."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any

from langchain.tools import ToolRuntime
from langchain_core.tools import BaseTool, StructuredTool

from agentmem.compaction.conversation import THREAD
from agentmem.errors import RecoverableError
from agentmem.menu import cards
from agentmem.menu.builtin import recalled
from agentmem.recall.recall import JournalRecall
from agentmem.types import Image, Text

if TYPE_CHECKING:
    from agentmem.integrations.langchain_state import FoldedState

NAME = "recall"
Use = Callable[["FoldedState"], Any]


def recall_tool(using: Callable[[Mapping[str, Any], Use], Any]) -> BaseTool:
    """The tool. ``using`` calls a function with the conversation of a state."""
    card = cards.load(NAME)
    texts = {one.name: one.text for one in card.parameters}

    def recall(
        what: Annotated[str, texts["what"]], runtime: ToolRuntime, part: Annotated[int, texts["part"]] = 1
    ) -> Any:
        try:
            return using(runtime.state, lambda folded: _answer(folded, what, part))
        except RecoverableError as error:
            return error.sentence

    made: BaseTool = StructuredTool.from_function(func=recall, name=NAME, description=card.description)
    return made


def _answer(folded: "FoldedState", what: str, part: int) -> str | list[dict[str, Any]]:
    found = recalled(what, THREAD, JournalRecall(folded.talk.journal, THREAD), part)
    return found if isinstance(found, str) else [_part(one) for one in found]


def _part(block: Text | Image) -> dict[str, Any]:
    if isinstance(block, Text):
        return block.wire()
    return {"type": "image", "base64": block.data, "mime_type": block.media_type}

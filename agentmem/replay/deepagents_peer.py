"""deepagents' own stack for contexts: its file system, summarisation and call-patching middleware, in its order.

Large results leave when they arrive, and old messages are summarised; both are kept in files that the agent can read
again, here below a temporary folder. Its prompts, planning and sub-agents change no context and are left out.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from deepagents.backends import FilesystemBackend
from deepagents.middleware.filesystem import FilesystemMiddleware
from deepagents.middleware.patch_tool_calls import PatchToolCallsMiddleware
from deepagents.middleware.summarization import (
    SUMMARIZATION_EVENT_KEY,
    SUMMARIZATION_SESSION_ID_KEY,
    compute_summarization_defaults,
    create_summarization_middleware,
)
from langchain_core.messages import AnyMessage, ToolMessage
from langgraph.prebuilt.tool_node import ToolCallRequest
from langgraph.runtime import Runtime

from agentmem.replay.langchain_peers import Peer, model
from agentmem.replay.needed import NeededEvent
from agentmem.replay.policies import Terms


class DeepAgents(Peer):
    """deepagents' defaults for a model that takes the budget's tokens."""

    def __init__(self, terms: Terms) -> None:
        self._folder = TemporaryDirectory(prefix="agentmem-peer-", ignore_cleanup_errors=True)
        backend = FilesystemBackend(root_dir=self._folder.name, virtual_mode=True)
        defaults = compute_summarization_defaults(model(terms))
        evicts = {"tool_token_limit_before_evict": 20_000, "human_message_token_limit_before_evict": 50_000}
        super().__init__(terms, "deepagents", {**{key: list(defaults[key]) for key in ("trigger", "keep")}, **evicts})
        self.state[SUMMARIZATION_SESSION_ID_KEY] = "session_replay"  # a random one would show in the figures
        self.files: Any = FilesystemMiddleware(backend=backend)
        self.summaries: Any = create_summarization_middleware(self.model, backend)
        self.patches: Any = PatchToolCallsMiddleware()

    def arrive(self, messages: list[AnyMessage]) -> None:
        self.add([self._stored(one) if isinstance(one, ToolMessage) else one for one in messages])
        if messages and not isinstance(messages[-1], ToolMessage):
            update = self.patches.before_agent(self.state, Runtime())
            if update:
                self.add(update["messages"])

    def request(self) -> list[AnyMessage]:
        return self.wrapped(self.files, self.summaries)

    def update(self, update: Mapping[str, Any]) -> None:
        self.cut = self.cut or SUMMARIZATION_EVENT_KEY in update
        super().update(update)

    def reaches(self, event: NeededEvent, asked: str) -> bool:
        """Whether a file that the last request names holds the string: a search finds the place, a read shows it."""
        shown = "\n".join(str(one.value) for one in self._strip.frames if one.role == "user")
        return any(event.text in path.read_text(encoding="utf-8") for path in self._files() if path.stem in shown)

    def close(self) -> None:
        self._folder.cleanup()

    def _files(self) -> Iterator[Path]:
        return (path for path in Path(self._folder.name).rglob("*") if path.is_file())

    def _stored(self, result: ToolMessage) -> Any:
        """The result as the file system's middleware lets it through."""
        called: Any = {"name": result.name or "tool", "args": {}, "id": result.tool_call_id, "type": "tool_call"}
        runtime: Any = None
        request = ToolCallRequest(tool_call=called, tool=None, state=self.state, runtime=runtime)
        return self.files.wrap_tool_call(request, lambda _request: result)

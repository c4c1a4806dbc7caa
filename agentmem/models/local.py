"""Runs the local model: llama.cpp in process, behind the same client as Claude.

It is small, and writes text for examples, tests and demos, with a real KV cache. The template of the default weights
has no place for tools, so the model never sees any.
"""

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from agentmem.closing import Closing
from agentmem.models.anthropic import AnthropicModel
from agentmem.models.engine import Engine
from agentmem.models.pictures import has_pictures, named_pictures
from agentmem.types import Delta, ModelProfile, Request, Turn


class LocalModel(Closing):
    """A GGUF model, by default the installed one; ``settings`` go to `Engine`.

        model = LocalModel()
        with Agent(model, "notes", tools=[]) as agent:
            print(agent.run("Say hello.").text)
        model.close()

    An ``engine`` that is passed in stays open when the model is closed. A reply has at most ``longest`` tokens, and is
    the same each time unless the request sets a temperature. Usage is measured by the engine's own counters. Raises
    ModelNotAvailable if the engine or its weights are missing.
    """

    def __init__(
        self, weights: str | Path | None = None, *, engine: Engine | None = None, longest: int = 512, **settings: Any
    ) -> None:
        self.engine = engine or Engine(Path(weights) if weights else None, **settings)
        self._own = engine is None
        self._longest = longest
        self._profile = ModelProfile("local", self.engine.name, "local", window=self.engine.context)
        self._client = AnthropicModel(
            self.engine.name,
            api_key=self.engine.key,
            base_url=self.engine.address,
            model_profile=self._profile,
            max_retries=2,  # the engine closes idle connections, perhaps just when one is used
            stream_retries=0,
            diagnostics=False,
        )

    @property
    def profile(self) -> ModelProfile:
        return self._profile

    def stream(self, request: Request) -> Iterator[Delta]:
        """Yields text as it comes and, last, the Reply. Raises errors below ModelError."""
        yield from self._client.stream(self._fitted(request))

    async def astream(self, request: Request) -> AsyncIterator[Delta]:
        """`stream` for asyncio."""
        async for delta in self._client.astream(self._fitted(request)):
            yield delta

    def close(self) -> None:
        """Close the connections, and the engine if it is the model's own."""
        self._client.close()
        if self._own:
            self.engine.close()

    def _fitted(self, request: Request) -> Request:
        """The request without what the engine does not know: breakpoints, thinking, effort, pictures."""
        options = replace(
            request.options,
            max_tokens=min(request.options.max_tokens, self._longest),
            temperature=request.options.temperature or 0.0,
            thinking=None,
            effort=None,
        )
        return replace(request, options=options, marks=(), turns=readable(request.turns))


def readable(turns: Sequence[Turn]) -> Sequence[Turn]:
    """The turns with a sentence for each picture, since the engine reads only text."""
    if not any(has_pictures(one) for turn in turns for one in turn.frames):
        return turns
    return [Turn(turn.role, tuple(map(named_pictures, turn.frames))) for turn in turns]

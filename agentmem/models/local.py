"""Runs the local model: llama.cpp in a process beside this one, behind the same client as Claude.

It is small, and writes text for examples, tests and demos, with a real KV cache. The template of the default weights
has no place for tools, so the model never sees any.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from agentmem.checking import shown
from agentmem.closing import Closing
from agentmem.errors import ConfigError, ModelUnreachable
from agentmem.kvcache.warehouse.usual import usual_warehouse
from agentmem.kvcache.warehouse.warehouse import Warehouse
from agentmem.models.anthropic import AnthropicModel
from agentmem.models.engine import Engine
from agentmem.models.pictures import has_pictures, named_pictures
from agentmem.models.warm import Visit
from agentmem.types import Delta, Json, ModelProfile, Reply, Request, Turn


class LocalModel(Closing):
    """A GGUF model, by default the installed one; ``settings`` go to `Engine`.

        model = LocalModel()
        with Agent(model, "notes", tools=[]) as agent:
            print(agent.run("Say hello.").text)
        model.close()

    An ``engine`` that is passed in stays open when the model is closed. A reply has at most ``longest`` tokens, and is
    the same each time unless the request sets a temperature. Usage is measured by the engine's own counters. The
    ``warehouse`` "usual" is the user's own, which all local models share, with what agentmem.toml says of it; None is
    none. Raises ModelNotAvailable if the engine or its weights are missing, ConfigError for settings that do not fit.
    """

    def __init__(
        self,
        weights: str | Path | None = None,
        *,
        engine: Engine | None = None,
        longest: int = 512,
        warehouse: Warehouse | Literal["usual"] | None = "usual",
        **settings: Any,
    ) -> None:
        if engine is not None and isinstance(warehouse, Warehouse):
            raise ConfigError("the engine has its warehouse already: give it to the engine, or to the model alone")
        self.engine = engine or _engine(weights, warehouse, settings)
        self._own = engine is None
        self._longest = longest
        self._profile = ModelProfile("local", self.engine.name, "local", window=self.engine.context)
        self._client = self._connected()

    @property
    def profile(self) -> ModelProfile:
        return self._profile

    def stream(self, request: Request) -> Iterator[Delta]:
        """Yields text as it comes and, last, the Reply. Raises errors below ModelError."""
        fitted = self._fitted(request)
        with self.engine.visiting(self._prompt(fitted)) as visit:
            last: Reply | None = None
            for delta in self._answered(fitted):
                if isinstance(delta, Reply):
                    last = _answered(visit, delta)
                else:
                    yield delta
        if last is not None:
            yield last

    async def astream(self, request: Request) -> AsyncIterator[Delta]:
        """`stream` for asyncio. A thread waits for the slot, and brings and takes its state."""
        fitted = self._fitted(request)
        visiting = self.engine.visiting(await asyncio.to_thread(self._prompt, fitted))
        visit = await asyncio.to_thread(visiting.__enter__)
        last: Reply | None = None
        try:
            async for delta in self._client_now().astream(fitted):
                if isinstance(delta, Reply):
                    last = _answered(visit, delta)
                else:
                    yield delta
        except ModelUnreachable as error:
            raise self.engine.lost(error) from error
        finally:
            await asyncio.shield(asyncio.to_thread(visiting.__exit__, None, None, None))
        if last is not None:
            yield last

    def close(self) -> None:
        """Close the connections, and the engine if it is the model's own."""
        self._client.close()
        if self._own:
            self.engine.close()

    def _answered(self, request: Request) -> Iterator[Delta]:
        try:
            yield from self._client_now().stream(request)
        except ModelUnreachable as error:
            raise self.engine.lost(error) from error

    def _client_now(self) -> AnthropicModel:
        """A client of the engine where it is now: it may have been started again."""
        if self._client.base_url != self.engine.address:
            self._client.close()
            self._client = self._connected()
        return self._client

    def _connected(self) -> AnthropicModel:
        return AnthropicModel(
            self.engine.name,
            api_key=self.engine.key,
            base_url=self.engine.address,
            model_profile=self._profile,
            max_retries=2,  # the engine closes idle connections, perhaps just when one is used
            stream_retries=0,
            diagnostics=False,
        )

    def _prompt(self, request: Request) -> list[int]:
        """The tokens of a request, as the engine makes them of its messages."""
        if self.engine.warehouse is None:
            return []
        prompt = self.engine.post("/apply-template", {"messages": chat_messages(request)})["prompt"]
        asked = {"content": prompt, "add_special": True, "parse_special": True}
        tokens: list[int] = self.engine.post("/tokenize", asked)["tokens"]
        return tokens

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


def chat_messages(request: Request) -> list[dict[str, Any]]:
    """The messages as the engine makes them of Anthropic's: text first, and a message of its own for each result."""
    system = "".join(str(one.value.get("text", "")) for one in request.system)
    made: list[dict[str, Any]] = [{"role": "system", "content": system}] if system else []
    for turn in request.turns:
        blocks = [one.value for one in turn.frames]
        if texts := [{"type": "text", "text": one["text"]} for one in blocks if one.get("type") == "text"]:
            made.append({"role": turn.role, "content": texts})
        made += [{"role": "tool", "content": _plain(one)} for one in blocks if one.get("type") == "tool_result"]
    return made


def _plain(result: Json) -> str:
    content = result.get("content", "")
    return content if isinstance(content, str) else "".join(str(one.get("text", "")) for one in content)


def _answered(visit: Visit, reply: Reply) -> Reply:
    """The reply, with where its prompt's KV state came from."""
    usage = reply.usage
    visit.answered(usage.cache_read_tokens, usage.uncached_tokens, reply.first_token_after)
    return replace(reply, sources=visit.sources)


def _engine(weights: str | Path | None, warehouse: Warehouse | str | None, settings: dict[str, Any]) -> Engine:
    """An engine with its warehouse, which is closed again if the engine cannot be started."""
    held = usual_warehouse() if warehouse == "usual" else warehouse
    if isinstance(held, str):
        raise ConfigError(f'warehouse is {shown(held)}; it must be a Warehouse, "usual" or None')
    try:
        return Engine(Path(weights) if weights else None, warehouse=held, **settings)
    except BaseException:
        if held is not None:
            held.close()
        raise

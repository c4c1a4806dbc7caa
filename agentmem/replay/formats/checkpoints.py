"""LangGraph's checkpoints in SQLite: of each thread the list of messages, as it stood at every step.

Each reply that a checkpoint adds is a request, of the messages before it. Models and usage are those that LangChain's
messages carry; tools and system are not in a state. Only plain values and messages are read: nothing that a database
names is imported or run.
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agentmem.distribution import install
from agentmem.kvcache.frames import frame
from agentmem.kvcache.reported import tokens_of
from agentmem.replay.formats.contents import moment_of, usage_or_odd
from agentmem.replay.formats.message_list import Growth
from agentmem.replay.session import Exchange, RecordedSession, SkippedLine, lifetime
from agentmem.replay.source import RecordingSource, Spool, TableNames
from agentmem.types import Frame, Usage

if TYPE_CHECKING:
    from langchain_core.messages import AIMessage, BaseMessage

CUTS = "agentmem_cuts"
"""The field in which ContextMiddleware keeps its cuts: `agentmem.integrations.langchain_state` needs LangChain."""
SUMMARIES = (
    "ContextMiddleware cut its context; the requests for summaries are no messages, so they are not counted here: "
    "ContextMiddleware.ledger(agent.get_state(config).values) has every request"
)

_THREADS = "SELECT DISTINCT thread_id, checkpoint_ns FROM checkpoints ORDER BY thread_id, checkpoint_ns"
_STEPS = "SELECT type, checkpoint FROM checkpoints WHERE thread_id = ? AND checkpoint_ns = ? ORDER BY checkpoint_id"


class Checkpoints:
    """Reads a database of LangGraph's SqliteSaver."""

    name = "langgraph"

    def accepts(self, first: Any) -> bool:
        """A database has checkpoints, and no entries of a journal."""
        return isinstance(first, TableNames) and "checkpoints" in first.names and "entries" not in first.names

    def sources(self, path: Path, spool: Spool) -> Iterator[RecordingSource | SkippedLine]:
        """One source for each thread and each subgraph's."""
        try:
            with _opened(path) as database:
                for thread, space in database.execute(_THREADS).fetchall():
                    name = f"{thread}/{space}" if space else str(thread)
                    yield RecordingSource(self.name, str(path), 0, str(path), name=name)
        except sqlite3.Error as error:
            yield SkippedLine(str(path), 0, f"the database cannot be read: {error}")

    def sessions(self, source: RecordingSource) -> Iterator[RecordedSession | SkippedLine]:
        """The thread's conversation."""
        growth, provider, cut = Growth(), "", False
        odd: list[str] = []
        try:
            for at, values in _steps(source):
                provider = _add(growth, values["messages"], at, odd) or provider
                cut = cut or bool(values.get(CUTS))
        except ImportError as error:
            yield SkippedLine(source.path, 0, f"thread {source.name}: {error}: {install('langchain')}")
        except (sqlite3.Error, ValueError, KeyError, TypeError, AttributeError, NotImplementedError) as error:
            yield SkippedLine(source.path, 0, f"thread {source.name}: a checkpoint cannot be read: {error}")
        exchanges = tuple(growth.exchanges)
        yield from (SkippedLine(source.path, 0, f"thread {source.name}: {one}") for one in odd)
        if exchanges:
            head = None if exchanges[0].usage else ()
            ttl = lifetime(exchanges)
            yield RecordedSession(source.name, source.path, exchanges, head, ttl=ttl, provider=provider or "unknown")
            if cut:
                yield SkippedLine(source.path, 0, f"thread {source.name}: {SUMMARIES}")
        else:
            yield SkippedLine(source.path, 0, f"thread {source.name}: no reply of a model among its messages")


def _opened(path: str | Path) -> "closing[sqlite3.Connection]":
    return closing(sqlite3.connect(f"{Path(path).resolve().as_uri()}?mode=ro", uri=True))


def _steps(source: RecordingSource) -> Iterator[tuple[float | None, Mapping[str, Any]]]:
    """The time and the values of each checkpoint that has messages."""
    from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

    serde = JsonPlusSerializer(allowed_msgpack_modules=None)
    thread, _, space = source.name.partition("/")
    with _opened(source.file) as database:
        known = {(f"{one}/{ns}" if ns else str(one)): (one, ns) for one, ns in database.execute(_THREADS)}
        for kind, blob in database.execute(_STEPS, known.get(source.name, (thread, space))):
            state = serde.loads_typed((kind, blob))
            values = state.get("channel_values") or {}
            if isinstance(values.get("messages"), list) and values["messages"]:
                yield moment_of(state.get("ts")), values


def _add(growth: Growth, messages: "Sequence[BaseMessage]", at: float | None, odd: list[str]) -> str:
    """Take a checkpoint: a request for each reply that no earlier one had. Gives the provider, if it is named."""
    from langchain_core.messages import AIMessage

    provider = ""
    known = {one.identity for one in growth.exchanges}
    for place, message in enumerate(messages):
        identity = str(getattr(message, "id", "") or f"{place}")
        if not isinstance(message, AIMessage) or identity in known:
            continue
        meta = message.response_metadata or {}
        provider = str(meta.get("model_provider") or provider)
        last = growth.exchanges[-1].answered if growth.exchanges else 0.0
        when = last + 10.0 if at is None else at
        reply = tuple(_frames(message))
        model = str(meta.get("model_name") or meta.get("model") or "")
        before = [one for earlier in messages[:place] for one in _frames(earlier)]
        growth.add(
            before, Exchange(when, when, model, (), reply, usage_or_odd(_usage, message, odd), identity=identity)
        )
    return provider


def _frames(message: "BaseMessage") -> Iterator[Frame]:
    from agentmem.models.langchain_blocks import message_blocks

    role = "assistant" if message.type == "ai" else "user"
    return (frame("message", block.wire(), role) for block in message_blocks(message))  # type: ignore[arg-type]


def _usage(message: "AIMessage") -> Usage | None:
    """LangChain's input has the tokens in it that were read from a cache and written to one."""
    used: Mapping[str, Any] = message.usage_metadata or {}
    if not used:
        return None
    details = used.get("input_token_details") or {}
    read = tokens_of(details.get("cache_read"))
    short, long = (tokens_of(details.get(f"ephemeral_{ttl}_input_tokens")) for ttl in ("5m", "1h"))
    short += max(0, tokens_of(details.get("cache_creation")) - short - long)
    fresh = max(0, tokens_of(used.get("input_tokens")) - read - short - long)
    return Usage("measured", fresh, read, short, long, tokens_of(used.get("output_tokens")))

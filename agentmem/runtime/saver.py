"""Keeps LangGraph's checkpoints in the journal's own database, with one saver for sync and async runs.

LangGraph's SqliteSaver refuses async calls and its PostgresSaver inherits stubs; the async twins of both need an event
loop of their own. Here the async methods run the sync ones in a worker thread.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import Any, cast

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    BaseCheckpointSaver,
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
    DeltaChannelHistory,
)
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.sqlite import SqliteSaver

from agentmem.transcript.storage import Storage


def plain_serializer() -> JsonPlusSerializer:
    """A serializer that reads only plain data and LangGraph's own types, so a changed database cannot run code."""
    return JsonPlusSerializer(allowed_msgpack_modules=None)


class AsyncByThreads(BaseCheckpointSaver[str]):
    """The async half of a saver: it calls the sync half in worker threads."""

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        return await asyncio.to_thread(self.get_tuple, config)

    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        found = await asyncio.to_thread(lambda: [*self.list(config, filter=filter, before=before, limit=limit)])
        for one in found:
            yield one

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        return await asyncio.to_thread(self.put, config, checkpoint, metadata, new_versions)

    async def aput_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        await asyncio.to_thread(self.put_writes, config, writes, task_id, task_path)

    async def adelete_thread(self, thread_id: str) -> None:
        await asyncio.to_thread(self.delete_thread, thread_id)

    async def adelete_for_runs(self, run_ids: Sequence[str]) -> None:
        await asyncio.to_thread(self.delete_for_runs, run_ids)

    async def acopy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        await asyncio.to_thread(self.copy_thread, source_thread_id, target_thread_id)

    async def aprune(self, thread_ids: Sequence[str], *, strategy: str = "keep_latest") -> None:
        await asyncio.to_thread(lambda: self.prune(thread_ids, strategy=strategy))

    async def aget_delta_channel_history(
        self, *, config: RunnableConfig, channels: Sequence[str]
    ) -> Mapping[str, DeltaChannelHistory]:
        return await asyncio.to_thread(lambda: self.get_delta_channel_history(config=config, channels=channels))


class SqliteCheckpoints(AsyncByThreads, SqliteSaver):
    """LangGraph's SqliteSaver on a Storage. ``confirm`` raises if a thread is another writer's by now."""

    def __init__(self, storage: Storage, confirm: Callable[[str], None] = lambda thread: None) -> None:
        self._storage, self._confirm = storage, confirm
        try:
            with storage.held(writing=False) as connection:
                super().__init__(cast(sqlite3.Connection, connection), serde=plain_serializer())
            self.setup()
        except BaseException:
            self.close()
            raise

    def put(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        self._confirm(config["configurable"]["thread_id"])
        return super().put(config, checkpoint, metadata, new_versions)

    def put_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        self._confirm(config["configurable"]["thread_id"])
        super().put_writes(config, writes, task_id, task_path)

    @contextmanager
    def cursor(self, transaction: bool = True) -> Iterator[sqlite3.Cursor]:
        with self._storage.held(writing=transaction) as connection, closing(connection.cursor()) as cursor:
            yield cursor

    def close(self) -> None:
        """Close the connection. May be called twice."""
        self._storage.close()

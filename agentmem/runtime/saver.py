"""Keeps LangGraph's checkpoints in the journal's own database, with one saver for sync and async runs.

LangGraph's SqliteSaver refuses async calls and its PostgresSaver inherits stubs; the async twins of both need an event
loop of their own. Here the async methods run the sync ones in a worker thread.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import Any, TypeVar, cast

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

T = TypeVar("T")


def plain_serializer() -> JsonPlusSerializer:
    """A serializer that reads only plain data and LangGraph's own types, so a changed database cannot run code."""
    return JsonPlusSerializer(allowed_msgpack_modules=None)


class StorageSaver(BaseCheckpointSaver[str]):
    """What our savers share, on a Storage and before LangGraph's own class in the order of bases.

    ``confirm`` raises if a thread is another writer's by now. A call is made again if the database was away meanwhile,
    which all of them allow, and is confirmed again then. The async half calls the sync half in worker threads.
    """

    _storage: Storage
    _confirm: Callable[[str], None]

    def get_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        get = super().get_tuple
        return self._storage.persist(lambda: get(config))

    def put(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        put = super().put
        return self._written(config, lambda: put(config, checkpoint, metadata, new_versions))

    def put_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        put = super().put_writes
        self._written(config, lambda: put(config, writes, task_id, task_path))

    def close(self) -> None:
        """Give the connections back. May be called twice."""
        self._storage.close()

    def _written(self, config: RunnableConfig, write: Callable[[], T]) -> T:
        def confirmed() -> T:
            self._confirm(config["configurable"]["thread_id"])
            return write()

        return self._storage.persist(confirmed)

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


class SqliteCheckpoints(StorageSaver, SqliteSaver):
    """LangGraph's SqliteSaver on a Storage."""

    def __init__(self, storage: Storage, confirm: Callable[[str], None] = lambda thread: None) -> None:
        self._storage, self._confirm = storage, confirm
        try:
            with storage.held(writing=False) as connection:
                super().__init__(cast(sqlite3.Connection, connection), serde=plain_serializer())
            self.setup()
        except BaseException:
            self.close()
            raise

    @contextmanager
    def cursor(self, transaction: bool = True) -> Iterator[sqlite3.Cursor]:
        with self._storage.held(writing=transaction) as connection, closing(connection.cursor()) as cursor:
            yield cursor

"""The index of another process, over a unix socket (`switchboard index`)."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from access.keys import AccessKeys
from knowledge.embed.spec import EmbedderSpec
from knowledge.embed.vectors import SentenceVectors
from knowledge.index import wire
from knowledge.index.generation import Generation, Generations
from knowledge.index.port import Held, Hit, Index, IndexedChunk, IndexFilter, IndexUnavailable, StoredChunk

CONNECT_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 10.0
SLOW_TIMEOUT_S = 120.0
_SLOW = (wire.Publish, wire.SetAccess, wire.Remove, wire.Inventory, wire.Build, wire.Drop)
_HINT = "Start it with `switchboard index`, or look at its log."


def connect_remote(socket_path: Path) -> Index:
    """The index behind this socket; it connects at the first call and again after a loss."""
    return _RemoteIndex(_Line(socket_path))


def connect_generations(socket_path: Path) -> Generations:
    """The same, and its generations."""
    return _RemoteGenerations(_Line(socket_path))


class _RemoteGenerations:
    def __init__(self, line: "_Line") -> None:
        self._line = line

    async def current(self) -> Generation:
        return (await self.all())[0]

    async def all(self) -> Sequence[Generation]:
        return await self._line.ask(wire.State())

    async def index(self, generation: Generation) -> Index:
        return _RemoteIndex(self._line, generation.name)

    async def build(self, spec: EmbedderSpec) -> Generation:
        return await self._line.ask(wire.Build(spec))

    async def switch(self, generation: Generation) -> None:
        await self._line.ask(wire.Switch(generation))

    async def drop(self, generation: Generation) -> None:
        await self._line.ask(wire.Drop(generation))

    async def close(self) -> None:
        await self._line.close()


class _RemoteIndex:
    """generation: "" is whichever is current there."""

    def __init__(self, line: "_Line", generation: str = "") -> None:
        self._line = line
        self._generation = generation

    async def publish(
        self, doc_id: UUID, chunks: Sequence[IndexedChunk], keys: AccessKeys, *, embedder: str | None = None
    ) -> None:
        await self._ask(wire.Publish(doc_id, wire.to_wire(chunks), list(keys), embedder))

    async def set_access(self, doc_id: UUID, keys: AccessKeys | None) -> None:
        await self._ask(wire.SetAccess(doc_id, None if keys is None else list(keys)))

    async def remove(self, doc_id: UUID) -> None:
        await self._ask(wire.Remove(doc_id))

    async def known(self, doc_id: UUID) -> frozenset[UUID]:
        return await self._ask(wire.Known(doc_id))

    async def search(
        self,
        keys: AccessKeys,
        filter: IndexFilter,
        *,
        vector: Sequence[float] | None,
        text: str | None,
        limit: int,
    ) -> list[Hit]:
        return await self._ask(wire.Find(list(keys), filter, wire.packed(vector), text, limit))

    async def fetch(
        self,
        keys: AccessKeys,
        chunk_ids: Sequence[UUID],
        knowledge_base_ids: frozenset[UUID] | None = None,
    ) -> list[StoredChunk]:
        return await self._ask(wire.Fetch(list(keys), list(chunk_ids), knowledge_base_ids))

    async def sentences(self, keys: AccessKeys, chunk_ids: Sequence[UUID]) -> dict[UUID, SentenceVectors]:
        return wire.sentences_from_wire(await self._ask(wire.Sentences(list(keys), list(chunk_ids))))

    async def inventory(self) -> AsyncIterator[tuple[UUID, Held]]:
        for doc_id, held in await self._ask(wire.Inventory()):
            yield doc_id, held

    async def facets(self, keys: AccessKeys, filter: IndexFilter) -> dict[str, dict[str, int]]:
        return await self._ask(wire.Facets(list(keys), filter))

    async def close(self) -> None:
        await self._line.close()

    async def _ask(self, call: wire.Call) -> Any:
        return await self._line.ask(call, self._generation)


class _Line:
    """To the index process; one connection, made when it is needed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: _Connection | None = None
        self._connecting = asyncio.Lock()

    async def close(self) -> None:
        if self._connection:
            await self._connection.close()

    async def ask(self, call: wire.Call, generation: str = "") -> Any:
        limit = SLOW_TIMEOUT_S if isinstance(call, _SLOW) else READ_TIMEOUT_S
        try:
            async with asyncio.timeout(limit):
                answer = await self._answer(call, generation)
        except (OSError, EOFError, TimeoutError) as error:
            raise IndexUnavailable("The index process does not answer.", hint=_HINT) from error
        if isinstance(answer, wire.Failed):
            raise wire.error_of(answer)
        return msgspec.msgpack.decode(answer.value, type=wire.ANSWERS[type(call)])

    async def _answer(self, call: wire.Call, generation: str) -> wire.Answered | wire.Failed:
        """Asked again once over a new connection, since the old owner may be gone; no call minds that."""
        if known := self._connection:
            try:
                return await known.ask(call, generation)
            except (OSError, EOFError):
                if self._connection is known:
                    self._connection = None
        connection = await self._connected()
        return await connection.ask(call, generation)

    async def _connected(self) -> "_Connection":
        async with self._connecting:
            if self._connection is None or self._connection.lost:
                async with asyncio.timeout(CONNECT_TIMEOUT_S):
                    streams = await asyncio.open_unix_connection(str(self._path))
                self._connection = _Connection(*streams)
            return self._connection


class _Connection:
    """Many calls at once over one stream; an answer finds its call by id."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[wire.Answered | wire.Failed]] = {}
        self._listening = asyncio.create_task(self._listen())

    @property
    def lost(self) -> bool:
        return self._listening.done()

    async def ask(self, call: wire.Call, generation: str) -> wire.Answered | wire.Failed:
        if self.lost:
            raise EOFError
        id = next(self._ids)
        answer = self._waiting[id] = asyncio.get_running_loop().create_future()
        try:
            self._writer.write(wire.frame(wire.Asked(id, call, generation)))
            await self._writer.drain()
            return await answer
        finally:
            del self._waiting[id]

    async def _listen(self) -> None:
        try:
            while True:
                answer = await wire.read_answer(self._reader)
                waiting = self._waiting.get(answer.id)
                if waiting and not waiting.done():
                    waiting.set_result(answer)
        except (OSError, EOFError, msgspec.MsgspecError, ValueError):
            pass
        finally:
            for waiting in self._waiting.values():
                if not waiting.done():
                    waiting.set_exception(EOFError())
            self._writer.close()

    async def close(self) -> None:
        self._listening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._listening
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

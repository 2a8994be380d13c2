"""The other end of `remote.py`: the one owner of an index answers for it on a unix socket."""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import structlog

from knowledge.index import wire
from knowledge.index.generation import Generations
from knowledge.index.port import GenerationGone, Index, IndexUnavailable

_AT_ONCE = 64
_GRACE_S = 10.0

_log = structlog.get_logger()


@asynccontextmanager
async def serving(
    index: Index, socket_path: Path, generations: Generations | None = None
) -> AsyncGenerator[None]:
    """Answer on this socket within the block. The socket is for this user only (0600).

    index: answers whoever names no generation. Without `generations` nobody can name one.
    """
    connections = _Server(index, generations)
    server = await asyncio.start_unix_server(connections.serve, sock=_bound(socket_path))
    try:
        yield
    finally:
        server.close()
        await connections.close()
        await server.wait_closed()
        _remove(socket_path)


def _bound(path: Path) -> socket.socket:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Left by a killed owner; whoever serves holds the index, so it is nobody else's.
    _remove(path)
    listening = socket.socket(socket.AF_UNIX)
    previous = os.umask(0o177)
    try:
        listening.bind(str(path))
    finally:
        os.umask(previous)
    return listening


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)


class _Server:
    def __init__(self, index: Index, generations: Generations | None) -> None:
        self._index = index
        self._generations = generations
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection: each call is a task of its own, so that a slow one holds up no other."""
        self._writers.add(writer)
        places = asyncio.Semaphore(_AT_ONCE)
        try:
            while True:
                asked = await wire.read_asked(reader)
                await places.acquire()
                task = asyncio.create_task(self._answer(asked, writer))
                self._tasks.add(task)
                task.add_done_callback(lambda done: (self._tasks.discard(done), places.release()))
        except (OSError, EOFError):
            pass
        except (msgspec.MsgspecError, ValueError) as error:
            _log.warning("index.bad_frame", error=str(error))
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _answer(self, asked: wire.Asked, writer: asyncio.StreamWriter) -> None:
        answer = await self._answered(asked)
        # A caller that has gone does not undo what it asked for.
        with contextlib.suppress(OSError):
            writer.write(wire.frame(answer))
            await writer.drain()

    async def _answered(self, asked: wire.Asked) -> wire.Answered | wire.Failed:
        try:
            value = await self._do(asked)
            return wire.Answered(asked.id, msgspec.Raw(wire.encode(value)))
        except ValueError as error:
            return wire.failed(asked.id, error, str(error))
        except IndexUnavailable as error:
            return wire.failed(asked.id, error, error.detail)
        except Exception:  # one broken call must not end the others
            _log.exception("index.call_failed", call=type(asked.call).__name__)
            return wire.Failed(asked.id, "unavailable", "The index could not do this.")

    async def _do(self, asked: wire.Asked) -> Any:
        match asked.call:
            case wire.State() | wire.Build() | wire.Switch() | wire.Drop() as call:
                return await _govern(self._all(), call)
            case call:
                return await _ask(await self._named(asked.generation), call)

    def _all(self) -> Generations:
        if self._generations is None:
            raise ValueError("This index has no generations.")
        return self._generations

    async def _named(self, name: str) -> Index:
        if not name:
            return self._index
        found = [each for each in await self._all().all() if each.name == name]
        if not found:
            raise GenerationGone(f"There is no generation {name}.")
        return await self._all().index(found[0])

    async def close(self) -> None:
        """Finish what runs, then let go of the callers."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=_GRACE_S)
        for writer in list(self._writers):
            writer.close()


async def _govern(generations: Generations, call: wire.State | wire.Build | wire.Switch | wire.Drop) -> Any:
    match call:
        case wire.State():
            return await generations.all()
        case wire.Build(spec):
            return await generations.build(spec)
        case wire.Switch(generation):
            return await generations.switch(generation)
        case wire.Drop(generation):
            return await generations.drop(generation)


async def _ask(index: Index, call: wire.IndexCall) -> Any:
    match call:
        case wire.Publish(doc_id, chunks, keys, embedder):
            made = wire.from_wire(chunks)
            return await index.publish(doc_id, made, wire.keys_of(keys), embedder=embedder)
        case wire.SetAccess(doc_id, keys):
            return await index.set_access(doc_id, None if keys is None else wire.keys_of(keys))
        case wire.Remove(doc_id):
            return await index.remove(doc_id)
        case wire.Known(doc_id):
            return await index.known(doc_id)
        case wire.Find(keys, filter, vector, text, limit):
            asked = wire.unpacked(vector)
            return await index.search(wire.keys_of(keys), filter, vector=asked, text=text, limit=limit)
        case wire.Fetch(keys, chunk_ids, bases):
            return await index.fetch(wire.keys_of(keys), chunk_ids, bases)
        case wire.Facets(keys, filter):
            return await index.facets(wire.keys_of(keys), filter)
        case wire.Sentences(keys, chunk_ids):
            return wire.sentences_to_wire(await index.sentences(wire.keys_of(keys), chunk_ids))
        case wire.Inventory():
            return [found async for found in index.inventory()]

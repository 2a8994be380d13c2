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
from knowledge.index.port import Index, IndexUnavailable

_AT_ONCE = 64
_GRACE_S = 10.0

_log = structlog.get_logger()


@asynccontextmanager
async def serving(index: Index, socket_path: Path) -> AsyncGenerator[None]:
    """Answer on this socket within the block. The socket is for this user only (0600)."""
    connections = _Server(index)
    server = await asyncio.start_unix_server(connections.serve, sock=_bound(socket_path))
    try:
        yield
    finally:
        server.close()
        await connections.close()
        await server.wait_closed()
        _remove(socket_path)


async def serve(index: Index, socket_path: Path) -> None:
    """Answer until cancelled."""
    async with serving(index, socket_path):
        await asyncio.Event().wait()


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
    def __init__(self, index: Index) -> None:
        self._index = index
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
            value = await self._do(asked.call)
            return wire.Answered(asked.id, msgspec.Raw(wire.encode(value)))
        except ValueError as error:
            return wire.Failed(asked.id, True, str(error))
        except IndexUnavailable as error:
            return wire.Failed(asked.id, False, error.detail)
        except Exception:  # one broken call must not end the others
            _log.exception("index.call_failed", call=type(asked.call).__name__)
            return wire.Failed(asked.id, False, "The index could not do this.")

    async def _do(self, call: wire.Call) -> Any:
        index = self._index
        match call:
            case wire.Publish(doc_id, chunks, keys):
                return await index.publish(doc_id, wire.from_wire(chunks), wire.keys_of(keys))
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

    async def close(self) -> None:
        """Finish what runs, then let go of the callers."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=_GRACE_S)
        for writer in list(self._writers):
            writer.close()

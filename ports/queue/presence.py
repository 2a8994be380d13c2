"""A worker is there as long as one connection of its own lives: Postgres notices a killed one at once.

It holds a lock of its session on that connection. A kill -9 closes the connection, and the lock is gone
in the same moment; where a whole machine is lost, the server's keepalive finds out after some 11 s. The
heartbeat stays as the second way, for a worker that hangs with its connection open.
"""

import asyncio
import select
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from procrastinate.connector import BaseConnector
from procrastinate.manager import JobManager
from psycopg_pool import AsyncConnectionPool

from ports.db import libpq_url

LOCK_CLASS = 731_001
"""The first half of the lock's key; the second is the worker's number."""
_CONNECT_WITHIN_S = 5
_OPTIONS = " ".join(
    f"-c {option}"
    for option in (
        "tcp_keepalives_idle=5",
        "tcp_keepalives_interval=2",
        "tcp_keepalives_count=3",
        # Silence is its job: whatever the server does with idle sessions is not meant for it.
        "idle_session_timeout=0",
        "statement_timeout=5000",
    )
)


class Presence:
    """The connection that says that this worker is there."""

    def __init__(self, connection: psycopg.AsyncConnection) -> None:
        self._connection = connection
        self._claimed = asyncio.Event()

    async def claim(self, worker_id: int) -> None:
        """Before the worker takes its first job."""
        await self._connection.execute("SELECT pg_advisory_lock(%s, %s)", (LOCK_CLASS, worker_id))
        self._claimed.set()

    async def watch(self) -> None:
        """Raises where the connection is lost: to the others, this worker is gone then."""
        await self._claimed.wait()  # waiting for notifications keeps the connection to itself
        async for _ in self._connection.notifies():
            pass


@asynccontextmanager
async def present(url: str) -> AsyncGenerator[Presence]:
    connection = await psycopg.AsyncConnection.connect(
        libpq_url(url), autocommit=True, connect_timeout=_CONNECT_WITHIN_S, options=_OPTIONS
    )
    try:
        yield Presence(connection)
    finally:
        async with asyncio.timeout(_CONNECT_WITHIN_S):
            await connection.close()


async def one_statement_each(connection: psycopg.AsyncConnection) -> None:
    """Each question of the queue is one statement: opening and ending a transaction would be two more."""
    await connection.set_autocommit(True)


async def check_unless_quiet(connection: psycopg.AsyncConnection) -> None:
    """Asks Postgres whether the connection lives only where something lies in it unread.

    An idle connection has nothing to read until the server closes it; a round trip before each of the
    queue's questions would be half of its traffic. Raises psycopg.OperationalError.
    """
    socket = select.poll()
    socket.register(connection.fileno(), select.POLLIN | select.POLLHUP | select.POLLERR)
    if socket.poll(0):
        await AsyncConnectionPool.check_connection(connection)


def pool_of_quiet(**settings: Any) -> "AsyncConnectionPool[psycopg.AsyncConnection]":
    """procrastinate's pool with that check."""
    settings["check"] = check_unless_quiet
    return AsyncConnectionPool(**settings)


class PresentWorkers(JobManager):
    """Registers a worker together with its lock, so that nobody ever sees it without."""

    def __init__(self, connector: BaseConnector, presence: Presence) -> None:
        super().__init__(connector)
        self._presence = presence

    async def register_worker(self) -> int:
        worker_id = await super().register_worker()
        await self._presence.claim(worker_id)
        return worker_id

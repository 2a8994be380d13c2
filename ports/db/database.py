"""Postgres for the application: short transactions on pooled connections, each with a time limit."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, cast

import asyncpg
import msgspec
from sqlalchemy import event, text
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.util.concurrency import await_

from kit.errors import Unavailable
from kit.tasks import being_cancelled
from ports.db.urls import async_url, libpq_url

_CONNECT_WITHIN_S = 5.0
_ANSWER_WITHIN_S = 30.0
_RETRY_AFTER_S = 5.0
_connect: Any = cast(Any, asyncpg).connect  # partly typed


class Database:
    """`async with database.begin() as session`: one transaction, committed unless it raises.

    The connection is taken at the first statement. Where Postgres cannot be reached, or goes away
    in between, Unavailable is raised; nothing of the transaction stays.
    """

    def __init__(self, url: str, pool_size: int = 20) -> None:
        self.url = url
        self.engine = _engine(url, pool_size)
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False)

    @asynccontextmanager
    async def begin(self) -> AsyncGenerator[AsyncSession]:
        """Commits at the end, rolls back on any error. Raises Unavailable."""
        try:
            async with self._sessions.begin() as session:
                yield session
        except (SQLAlchemyError, Unavailable) as error:
            if being_cancelled():
                # A connection that is cut off in the middle fails in its own way; the task is to end.
                raise asyncio.CancelledError from error
            if isinstance(error, PoolTimeout):
                raise _unavailable() from error
            raise

    async def ready(self) -> None:
        """Raises Unavailable where Postgres does not answer."""
        async with self.begin() as session:
            await session.execute(text("SELECT 1"))

    async def close(self) -> None:
        await self.engine.dispose()


def _engine(url: str, pool_size: int) -> AsyncEngine:
    async def connect() -> Any:
        # asyncpg's own reading of the address understands sslmode and the like.
        try:
            return await _connect(libpq_url(url), timeout=_CONNECT_WITHIN_S, command_timeout=_ANSWER_WITHIN_S)
        except (OSError, asyncpg.PostgresConnectionError, asyncpg.TooManyConnectionsError) as error:
            raise _unavailable() from error

    engine = create_async_engine(
        async_url(url),
        async_creator=connect,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=_CONNECT_WITHIN_S,
        # The one used last has its plans made and its caches warm; in turn, all of them would have to.
        pool_use_lifo=True,
        # A restarted Postgres costs a new connection, not a failed request per pooled one.
        pool_pre_ping=True,
        # An error with what was asked or stored in it would end up in a log.
        hide_parameters=True,
        json_serializer=_to_json,
        json_deserializer=msgspec.json.decode,
    )
    event.listen(engine.sync_engine, "handle_error", _translate)
    engine.sync_engine.dialect.do_ping = _begun
    return engine


def _begun(dbapi_connection: Any) -> bool:
    """BEGIN itself shows whether a pooled connection lives; the dialect's ping is a transaction of its own.

    Raises the driver's error, which the pool reads.
    """
    if dbapi_connection._transaction is None:
        await_(dbapi_connection._start_transaction())
    return True


def _to_json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _translate(context: ExceptionContext) -> None:
    if context.is_disconnect and not context.is_pre_ping:
        raise _unavailable() from context.original_exception


def _unavailable() -> Unavailable:
    return Unavailable("The database is not available.", retry_after=_RETRY_AFTER_S)

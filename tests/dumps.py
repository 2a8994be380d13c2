"""All that the engines hold, as text to be searched for what must not be there."""

from collections.abc import AsyncIterator
from typing import Any

from redis.asyncio import Redis

from ports.db import Database


async def rows_of(database: Database) -> str:
    """Every row of every table."""
    async with database.begin() as session:
        found = await session.connection()
        tables = await found.exec_driver_sql(
            "SELECT quote_ident(table_name) FROM information_schema.tables"
            " WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
        )
        rows = [
            str(one)
            for (table,) in tables.all()
            for one in (await found.exec_driver_sql(f"SELECT t::text FROM {table} t")).all()
        ]
    assert len(rows) > 20
    return "\n".join(rows)


async def stored_in(redis: Redis) -> AsyncIterator[str]:
    client: Any = redis  # untyped in redis-py
    reads = {
        b"string": client.get,
        b"hash": client.hgetall,
        b"set": client.smembers,
        b"stream": client.xrange,
        b"list": lambda key: client.lrange(key, 0, -1),
        b"zset": lambda key: client.zrange(key, 0, -1),
    }
    async for key in client.scan_iter():
        kind = await client.type(key)
        yield f"{key} {await reads[kind if isinstance(kind, bytes) else kind.encode()](key)}"

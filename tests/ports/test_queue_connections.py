"""The queue's pooled connections: a quiet one is taken as it is, one that the server has closed is not."""

import psycopg
import pytest

from ports.db import Database, libpq_url
from ports.queue.presence import check_unless_quiet, one_statement_each


async def test_a_quiet_connection_is_not_asked_and_a_closed_one_is_noticed(database: Database) -> None:
    url = libpq_url(database.url)
    async with (
        await psycopg.AsyncConnection.connect(url) as ours,
        await psycopg.AsyncConnection.connect(url, autocommit=True) as other,
    ):
        await one_statement_each(ours)
        for _ in range(2):
            await check_unless_quiet(ours)
            await ours.execute("SELECT 1")

        ended = await other.execute("SELECT pg_terminate_backend(%s, 5000)", (ours.info.backend_pid,))
        assert await ended.fetchone() == (True,)

        with pytest.raises(psycopg.OperationalError):
            await check_unless_quiet(ours)

"""The queue's tables, types and functions in our database."""

from importlib.resources import files
from typing import TYPE_CHECKING, cast

from sqlalchemy import Connection

from ports.db import libpq_url

if TYPE_CHECKING:
    import psycopg

_CONNECT_WITHIN_S = 10


def apply_schema(database: str | Connection) -> None:
    """Create the queue's tables where they are missing; again does nothing.

    `database` is an address, or the psycopg connection of a migration (then in its transaction).
    A new major version of procrastinate needs a migration of its own: its `sql/migrations`.
    """
    if isinstance(database, Connection):
        _apply(cast("psycopg.Cursor[tuple[object, ...]]", database.connection.cursor()))
        return
    # lazy: psycopg costs 0.5 s and only migrations need it here
    import psycopg

    with (
        psycopg.connect(libpq_url(database), connect_timeout=_CONNECT_WITHIN_S) as connection,
        connection.cursor() as cursor,
    ):
        _apply(cursor)


def _apply(cursor: "psycopg.Cursor[tuple[object, ...]]") -> None:
    # Two starting processes take turns.
    cursor.execute("SELECT pg_advisory_xact_lock(hashtext('procrastinate_schema'))")
    cursor.execute("SELECT to_regclass('procrastinate_jobs')")
    found = cursor.fetchone()
    if found is None or found[0] is None:
        cursor.execute((files("procrastinate.sql") / "schema.sql").read_bytes())

"""Postgres: settings, the base of all tables, transactions. SQLAlchemy over asyncpg."""

from ports.db.base import Base, Timestamp
from ports.db.database import Database
from ports.db.sealed import SealedColumn, sealed, sealed_columns
from ports.db.settings import DatabaseSettings
from ports.db.urls import async_url, libpq_url, sync_url

__all__ = [
    "Base",
    "Database",
    "DatabaseSettings",
    "SealedColumn",
    "Timestamp",
    "async_url",
    "libpq_url",
    "sealed",
    "sealed_columns",
    "sync_url",
]

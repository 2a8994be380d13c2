"""The base of all tables."""

from sqlalchemy import DateTime, MetaData
from sqlalchemy.orm import DeclarativeBase

# Every constraint has a predictable name, so that a migration can drop it.
_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


Timestamp = DateTime(timezone=True)
"""The type of every moment in a table: aware, in UTC."""


class Base(DeclarativeBase):
    """Tables live in the schema `public`."""

    metadata = MetaData(naming_convention=_NAMES)

"""The base of the contact server's tables: a schema of their own, each row an organisation's."""

from typing import Final
from uuid import UUID

from sqlalchemy import MetaData, Uuid
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from ports.db import Base

SCHEMA: Final = "contact"


class ContactBase(DeclarativeBase):
    """Not the platform's base: neither migrates the other's tables, and they may be in two databases."""

    metadata = MetaData(schema=SCHEMA, naming_convention=Base.metadata.naming_convention)


class Owned:
    """Mix it in first: whose row it is. Every unique constraint begins with the organisation."""

    organisation_id: Mapped[UUID] = mapped_column(Uuid, nullable=False)
    user_id: Mapped[UUID] = mapped_column(Uuid, nullable=False)

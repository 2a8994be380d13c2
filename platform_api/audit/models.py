"""The table of records; a trigger (migration 0002) refuses every change to them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, String, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from ports.db import Base, Timestamp


class AuditRecordRow(Base):
    __tablename__ = "audit_records"
    __table_args__ = (
        Index("ix_audit_records_organisation", "organisation_id", "id"),
        Index("ix_audit_records_type", "type", "at"),
    )

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    """A ULID given by whoever saw it happen: a repeat has the same and is dropped."""
    organisation_id: Mapped[UUID | None]
    """None where a call was refused before anybody knew whose it is."""
    at: Mapped[datetime] = mapped_column(Timestamp)
    kind: Mapped[str] = mapped_column(String(10))
    type: Mapped[str] = mapped_column(String(80))
    actor: Mapped[str] = mapped_column(String(200))
    trace_id: Mapped[str | None] = mapped_column(String(64))
    data: Mapped[dict[str, Any]] = mapped_column(JSONB)
    recorded_at: Mapped[datetime] = mapped_column(Timestamp, server_default=func.now())

"""The registry: tool servers and their approved tools. No organisation: registered for all of them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Boolean, Float, ForeignKey, String, Text, UniqueConstraint, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from ports.db import Base, Timestamp


class ToolServerRow(Base):
    __tablename__ = "tool_servers"
    __table_args__ = (UniqueConstraint("organisation_id", "name", postgresql_nulls_not_distinct=True),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organisation_id: Mapped[UUID | None] = mapped_column(ForeignKey("organisations.id"))
    name: Mapped[str] = mapped_column(String(100))
    address: Mapped[str] = mapped_column(Text)
    audience: Mapped[str] = mapped_column(String(120))
    approved_by: Mapped[str] = mapped_column(String(200))
    """`release`: ours, replaced by each release."""
    updated_at: Mapped[datetime] = mapped_column(Timestamp, server_default=func.now())


class RegisteredToolRow(Base):
    """Names are global and never prefixed (SPEC 8)."""

    __tablename__ = "registered_tools"
    __table_args__ = (UniqueConstraint("organisation_id", "name", postgresql_nulls_not_distinct=True),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organisation_id: Mapped[UUID | None] = mapped_column(ForeignKey("organisations.id"))
    server_id: Mapped[UUID] = mapped_column(ForeignKey("tool_servers.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(200))
    definition: Mapped[dict[str, Any]] = mapped_column(JSONB)
    definition_hash: Mapped[str] = mapped_column(String(64))
    approved_by: Mapped[str] = mapped_column(String(200))
    category: Mapped[str] = mapped_column(String(60))
    risk: Mapped[str] = mapped_column(String(20))
    cost_tier: Mapped[str] = mapped_column(String(20))
    privacy_compatible: Mapped[bool] = mapped_column(Boolean)
    roles: Mapped[list[str]] = mapped_column(ARRAY(Text))
    permission: Mapped[str | None] = mapped_column(String(60))
    timeout_s: Mapped[float] = mapped_column(Float)
    idempotent: Mapped[bool] = mapped_column(Boolean)

"""Table of model calls: one row each, written off the hot path (SPEC 10)."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Float, Index, Integer, Text, Uuid, func
from sqlalchemy.orm import Mapped, mapped_column

from ports.db import Base, Timestamp


class InvocationRow(Base):
    """`error` is our own code, never the provider's message."""

    __tablename__ = "llm_invocations"
    __table_args__ = (Index("ix_llm_invocations_when", "organisation_id", "created_at"),)

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    organisation_id: Mapped[UUID] = mapped_column(Uuid)
    user_id: Mapped[UUID] = mapped_column(Uuid)
    turn_id: Mapped[UUID | None] = mapped_column(Uuid)
    trace_id: Mapped[str | None] = mapped_column(Text)
    tier: Mapped[int] = mapped_column(Integer)
    model: Mapped[str] = mapped_column(Text)
    task_type: Mapped[str] = mapped_column(Text)
    input_tokens: Mapped[int] = mapped_column(Integer)
    output_tokens: Mapped[int] = mapped_column(Integer)
    cost: Mapped[float] = mapped_column(Float)
    latency_ms: Mapped[float] = mapped_column(Float)
    success: Mapped[bool]
    error: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(Timestamp, server_default=func.now())

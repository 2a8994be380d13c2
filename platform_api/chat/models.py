"""Table of turns: who runs one, until when, and how it ended (SPEC 4)."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, Uuid, func
from sqlalchemy.orm import Mapped, mapped_column

from ports.db import Base, Timestamp


class TurnRow(Base):
    """`terminal` is the event that ended the turn, as it was sent; null while it runs.

    Whoever writes it does so `WHERE state = 'running'`, so exactly one end is ever written.
    """

    __tablename__ = "turns"
    __table_args__ = (
        CheckConstraint("state IN ('running', 'completed', 'failed', 'suspended')", name="state"),
        CheckConstraint("(state = 'running') = (terminal IS NULL)", name="ended"),
        Index("uq_turns_running", "session_id", unique=True, postgresql_where="state = 'running'"),
        Index(
            "uq_turns_idempotency_key",
            "organisation_id",
            "user_id",
            "idempotency_key",
            unique=True,
            postgresql_where="idempotency_key IS NOT NULL",
        ),
        Index("ix_turns_lease", "lease_until", postgresql_where="state = 'running'"),
        Index("ix_turns_session", "session_id", "started_at"),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    organisation_id: Mapped[UUID] = mapped_column(Uuid)
    session_id: Mapped[UUID] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"))
    user_id: Mapped[UUID] = mapped_column(Uuid)
    continues: Mapped[UUID | None] = mapped_column(Uuid)
    request_id: Mapped[str] = mapped_column(Text)
    idempotency_key: Mapped[str | None] = mapped_column(Text)
    request_hash: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text, server_default="running")
    owner: Mapped[UUID] = mapped_column(Uuid)
    lease_until: Mapped[datetime] = mapped_column(Timestamp)
    outcome: Mapped[str | None] = mapped_column(Text)
    terminal: Mapped[str | None] = mapped_column(Text)
    started_at: Mapped[datetime] = mapped_column(Timestamp, server_default=func.now())
    finished_at: Mapped[datetime | None] = mapped_column(Timestamp)

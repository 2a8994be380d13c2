"""Tables of channels: their sealed state, and what waits to be delivered."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, String, Text, func
from sqlalchemy import UniqueConstraint as Unique
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from ports.db import Base, Timestamp, sealed


def state_about(organisation_id: UUID, channel: str, key: str) -> bytes:
    """What a sealed entry is bound to."""
    return f"channel-state|{organisation_id}|{channel}|{key}".encode()


def _of_entry(row: "ChannelStateRow") -> bytes:
    return state_about(row.organisation_id, row.channel, row.key)


class ChannelStateRow(Base):
    """`sealed`: JSON under the vault's keys, bound to organisation, channel and key."""

    __tablename__ = "channel_state"

    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"), primary_key=True)
    channel: Mapped[str] = mapped_column(String(20), primary_key=True)
    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    sealed: Mapped[str] = mapped_column(Text, info=sealed(_of_entry))
    version: Mapped[int]
    updated_at: Mapped[datetime] = mapped_column(Timestamp, server_default=func.now())
    expires_at: Mapped[datetime | None] = mapped_column(Timestamp, index=True)


class DeliveryRow(Base):
    """`about` names the occasion: the same one to the same person is delivered once."""

    __tablename__ = "deliveries"
    __table_args__ = (
        CheckConstraint("state IN ('waiting', 'delivered', 'gone', 'expired')", name="state"),
        ForeignKeyConstraint(
            ["organisation_id", "user_id"], ["users.organisation_id", "users.id"], ondelete="CASCADE"
        ),
        Unique("organisation_id", "identity", "kind", "about"),
        Index(
            "ix_deliveries_due",
            "organisation_id",
            "channel",
            "due_at",
            postgresql_where="state = 'waiting'",
        ),
        Index("ix_deliveries_ended", "expires_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organisation_id: Mapped[UUID]
    channel: Mapped[str] = mapped_column(String(20))
    identity: Mapped[str] = mapped_column(String(350))
    user_id: Mapped[UUID]
    kind: Mapped[str] = mapped_column(String(60))
    about: Mapped[str] = mapped_column(String(200))
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)
    state: Mapped[str] = mapped_column(String(10), server_default="waiting")
    attempts: Mapped[int] = mapped_column(server_default="0")
    due_at: Mapped[datetime] = mapped_column(Timestamp)
    """When it is next to be claimed; while somebody holds it, when the lease ends."""
    lease: Mapped[UUID | None]
    detail: Mapped[str] = mapped_column(Text, server_default="")
    created_at: Mapped[datetime] = mapped_column(Timestamp, server_default=func.now())
    expires_at: Mapped[datetime] = mapped_column(Timestamp)

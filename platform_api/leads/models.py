"""The table of leads for manual entry."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy import UniqueConstraint as Unique
from sqlalchemy.orm import Mapped, mapped_column

from ports.db import Base, Timestamp, sealed


def about(organisation_id: UUID, lead_id: UUID) -> bytes:
    """What the sealed details are bound to."""
    return f"manual-lead|{organisation_id}|{lead_id}".encode()


def _of_lead(row: "ManualLeadRow") -> bytes:
    return about(row.organisation_id, row.id)


class ManualLeadRow(Base):
    """key: under which the contact server tried it; the same one is one lead, however often it is reported.
    details: JSON of kit.wire.leads.LeadDetails under the vault's keys."""

    __tablename__ = "manual_leads"
    __table_args__ = (
        CheckConstraint("state IN ('open', 'done')", name="state"),
        Unique("organisation_id", "user_id", "key"),
        Index("ix_manual_leads_listed", "organisation_id", "state", "reported_at", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    user_id: Mapped[UUID]
    booking_id: Mapped[UUID | None]
    key: Mapped[str] = mapped_column(String(200))
    why: Mapped[str] = mapped_column(String(500))
    details: Mapped[str] = mapped_column(Text, info=sealed(_of_lead))
    state: Mapped[str] = mapped_column(String(10), server_default="open")
    crm_id: Mapped[str | None] = mapped_column(String(200))
    reported_at: Mapped[datetime] = mapped_column(Timestamp)
    done_at: Mapped[datetime | None] = mapped_column(Timestamp)
    done_by: Mapped[UUID | None]

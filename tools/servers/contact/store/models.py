"""Bookings, consents, and effects: what was agreed, and what it takes to have it done.

Not sealed: the same facts stand in the calendar, the CRM and the outbox by design. They are kept no longer
than needed instead: an effect forgets its content when it is done, a booking its person some time after the
meeting (docs/decisions/0051).
"""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Boolean, Index, Integer, Text, UniqueConstraint, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from ports.db import Timestamp
from tools.servers.contact.store.base import ContactBase, Owned

BookingState = Literal["booking", "booked", "undoing", "cancelled"]
"""booking: agreed, its event not yet known to be placed. undoing: it will not be; what may be left of it is
being taken out. A booking that was undone leaves no row."""
EffectKind = Literal["event", "letter", "lead"]
EffectState = Literal["open", "doing", "done", "in_doubt", "manual", "failed"]
"""in_doubt: an e-mail of which nobody can tell whether it was sent; manual: left to a person."""
CLOSED: frozenset[EffectState] = frozenset({"done", "in_doubt", "manual", "failed"})


class ConsentRow(Owned, ContactBase):
    """That somebody agreed, to which text, when, from where."""

    __tablename__ = "consents"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    booking_id: Mapped[UUID | None] = mapped_column(Uuid)
    email: Mapped[str] = mapped_column(Text)
    text_version: Mapped[str] = mapped_column(Text)
    privacy: Mapped[bool] = mapped_column(Boolean)
    contact: Mapped[bool] = mapped_column(Boolean)
    channel: Mapped[str] = mapped_column(Text)
    given_at: Mapped[datetime] = mapped_column(Timestamp)

    __table_args__ = (Index(None, "organisation_id", "user_id"),)


class BookingRow(Owned, ContactBase):
    """sequence: of its invitation (RFC 5545). facts: booking.facts.Facts. told_open: the person was told that
    something is still open, so its end is told, too."""

    __tablename__ = "bookings"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    state: Mapped[BookingState] = mapped_column(Text)
    consent_id: Mapped[UUID] = mapped_column(Uuid)
    host: Mapped[str] = mapped_column(Text)
    start_at: Mapped[datetime] = mapped_column(Timestamp)
    end_at: Mapped[datetime] = mapped_column(Timestamp)
    sequence: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB)
    told_open: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    created_at: Mapped[datetime] = mapped_column(Timestamp)
    changed_at: Mapped[datetime] = mapped_column(Timestamp)

    __table_args__ = (
        # one person cannot have the same meeting twice, whatever asks for it twice
        Index(
            "uq_bookings_active",
            "organisation_id",
            "user_id",
            "host",
            "start_at",
            unique=True,
            postgresql_where=text("state IN ('booking', 'booked')"),
        ),
        Index(None, "organisation_id", "user_id", "start_at"),
    )


class EffectRow(Owned, ContactBase):
    """One thing that is done in another system, once. `key` is what makes it one: of the caller (a
    tool called by itself), or of the booking and its sequence.

    digest: of the content, which another call with the same key has to equal. held_until: whoever performs
    it renews this; past it, the attempt is lost and the next one asks what it left behind.
    """

    __tablename__ = "effects"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    booking_id: Mapped[UUID | None] = mapped_column(Uuid)
    kind: Mapped[EffectKind] = mapped_column(Text)
    key: Mapped[str] = mapped_column(Text)
    digest: Mapped[str] = mapped_column(Text)
    verb: Mapped[str] = mapped_column(Text)
    content: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    state: Mapped[EffectState] = mapped_column(Text)
    attempts: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    result: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    reason: Mapped[str] = mapped_column(Text, server_default=text("''"))
    held_until: Mapped[datetime | None] = mapped_column(Timestamp)
    created_at: Mapped[datetime] = mapped_column(Timestamp)
    changed_at: Mapped[datetime] = mapped_column(Timestamp)

    __table_args__ = (
        UniqueConstraint("organisation_id", "user_id", "kind", "key"),
        Index(None, "booking_id"),
    )

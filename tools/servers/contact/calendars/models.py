"""Tables of the built-in calendar, and the holds by which nobody is booked twice."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid5

from sqlalchemy import ColumnElement, Index, Integer, Text, Uuid, literal_column
from sqlalchemy.dialects.postgresql import JSONB, ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from ports.db import Timestamp
from tools.servers.contact.people import address
from tools.servers.contact.store import SCHEMA, ContactBase, Owned

# btree_gist, which would compare a uuid for equality here, is not in every Postgres. A range type is: the
# ranges [id, id] of two rows overlap exactly when the ids are equal.
_ONE_PERSON: Final[ColumnElement[Any]] = literal_column(f"{SCHEMA}.uuidrange(calendar_id, calendar_id, '[]')")
_TIME: Final[ColumnElement[Any]] = literal_column("tstzrange(start_at, end_at)")


def calendar_id(organisation_id: UUID, email: str) -> UUID:
    """Of one person in one organisation."""
    return uuid5(organisation_id, address(email))


class CalendarEventRow(Owned, ContactBase):
    """An event of the built-in calendar. uid: unique in the organisation. organiser,
    attendees: [email, name]."""

    __tablename__ = "calendar_events"

    organisation_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    uid: Mapped[str] = mapped_column(Text, primary_key=True)
    title: Mapped[str] = mapped_column(Text)
    start_at: Mapped[datetime] = mapped_column(Timestamp)
    end_at: Mapped[datetime] = mapped_column(Timestamp)
    tz: Mapped[str] = mapped_column(Text)
    organiser: Mapped[list[Any]] = mapped_column(JSONB)
    attendees: Mapped[list[Any]] = mapped_column(JSONB)
    location: Mapped[str] = mapped_column(Text)
    notes: Mapped[str] = mapped_column(Text)
    sequence: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[datetime] = mapped_column(Timestamp)


class HoldRow(Owned, ContactBase):
    """One person's time, held for one event. until: None for good (an event of the built-in calendar), else
    for the moment (an event is being placed in another system)."""

    __tablename__ = "calendar_holds"

    organisation_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    uid: Mapped[str] = mapped_column(Text, primary_key=True)
    calendar_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    start_at: Mapped[datetime] = mapped_column(Timestamp)
    end_at: Mapped[datetime] = mapped_column(Timestamp)
    until: Mapped[datetime | None] = mapped_column(Timestamp)

    __table_args__ = (
        ExcludeConstraint((_ONE_PERSON, "&&"), (_TIME, "&&"), name="no_double_booking", using="gist"),
        Index(None, "calendar_id", "start_at"),
    )


class PlaceRow(Owned, ContactBase):
    """In whose calendars, in another system, an event stands or may stand: addresses."""

    __tablename__ = "calendar_places"

    organisation_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    uid: Mapped[str] = mapped_column(Text, primary_key=True)
    organiser: Mapped[str] = mapped_column(Text)
    others: Mapped[list[str]] = mapped_column(JSONB)
    created_at: Mapped[datetime] = mapped_column(Timestamp)

"""Tables of interactions: what was asked of whom, and the permissions that count once."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Boolean, CheckConstraint, ForeignKey, Index, Integer, String, Text, Uuid, func
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from ports.db import Base, Timestamp, sealed

Part = Literal["questions", "waiting", "answer", "answered_as", "result"]


def about(interaction_id: UUID, part: Part) -> bytes:
    """What a sealed part is bound to."""
    return f"interaction/{interaction_id}/{part}".encode()


def _part(part: Part) -> dict[str, Any]:
    return sealed(lambda row: about(row.id, part))


class InteractionRow(Base):
    """One question to a person. Whoever ends it does so `WHERE status = 'open'`: it ends once.

    `questions`, `waiting`, `answer`, `answered_as` and `result` are sealed (see sealed.py): what tools ask,
    what people answer and what an agent carries is nobody's to read in a table.
    """

    __tablename__ = "interactions"
    __table_args__ = (
        CheckConstraint("kind IN ('form', 'choice', 'approval', 'connect_account')", name="kind"),
        CheckConstraint("status IN ('open', 'answered', 'expired', 'cancelled')", name="status"),
        CheckConstraint("asked_of IN ('me', 'second_person')", name="asked_of"),
        CheckConstraint("outcome IN ('accept', 'decline', 'cancel')", name="outcome"),
        CheckConstraint("(status = 'open') = (ended_at IS NULL)", name="ended"),
        CheckConstraint("(status = 'answered') = (outcome IS NOT NULL)", name="answered"),
        Index("ix_interactions_mine", "organisation_id", "user_id", "created_at", "id"),
        Index(
            "ix_interactions_of_others",
            "organisation_id",
            "created_at",
            "id",
            postgresql_where="asked_of = 'second_person'",
        ),
        Index("ix_interactions_session", "session_id"),
        Index("ix_interactions_due", "expires_at", postgresql_where="status = 'open'"),
        Index(
            "ix_interactions_unheard",
            "ended_at",
            postgresql_where="awaited AND status = 'answered' AND heard_at IS NULL",
        ),
        Index("ix_interactions_ended", "ended_at", postgresql_where="ended_at IS NOT NULL"),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    user_id: Mapped[UUID] = mapped_column(Uuid)
    asked_by: Mapped[str] = mapped_column(Text)
    roles: Mapped[list[str]] = mapped_column(ARRAY(Text))
    permissions: Mapped[list[str]] = mapped_column(ARRAY(Text))
    """What the credential could do that it was asked under: one that can do less sees nothing of it."""
    asked_as: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """Channel and limits of the turn, as claims (access.tokens)."""
    kind: Mapped[str] = mapped_column(String(20))
    status: Mapped[str] = mapped_column(String(12), server_default="open")
    asked_of: Mapped[str] = mapped_column(String(16))
    approvers: Mapped[list[str]] = mapped_column(ARRAY(Text))
    title: Mapped[str] = mapped_column(Text)
    tool: Mapped[str] = mapped_column(String(200))
    connects: Mapped[str | None] = mapped_column(String(200))
    """The tool server whose account is to be connected."""
    session_id: Mapped[UUID | None] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"))
    turn_id: Mapped[UUID | None] = mapped_column(Uuid)
    questions: Mapped[str | None] = mapped_column(Text, info=_part("questions"))
    waiting: Mapped[str | None] = mapped_column(Text, info=_part("waiting"))
    awaited: Mapped[bool] = mapped_column(Boolean)
    """Whether somebody of ours goes on with the answer; else a client of the gateway does."""
    created_at: Mapped[datetime] = mapped_column(Timestamp, server_default=func.now())
    expires_at: Mapped[datetime] = mapped_column(Timestamp)
    ended_at: Mapped[datetime | None] = mapped_column(Timestamp)
    outcome: Mapped[str | None] = mapped_column(String(8))
    answered_by: Mapped[UUID | None] = mapped_column(Uuid)
    answered_under: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    """The limits of the owner's credential that answered, as claims: a shared place stays one."""
    answer: Mapped[str | None] = mapped_column(Text, info=_part("answer"))
    answered_as: Mapped[str | None] = mapped_column(Text, info=_part("answered_as"))
    """A digest of the answer, by which a repeated one is known after the answer itself is gone."""
    continued_by: Mapped[UUID | None] = mapped_column(Uuid)
    hearings: Mapped[int] = mapped_column(Integer, server_default="0")
    hearing_until: Mapped[datetime | None] = mapped_column(Timestamp)
    heard_at: Mapped[datetime | None] = mapped_column(Timestamp)
    result: Mapped[str | None] = mapped_column(Text, info=_part("result"))


class OneShotRow(Base):
    """A permission that counts once. Where an interaction of the same id asked for it, that one decides."""

    __tablename__ = "one_shots"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    user_id: Mapped[UUID] = mapped_column(Uuid)
    digest: Mapped[str] = mapped_column(String(200))
    asked: Mapped[bool] = mapped_column(Boolean)
    second_person: Mapped[bool] = mapped_column(Boolean)
    created_at: Mapped[datetime] = mapped_column(Timestamp, server_default=func.now(), index=True)
    consumed_at: Mapped[datetime | None] = mapped_column(Timestamp)

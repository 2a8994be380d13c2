"""Organisations, their people, API keys, and who people are in channels."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    String,
    Text,
    UniqueConstraint,
    func,
)
from sqlalchemy.orm import Mapped, mapped_column

from ports.db import Base, Timestamp


class OrganisationRow(Base):
    __tablename__ = "organisations"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime] = mapped_column(Timestamp, server_default=func.now())


class UserRow(Base):
    __tablename__ = "users"
    __table_args__ = (
        UniqueConstraint("organisation_id", "email"),
        UniqueConstraint("organisation_id", "id"),
        CheckConstraint("kind IN ('person', 'guest', 'service')", name="kind"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    kind: Mapped[str] = mapped_column(String(10), server_default="person")
    """guest: somebody of a channel who is not linked; service: a bot."""
    name: Mapped[str] = mapped_column(String(200))
    email: Mapped[str] = mapped_column(String(320))
    roles: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    permissions: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    """Granted one by one, beside those of the roles."""
    disabled_at: Mapped[datetime | None] = mapped_column(Timestamp)
    created_at: Mapped[datetime] = mapped_column(Timestamp, server_default=func.now())


class GroupMemberRow(Base):
    __tablename__ = "group_members"
    __table_args__ = (
        ForeignKeyConstraint(
            ["organisation_id", "user_id"], ["users.organisation_id", "users.id"], ondelete="CASCADE"
        ),
    )

    organisation_id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    group: Mapped[str] = mapped_column(String(120), primary_key=True)


class ApiKeyRow(Base):
    __tablename__ = "api_keys"
    __table_args__ = (
        ForeignKeyConstraint(
            ["organisation_id", "user_id"], ["users.organisation_id", "users.id"], ondelete="CASCADE"
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organisation_id: Mapped[UUID]
    user_id: Mapped[UUID] = mapped_column(index=True)
    name: Mapped[str] = mapped_column(String(120))
    secret_hash: Mapped[str] = mapped_column(String(64))
    """SHA-256 of the secret, hex: it has 256 random bits, so nothing slower is needed."""
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    created_at: Mapped[datetime] = mapped_column(Timestamp, server_default=func.now())
    expires_at: Mapped[datetime] = mapped_column(Timestamp)
    last_used_at: Mapped[datetime | None] = mapped_column(Timestamp)


class GrantRow(Base):
    """A long list of access keys by its hash, for when Redis has forgotten it (SPEC 3b)."""

    __tablename__ = "grants"

    hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    keys: Mapped[list[str]] = mapped_column(ARRAY(Text))
    kept_at: Mapped[datetime] = mapped_column(Timestamp, server_default=func.now())


class ChannelLinkRow(Base):
    """An identity in a channel and a user are one; a user may have several identities."""

    __tablename__ = "channel_links"
    __table_args__ = (
        UniqueConstraint("organisation_id", "identity"),
        ForeignKeyConstraint(
            ["organisation_id", "user_id"], ["users.organisation_id", "users.id"], ondelete="CASCADE"
        ),
        CheckConstraint("how IN ('confirmed', 'asserted')", name="how"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organisation_id: Mapped[UUID]
    user_id: Mapped[UUID] = mapped_column(index=True)
    channel: Mapped[str] = mapped_column(String(20))
    identity: Mapped[str] = mapped_column(String(350))
    name: Mapped[str] = mapped_column(String(200), server_default="")
    how: Mapped[str] = mapped_column(String(10))
    linked_at: Mapped[datetime] = mapped_column(Timestamp, server_default=func.now())


class LinkCodeRow(Base):
    """Offered to somebody of a channel: whoever confirms it while signed in becomes that person there."""

    __tablename__ = "link_codes"

    code_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    identity: Mapped[str] = mapped_column(String(350))
    name: Mapped[str] = mapped_column(String(200), server_default="")
    expires_at: Mapped[datetime] = mapped_column(Timestamp, index=True)

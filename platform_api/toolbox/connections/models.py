"""How one signs in to a server, who is connected to it, and who is about to be.

Everything that opens anything is sealed: columns that end in `_sealed` (see vault.py).
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Boolean,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from platform_api.toolbox.connections.vault import Owner, What
from ports.db import Base, Timestamp, sealed


def _of_owner(what: What) -> Callable[[Any], bytes]:
    return lambda row: Owner(row.organisation_id, row.user_id, row.server).about(what)


def _of_sign_in(row: "SignInRow") -> bytes:
    what: What = "header" if row.kind == "static" else "client_secret"
    return Owner(row.organisation_id, None, row.server).about(what)


class SignInRow(Base):
    """What an admin said about a server of the organisation, and what was found out about it."""

    __tablename__ = "server_sign_ins"
    __table_args__ = (
        UniqueConstraint("organisation_id", "server"),
        CheckConstraint(
            "kind IN ('authorization_code', 'client_credentials', 'on_behalf_of', 'static')", name="kind"
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    server: Mapped[str] = mapped_column(String(100))
    """Its name in the registry."""
    address: Mapped[str] = mapped_column(Text)
    """For which it holds: another address of the same name gets nothing until an admin says so again."""
    kind: Mapped[str] = mapped_column(String(30))
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    issuer: Mapped[str | None] = mapped_column(Text)
    found: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    """Endpoints and habits of the authorization server: discovery.Found."""
    client_id: Mapped[str | None] = mapped_column(Text)
    client_auth: Mapped[str] = mapped_column(String(40), server_default="none")
    registered: Mapped[str] = mapped_column(String(12), server_default="given")
    """How we came to the client id: given, document (CIMD), dynamic (RFC 7591)."""
    secret_sealed: Mapped[str | None] = mapped_column(Text, info=sealed(_of_sign_in))
    """Of the client; or, of kind static, what everyone's requests carry."""
    header: Mapped[str] = mapped_column(String(60), server_default="Authorization")
    prefix: Mapped[str] = mapped_column(String(20), server_default="Bearer ")
    assertion_from: Mapped[str | None] = mapped_column(String(100))
    """on_behalf_of: the server whose token of the person is exchanged; None: a token that we sign."""
    set_by: Mapped[UUID]
    updated_at: Mapped[datetime] = mapped_column(Timestamp, server_default=func.now())


class ConnectionRow(Base):
    """One person's tokens for one server; without a person: the organisation's own (client credentials)."""

    __tablename__ = "connections"
    __table_args__ = (
        UniqueConstraint("organisation_id", "user_id", "server", postgresql_nulls_not_distinct=True),
        ForeignKeyConstraint(
            ["organisation_id", "user_id"], ["users.organisation_id", "users.id"], ondelete="CASCADE"
        ),
        CheckConstraint("state IN ('connected', 'reconnect')", name="state"),
        CheckConstraint("phase IN ('idle', 'claimed', 'sent')", name="phase"),
        Index("ix_connections_server", "organisation_id", "server"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    user_id: Mapped[UUID | None]
    server: Mapped[str] = mapped_column(String(100))
    address: Mapped[str] = mapped_column(Text)
    """Where its tokens may go, and nowhere else."""
    kind: Mapped[str] = mapped_column(String(30))
    state: Mapped[str] = mapped_column(String(12), server_default="connected")
    problem: Mapped[str | None] = mapped_column(String(40))
    """Why it is to be connected again: refused, uncertain, expired."""
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    access_sealed: Mapped[str | None] = mapped_column(Text, info=sealed(_of_owner("access")))
    refresh_sealed: Mapped[str | None] = mapped_column(Text, info=sealed(_of_owner("refresh")))
    access_hash: Mapped[str | None] = mapped_column(String(64))
    """SHA-256, by which a gateway says which one was refused."""
    issued_at: Mapped[datetime | None] = mapped_column(Timestamp)
    expires_at: Mapped[datetime | None] = mapped_column(Timestamp)
    """Of the access token; None: it does not say."""
    resendable: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    """The authorization server lets a refresh token be used again: it was seen to keep it, or is known to."""
    generation: Mapped[int] = mapped_column(Integer, server_default="1")
    """Counted up with each set of tokens."""
    phase: Mapped[str] = mapped_column(String(10), server_default="idle")
    """claimed: somebody is about to refresh; sent: the refresh token is on its way, and is used up."""
    claim: Mapped[UUID | None]
    claimed_until: Mapped[datetime | None] = mapped_column(Timestamp)
    last_used_at: Mapped[datetime | None] = mapped_column(Timestamp)
    created_at: Mapped[datetime] = mapped_column(Timestamp, server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(Timestamp, server_default=func.now())


class AttemptRow(Base):
    """Somebody is on their way through a sign-in page. Its id is the ticket in our own link."""

    __tablename__ = "connection_attempts"
    __table_args__ = (
        ForeignKeyConstraint(
            ["organisation_id", "user_id"], ["users.organisation_id", "users.id"], ondelete="CASCADE"
        ),
        Index("ix_connection_attempts_person", "organisation_id", "user_id", "server"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    user_id: Mapped[UUID]
    server: Mapped[str] = mapped_column(String(100))
    address: Mapped[str] = mapped_column(Text)
    state_hash: Mapped[str | None] = mapped_column(String(64), unique=True)
    browser_hash: Mapped[str | None] = mapped_column(String(64))
    """Of the cookie of the browser in which it was begun."""
    verifier_sealed: Mapped[str | None] = mapped_column(Text, info=sealed(_of_owner("verifier")))
    issuer: Mapped[str | None] = mapped_column(Text)
    redirect_uri: Mapped[str | None] = mapped_column(Text)
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    created_at: Mapped[datetime] = mapped_column(Timestamp, server_default=func.now())
    expires_at: Mapped[datetime] = mapped_column(Timestamp)
    ended_at: Mapped[datetime | None] = mapped_column(Timestamp)

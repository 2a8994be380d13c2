"""The registry: tool servers, their approved tools, what they were seen to list, and admins' policies.

No organisation: registered for all of them, which only a release does.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Float,
    ForeignKey,
    Integer,
    String,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from ports.db import Base, Timestamp

_NOTHING = text("'{}'")


class RegistryStateRow(Base):
    """One row. Whoever changes the registry counts it up first, and so holds it until the commit: changes
    happen one after the other, and a reader knows by the number whether anything did."""

    __tablename__ = "registry_state"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    version: Mapped[int] = mapped_column(BigInteger, server_default="1")


class ToolServerRow(Base):
    __tablename__ = "tool_servers"
    __table_args__ = (UniqueConstraint("organisation_id", "name", postgresql_nulls_not_distinct=True),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organisation_id: Mapped[UUID | None] = mapped_column(ForeignKey("organisations.id"))
    name: Mapped[str] = mapped_column(String(100))
    address: Mapped[str] = mapped_column(Text)
    audience: Mapped[str] = mapped_column(String(120), unique=True)
    """Nobody else's, in any organisation: what one server is given opens nothing at another."""
    approved_by: Mapped[str] = mapped_column(String(200))
    """`release`: ours, replaced by each release."""
    updated_at: Mapped[datetime] = mapped_column(Timestamp, server_default=func.now())
    description: Mapped[str] = mapped_column(Text, server_default="")
    credential: Mapped[str] = mapped_column(String(20), server_default="switchboard")
    disabled: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    quarantined: Mapped[str | None] = mapped_column(Text)
    """An admin's reason; holds for all of its tools."""
    document: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    shares: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=_NOTHING)
    roles: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=_NOTHING)
    permission: Mapped[str | None] = mapped_column(String(60))
    privacy_compatible: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    created_at: Mapped[datetime] = mapped_column(Timestamp, server_default=func.now())
    looked_at: Mapped[datetime | None] = mapped_column(Timestamp)
    """When its tools were last listed for an admin."""
    edition: Mapped[int] = mapped_column(Integer, server_default="1")
    """Counted up by every change: a second admin's change of an older one is refused."""


class RegisteredToolRow(Base):
    """An approved definition with the policy that it came with; an admin's own is in ToolPolicyRow."""

    __tablename__ = "registered_tools"
    __table_args__ = (UniqueConstraint("server_id", "name"),)

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
    calls_per_min: Mapped[int | None] = mapped_column(Integer)
    groups: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=_NOTHING)
    agents: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=_NOTHING)
    channels: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=_NOTHING)
    requires: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=_NOTHING)
    approval: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    breaker: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    retries: Mapped[int] = mapped_column(Integer, server_default="0")
    operation: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    drifted: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    """The server lists something else under this name, or nothing."""
    drift_heard_at: Mapped[datetime | None] = mapped_column(Timestamp)
    """When the newest report was made: an older one that arrives later changes nothing."""
    approved_at: Mapped[datetime] = mapped_column(Timestamp, server_default=func.now())


class SeenToolRow(Base):
    """What a server was last seen to list under a name, where it is not what is approved: pending, or
    drifted. Of an approved tool it has that tool's id."""

    __tablename__ = "seen_tools"
    __table_args__ = (UniqueConstraint("server_id", "name"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organisation_id: Mapped[UUID | None] = mapped_column(ForeignKey("organisations.id"))
    server_id: Mapped[UUID] = mapped_column(ForeignKey("tool_servers.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(200))
    definition: Mapped[dict[str, Any]] = mapped_column(JSONB)
    definition_hash: Mapped[str] = mapped_column(String(64))
    operation: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    rejected: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    """By an admin, in this form; another form is pending anew."""
    seen_at: Mapped[datetime] = mapped_column(Timestamp, server_default=func.now())


class ToolPolicyRow(Base):
    """What an organisation's admins set for a tool, above what it came with. By names: it outlives an
    upgrade, and a start without the server."""

    __tablename__ = "tool_policies"

    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"), primary_key=True)
    server: Mapped[str] = mapped_column(String(100), primary_key=True)
    tool: Mapped[str] = mapped_column(String(200), primary_key=True)
    changes: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=_NOTHING)
    """Fields of RegisteredTool, and `enabled`."""
    quarantined: Mapped[str | None] = mapped_column(Text)
    edition: Mapped[int] = mapped_column(Integer, server_default="1")
    updated_at: Mapped[datetime] = mapped_column(Timestamp, server_default=func.now())

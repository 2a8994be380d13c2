"""Folders, repositories and web sites that are read on a schedule; what they held; the log of the runs."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Boolean,
    CheckConstraint,
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

from ports.db import Base, Timestamp


class SourceRow(Base):
    """`created_by` is as whom it runs."""

    __tablename__ = "sources"
    __table_args__ = (
        ForeignKeyConstraint(
            ["organisation_id", "knowledge_base_id"],
            ["knowledge_bases.organisation_id", "knowledge_bases.id"],
            ondelete="CASCADE",
        ),
        UniqueConstraint("organisation_id", "id"),
        CheckConstraint("kind IN ('crawl', 'folder', 'git')", name="kind"),
        CheckConstraint("status IN ('active', 'paused', 'stopped')", name="status"),
        Index("ix_sources_base", "organisation_id", "knowledge_base_id", "created_at", "id"),
        Index("ix_sources_due", "next_run_at", postgresql_where=text("status = 'active'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organisation_id: Mapped[UUID]
    knowledge_base_id: Mapped[UUID]
    created_by: Mapped[UUID]
    kind: Mapped[str] = mapped_column(String(12))
    name: Mapped[str] = mapped_column(Text)
    """What people call it by: its address or path."""
    asked: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """kit.wire.sources.CreateSource as checked."""
    schedule_minutes: Mapped[int | None] = mapped_column(Integer)
    """None: only when asked."""
    status: Mapped[str] = mapped_column(String(12))
    reason: Mapped[str | None] = mapped_column(Text)
    hint: Mapped[str | None] = mapped_column(Text)
    failures: Mapped[int] = mapped_column(Integer, server_default="0")
    """Runs that failed, in a row."""
    kept: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    """What the gatherer wants to know of the last whole run."""
    next_run_at: Mapped[datetime | None] = mapped_column(Timestamp)
    created_at: Mapped[datetime] = mapped_column(Timestamp, server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(Timestamp, server_default=func.now())


class SourceEntryRow(Base):
    """One path of a source, as it was when it was last looked at."""

    __tablename__ = "source_entries"
    __table_args__ = (
        ForeignKeyConstraint(
            ["organisation_id", "source_id"], ["sources.organisation_id", "sources.id"], ondelete="CASCADE"
        ),
        CheckConstraint("outcome IN ('success', 'unchanged', 'failed', 'skipped', 'gone')", name="outcome"),
        Index("ix_source_entries_document", "document_id"),
    )

    source_id: Mapped[UUID] = mapped_column(primary_key=True)
    path: Mapped[str] = mapped_column(String(1024), primary_key=True)
    organisation_id: Mapped[UUID]
    document_id: Mapped[UUID | None]
    """No reference: the document may be deleted meanwhile."""
    url: Mapped[str | None] = mapped_column(Text)
    address: Mapped[str] = mapped_column(Text, server_default="")
    etag: Mapped[str] = mapped_column(Text, server_default="")
    last_modified: Mapped[datetime | None] = mapped_column(Timestamp)
    sha256: Mapped[str] = mapped_column(String(64), server_default="")
    depth: Mapped[int] = mapped_column(Integer, server_default="0")
    outcome: Mapped[str] = mapped_column(String(12))
    code: Mapped[str] = mapped_column(String(60), server_default="")
    detail: Mapped[str] = mapped_column(Text, server_default="")
    failures: Mapped[int] = mapped_column(Integer, server_default="0")
    """In a row."""
    run_id: Mapped[UUID]
    """The last run that saw it."""
    seen_at: Mapped[datetime] = mapped_column(Timestamp)


class SourceRunRow(Base):
    """A run: what people read about it, and where it goes on after a crash."""

    __tablename__ = "source_runs"
    __table_args__ = (
        ForeignKeyConstraint(
            ["organisation_id", "source_id"], ["sources.organisation_id", "sources.id"], ondelete="CASCADE"
        ),
        CheckConstraint(
            "status IN ('queued', 'running', 'succeeded', 'failed', 'stopped', 'cancelled')", name="status"
        ),
        Index("uq_source_runs_open", "source_id", unique=True, postgresql_where=text("finished_at IS NULL")),
        Index("ix_source_runs_latest", "organisation_id", "source_id", "created_at", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organisation_id: Mapped[UUID]
    source_id: Mapped[UUID]
    job_id: Mapped[UUID]
    status: Mapped[str] = mapped_column(String(12))
    forced: Mapped[bool] = mapped_column(Boolean, server_default="false")
    """Somebody said that much may vanish."""
    stage: Mapped[str] = mapped_column(String(12), server_default="gathering")
    """gathering, then removing."""
    success: Mapped[int] = mapped_column(Integer, server_default="0")
    unchanged: Mapped[int] = mapped_column(Integer, server_default="0")
    skipped: Mapped[int] = mapped_column(Integer, server_default="0")
    failed: Mapped[int] = mapped_column(Integer, server_default="0")
    removed: Mapped[int] = mapped_column(Integer, server_default="0")
    passed_over: Mapped[int] = mapped_column(Integer, server_default="0")
    """What was not even looked at."""
    code: Mapped[str | None] = mapped_column(String(60))
    detail: Mapped[str | None] = mapped_column(Text)
    hint: Mapped[str | None] = mapped_column(Text)
    problems: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default="[]")
    state: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    step_until: Mapped[datetime | None] = mapped_column(Timestamp)
    """A worker is at it until then, or is lost."""
    created_at: Mapped[datetime] = mapped_column(Timestamp, server_default=func.now())
    finished_at: Mapped[datetime | None] = mapped_column(Timestamp)

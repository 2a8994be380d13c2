"""Jobs, their items, and what went wrong."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
    false,
    func,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from ports.db import Base, Timestamp


class JobRow(Base):
    """The truth about a job; the queue's rows are only delivery (SPEC 7)."""

    __tablename__ = "jobs"
    __table_args__ = (
        UniqueConstraint("organisation_id", "id"),
        CheckConstraint("status IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')", name="status"),
        Index("ix_jobs_latest", "organisation_id", "created_by", "created_at", "id"),
        Index("ix_jobs_to_tell", "finished_at", postgresql_where="via IS NOT NULL"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    created_by: Mapped[UUID]
    kind: Mapped[str] = mapped_column(String(40))
    via: Mapped[str | None] = mapped_column(String(20))
    """The channel through which it was begun, where the person is told its end."""
    status: Mapped[str] = mapped_column(String(12))
    stage: Mapped[str] = mapped_column(String(40))
    done: Mapped[int] = mapped_column(Integer)
    good: Mapped[int] = mapped_column(Integer)
    """How many of `done` ended well."""
    total: Mapped[int] = mapped_column(Integer)
    open: Mapped[bool] = mapped_column(Boolean, server_default=false())
    """More documents may still come: it does not finish while it is."""
    report: Mapped[dict[str, int]] = mapped_column(JSONB, server_default="{}")
    """What a job that looks for work found, by name."""
    created_at: Mapped[datetime] = mapped_column(Timestamp, server_default=func.now())
    finished_at: Mapped[datetime | None] = mapped_column(Timestamp)


class JobItemRow(Base):
    """One document version of a job. No reference to the document: that may be deleted meanwhile."""

    __tablename__ = "job_items"
    __table_args__ = (
        ForeignKeyConstraint(
            ["organisation_id", "job_id"], ["jobs.organisation_id", "jobs.id"], ondelete="CASCADE"
        ),
        CheckConstraint("state IN ('queued', 'running', 'done', 'failed', 'cancelled')", name="state"),
        Index("ix_job_items_state", "job_id", "state"),
        Index("ix_job_items_document", "document_id", "version"),
    )

    job_id: Mapped[UUID] = mapped_column(primary_key=True)
    document_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    organisation_id: Mapped[UUID]
    path: Mapped[str] = mapped_column(String(1024))
    state: Mapped[str] = mapped_column(String(12))
    attempts: Mapped[int] = mapped_column(Integer, server_default="0")
    stage: Mapped[str] = mapped_column(String(20), server_default="")
    """reading, embedding or publishing, while it runs; `stage_done` of `stage_total` chunks."""
    stage_done: Mapped[int] = mapped_column(Integer, server_default="0")
    stage_total: Mapped[int] = mapped_column(Integer, server_default="0")


class JobErrorRow(Base):
    __tablename__ = "job_errors"
    __table_args__ = (
        ForeignKeyConstraint(
            ["organisation_id", "job_id"], ["jobs.organisation_id", "jobs.id"], ondelete="CASCADE"
        ),
        Index("ix_job_errors_job", "job_id", "id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    job_id: Mapped[UUID]
    organisation_id: Mapped[UUID]
    document: Mapped[str] = mapped_column(String(1024))
    code: Mapped[str] = mapped_column(String(60))
    detail: Mapped[str] = mapped_column(Text)

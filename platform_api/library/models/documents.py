"""Knowledge bases, documents with their versions and access."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
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


class KnowledgeBaseRow(Base):
    """`owner_id`: the organisation's id, the group's name, or the user's id."""

    __tablename__ = "knowledge_bases"
    __table_args__ = (
        UniqueConstraint("organisation_id", "owner_type", "owner_id", "name"),
        UniqueConstraint("organisation_id", "id"),
        CheckConstraint("owner_type IN ('org', 'department', 'user')", name="owner_type"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    owner_type: Mapped[str] = mapped_column(String(12))
    owner_id: Mapped[str] = mapped_column(String(120))
    name: Mapped[str] = mapped_column(String(120))
    created_at: Mapped[datetime] = mapped_column(Timestamp, server_default=func.now())


class DocumentRow(Base):
    """What people see of a document: the published version, and how far the latest one is.

    `path` and `source_id` are its identity in its knowledge base for those who can see it. Nothing is
    unique here: a document that somebody cannot see must not show itself by a collision. That a path
    becomes one document is seen to under the lock of its knowledge base (service/intake.py).
    """

    __tablename__ = "documents"
    __table_args__ = (
        ForeignKeyConstraint(
            ["organisation_id", "knowledge_base_id"],
            ["knowledge_bases.organisation_id", "knowledge_bases.id"],
            ondelete="CASCADE",
        ),
        UniqueConstraint("organisation_id", "id"),
        CheckConstraint("status IN ('queued', 'processing', 'ready', 'failed')", name="status"),
        Index("ix_documents_latest", "organisation_id", "knowledge_base_id", "created_at", "id"),
        Index("ix_documents_path", "organisation_id", "knowledge_base_id", "path"),
        Index("ix_documents_charged", "organisation_id", "charged_to"),
        Index("ix_documents_source", "source_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organisation_id: Mapped[UUID]
    knowledge_base_id: Mapped[UUID]
    path: Mapped[str] = mapped_column(String(1024))
    created_by: Mapped[UUID]
    title: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(String(12))
    error: Mapped[str | None] = mapped_column(Text)
    failure: Mapped[str | None] = mapped_column(String(60))
    """The code of `error`, where the latest version failed."""
    version: Mapped[int] = mapped_column(Integer)
    """The latest that was uploaded."""
    published_version: Mapped[int | None] = mapped_column(Integer)
    """The one that can be found and opened."""
    content_type: Mapped[str] = mapped_column(String(120))
    size: Mapped[int] = mapped_column(BigInteger)
    source: Mapped[str] = mapped_column(String(20), server_default="upload")
    source_url: Mapped[str] = mapped_column(Text)
    source_id: Mapped[UUID | None]
    """The source (a folder, repository or site) that it comes from; None for what people send."""
    etag: Mapped[str | None] = mapped_column(Text)
    last_crawled_at: Mapped[datetime | None] = mapped_column(Timestamp)
    corrected: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    """kit.wire.library.Corrections by an editor: they win over what the file and its sender say."""
    service_scope: Mapped[str] = mapped_column(String(50))
    scope_reason: Mapped[str] = mapped_column(Text, server_default="")
    doc_type: Mapped[str] = mapped_column(String(50))
    tags: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    privacy_level: Mapped[str] = mapped_column(String(50))
    chunks: Mapped[int] = mapped_column(Integer, server_default="0")
    charged_to: Mapped[UUID]
    """Whose quota it counts against: who last put it, or its bytes, where it is."""
    charged_bytes: Mapped[int] = mapped_column(BigInteger)
    edition: Mapped[int] = mapped_column(Integer, server_default="1")
    """Grows with every change that people make; what `If-Match` names."""
    last_modified: Mapped[datetime | None] = mapped_column(Timestamp)
    created_at: Mapped[datetime] = mapped_column(Timestamp, server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(Timestamp, server_default=func.now())


class DocumentVersionRow(Base):
    """One upload of a document: its bytes, what the uploader said about it, who may see it."""

    __tablename__ = "document_versions"
    __table_args__ = (
        ForeignKeyConstraint(
            ["organisation_id", "document_id"],
            ["documents.organisation_id", "documents.id"],
            ondelete="CASCADE",
        ),
    )

    document_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    organisation_id: Mapped[UUID]
    sha256: Mapped[str] = mapped_column(String(64))
    size: Mapped[int] = mapped_column(BigInteger)
    declared: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """kit.wire.library.DocumentMetadata as sent."""
    access_keys: Mapped[list[str]] = mapped_column(ARRAY(Text))
    blob_key: Mapped[str] = mapped_column(String(200))
    """The bytes as received."""
    read_key: Mapped[str | None] = mapped_column(String(200))
    """The blocks that we read from them; None until then."""
    content_type: Mapped[str | None] = mapped_column(String(120))
    source_modified: Mapped[datetime | None] = mapped_column(Timestamp)
    """When it changed, as the source says; a date in the file wins."""
    created_by: Mapped[UUID]
    created_at: Mapped[datetime] = mapped_column(Timestamp, server_default=func.now())


class DocumentAccessRow(Base):
    """Who may see a document now. A document without a row is nobody's.

    `shared` keys are given by people and outlive versions; the others come with the published one.
    """

    __tablename__ = "document_access"
    __table_args__ = (
        ForeignKeyConstraint(
            ["organisation_id", "document_id"],
            ["documents.organisation_id", "documents.id"],
            ondelete="CASCADE",
        ),
        Index("ix_document_access_key", "organisation_id", "access_key", "document_id"),
    )

    document_id: Mapped[UUID] = mapped_column(primary_key=True)
    access_key: Mapped[str] = mapped_column(String(200), primary_key=True)
    shared: Mapped[bool] = mapped_column(Boolean, primary_key=True, server_default=false())
    organisation_id: Mapped[UUID]
    given_by: Mapped[UUID | None]
    given_at: Mapped[datetime] = mapped_column(Timestamp, server_default=func.now())

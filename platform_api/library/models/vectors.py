"""Vectors by content, so that what was embedded once is not embedded again."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, LargeBinary, String, func
from sqlalchemy.orm import Mapped, mapped_column

from ports.db import Base, Timestamp


class ChunkVectorRow(Base):
    """What `knowledge.embed.ChunkVectors` holds; all numbers little-endian.

    content_hash: sha256 of what is embedded, not of any document: a moved or re-created chunk finds it.
    """

    __tablename__ = "chunk_vectors"
    __table_args__ = (Index("ix_chunk_vectors_used", "used_at"),)

    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"), primary_key=True)
    embedder: Mapped[str] = mapped_column(String(200), primary_key=True)
    content_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    dense: Mapped[bytes] = mapped_column(LargeBinary)
    """float32."""
    spans: Mapped[bytes] = mapped_column(LargeBinary)
    """int32 pairs."""
    rows: Mapped[bytes] = mapped_column(LargeBinary)
    """int8, one row per span."""
    used_at: Mapped[datetime] = mapped_column(Timestamp, server_default=func.now())
    """Correct to a day: reading writes only where the day is another."""

"""What people may change of a document: shares, corrections, quotas; and where it came from."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    _extend_documents()
    _forget_collisions()
    op.add_column("document_versions", sa.Column("source_modified", _TIME, nullable=True))
    _extend_access()


def _extend_documents() -> None:
    for column in (
        sa.Column("failure", sa.String(length=60), nullable=True),
        sa.Column("source_id", sa.Uuid(), nullable=True),
        sa.Column("etag", sa.Text(), nullable=True),
        sa.Column("last_crawled_at", _TIME, nullable=True),
        sa.Column("corrected", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("scope_reason", sa.Text(), server_default="", nullable=False),
        sa.Column("charged_to", sa.Uuid(), nullable=True),
        sa.Column("charged_bytes", sa.BigInteger(), nullable=True),
        sa.Column("edition", sa.Integer(), server_default="1", nullable=False),
    ):
        op.add_column("documents", column)
    op.execute("UPDATE documents SET charged_to = created_by, charged_bytes = size")
    op.alter_column("documents", "charged_to", nullable=False)
    op.alter_column("documents", "charged_bytes", nullable=False)
    op.create_index("ix_documents_charged", "documents", ["organisation_id", "charged_to"])
    op.create_index("ix_documents_source", "documents", ["source_id"])


def _forget_collisions() -> None:
    """A path that is taken by a document that one cannot see must not fail."""
    name = op.f("uq_documents_organisation_id_knowledge_base_id_path_created_by")
    op.drop_constraint(name, "documents", type_="unique")
    op.create_index("ix_documents_path", "documents", ["organisation_id", "knowledge_base_id", "path"])


def _extend_access() -> None:
    for column in (
        sa.Column("shared", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("given_by", sa.Uuid(), nullable=True),
        sa.Column("given_at", _TIME, server_default=sa.text("now()"), nullable=False),
    ):
        op.add_column("document_access", column)
    op.drop_constraint(op.f("pk_document_access"), "document_access", type_="primary")
    op.create_primary_key(
        op.f("pk_document_access"), "document_access", ["document_id", "access_key", "shared"]
    )

"""Folders, repositories and web sites that are read on a schedule."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_JSON = postgresql.JSONB(astext_type=sa.Text())
_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    _sources()
    _entries()
    _runs()


def _sources() -> None:
    op.create_table(
        "sources",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("knowledge_base_id", sa.Uuid(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("asked", _JSON, nullable=False),
        sa.Column("schedule_minutes", sa.Integer(), nullable=True),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("hint", sa.Text(), nullable=True),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("kept", _JSON, server_default="{}", nullable=False),
        sa.Column("next_run_at", _TIME, nullable=True),
        sa.Column("created_at", _TIME, server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", _TIME, server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("kind IN ('crawl', 'folder', 'git')", name=op.f("ck_sources_kind")),
        sa.CheckConstraint("status IN ('active', 'paused', 'stopped')", name=op.f("ck_sources_status")),
        sa.ForeignKeyConstraint(
            ["organisation_id", "knowledge_base_id"],
            ["knowledge_bases.organisation_id", "knowledge_bases.id"],
            name=op.f("fk_sources_organisation_id_knowledge_base_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sources")),
        sa.UniqueConstraint("organisation_id", "id", name=op.f("uq_sources_organisation_id_id")),
    )
    op.create_index(
        "ix_sources_base",
        "sources",
        ["organisation_id", "knowledge_base_id", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_sources_due",
        "sources",
        ["next_run_at"],
        unique=False,
        postgresql_where=sa.text("status = 'active'"),
    )


def _entries() -> None:
    op.create_table(
        "source_entries",
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("path", sa.String(length=1024), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("document_id", sa.Uuid(), nullable=True),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), server_default="", nullable=False),
        sa.Column("etag", sa.Text(), server_default="", nullable=False),
        sa.Column("last_modified", _TIME, nullable=True),
        sa.Column("sha256", sa.String(length=64), server_default="", nullable=False),
        sa.Column("depth", sa.Integer(), server_default="0", nullable=False),
        sa.Column("outcome", sa.String(length=12), nullable=False),
        sa.Column("code", sa.String(length=60), server_default="", nullable=False),
        sa.Column("detail", sa.Text(), server_default="", nullable=False),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("seen_at", _TIME, nullable=False),
        sa.CheckConstraint(
            "outcome IN ('success', 'unchanged', 'failed', 'skipped', 'gone')",
            name=op.f("ck_source_entries_outcome"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id", "source_id"],
            ["sources.organisation_id", "sources.id"],
            name=op.f("fk_source_entries_organisation_id_source_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("source_id", "path", name=op.f("pk_source_entries")),
    )
    op.create_index("ix_source_entries_document", "source_entries", ["document_id"], unique=False)


def _runs() -> None:
    op.create_table(
        "source_runs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("forced", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("stage", sa.String(length=12), server_default="gathering", nullable=False),
        sa.Column("success", sa.Integer(), server_default="0", nullable=False),
        sa.Column("unchanged", sa.Integer(), server_default="0", nullable=False),
        sa.Column("skipped", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failed", sa.Integer(), server_default="0", nullable=False),
        sa.Column("removed", sa.Integer(), server_default="0", nullable=False),
        sa.Column("passed_over", sa.Integer(), server_default="0", nullable=False),
        sa.Column("code", sa.String(length=60), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("hint", sa.Text(), nullable=True),
        sa.Column("problems", _JSON, server_default="[]", nullable=False),
        sa.Column("state", _JSON, server_default="{}", nullable=False),
        sa.Column("step_until", _TIME, nullable=True),
        sa.Column("created_at", _TIME, server_default=sa.text("now()"), nullable=False),
        sa.Column("finished_at", _TIME, nullable=True),
        sa.CheckConstraint(
            "status IN ('queued', 'running', 'succeeded', 'failed', 'stopped', 'cancelled')",
            name=op.f("ck_source_runs_status"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id", "source_id"],
            ["sources.organisation_id", "sources.id"],
            name=op.f("fk_source_runs_organisation_id_source_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_source_runs")),
    )
    op.create_index(
        "uq_source_runs_open",
        "source_runs",
        ["source_id"],
        unique=True,
        postgresql_where=sa.text("finished_at IS NULL"),
    )
    op.create_index(
        "ix_source_runs_latest",
        "source_runs",
        ["organisation_id", "source_id", "created_at", "id"],
        unique=False,
    )

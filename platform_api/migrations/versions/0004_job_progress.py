"""Progress, dead letters and repairs of jobs."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("jobs", sa.Column("open", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column(
        "jobs",
        sa.Column("report", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
    )
    op.add_column("job_items", sa.Column("stage", sa.String(length=20), server_default="", nullable=False))
    op.add_column("job_items", sa.Column("stage_done", sa.Integer(), server_default="0", nullable=False))
    op.add_column("job_items", sa.Column("stage_total", sa.Integer(), server_default="0", nullable=False))
    op.create_index("ix_job_items_state", "job_items", ["job_id", "state"], unique=False)
    op.create_index("ix_job_items_document", "job_items", ["document_id", "version"], unique=False)

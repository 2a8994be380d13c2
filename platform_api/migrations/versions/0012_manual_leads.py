"""Leads for manual entry."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "manual_leads",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("booking_id", sa.Uuid(), nullable=True),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("why", sa.String(length=500), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=10), server_default="open", nullable=False),
        sa.Column("crm_id", sa.String(length=200), nullable=True),
        sa.Column("reported_at", _TIME, nullable=False),
        sa.Column("done_at", _TIME, nullable=True),
        sa.Column("done_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint("state IN ('open', 'done')", name=op.f("ck_manual_leads_state")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_manual_leads_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_manual_leads")),
        sa.UniqueConstraint(
            "organisation_id", "user_id", "key", name=op.f("uq_manual_leads_organisation_id_user_id_key")
        ),
    )
    op.create_index(
        "ix_manual_leads_listed", "manual_leads", ["organisation_id", "state", "reported_at", "id"]
    )

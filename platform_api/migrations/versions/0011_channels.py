"""Who people are in channels, the channels' own state, and deliveries."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_JSON = postgresql.JSONB(astext_type=sa.Text())
_TIME = sa.DateTime(timezone=True)
_NOW = sa.text("now()")


def upgrade() -> None:
    op.add_column("users", sa.Column("kind", sa.String(length=10), server_default="person", nullable=False))
    op.create_check_constraint(op.f("ck_users_kind"), "users", "kind IN ('person', 'guest', 'service')")
    op.add_column("jobs", sa.Column("via", sa.String(length=20), nullable=True))
    op.create_index(
        "ix_jobs_to_tell",
        "jobs",
        ["finished_at"],
        unique=False,
        postgresql_where=sa.text("via IS NOT NULL"),
    )
    _links()
    _state()
    _deliveries()


def _links() -> None:
    op.create_table(
        "channel_links",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("identity", sa.String(length=350), nullable=False),
        sa.Column("name", sa.String(length=200), server_default="", nullable=False),
        sa.Column("how", sa.String(length=10), nullable=False),
        sa.Column("linked_at", _TIME, server_default=_NOW, nullable=False),
        sa.CheckConstraint("how IN ('confirmed', 'asserted')", name=op.f("ck_channel_links_how")),
        sa.ForeignKeyConstraint(
            ["organisation_id", "user_id"],
            ["users.organisation_id", "users.id"],
            name=op.f("fk_channel_links_organisation_id_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_channel_links")),
        sa.UniqueConstraint(
            "organisation_id", "identity", name=op.f("uq_channel_links_organisation_id_identity")
        ),
    )
    op.create_index(op.f("ix_channel_links_user_id"), "channel_links", ["user_id"], unique=False)
    op.create_table(
        "link_codes",
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("identity", sa.String(length=350), nullable=False),
        sa.Column("name", sa.String(length=200), server_default="", nullable=False),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_link_codes_organisation_id"),
        ),
        sa.PrimaryKeyConstraint("code_hash", name=op.f("pk_link_codes")),
    )
    op.create_index(op.f("ix_link_codes_expires_at"), "link_codes", ["expires_at"], unique=False)


def _state() -> None:
    op.create_table(
        "channel_state",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated_at", _TIME, server_default=_NOW, nullable=False),
        sa.Column("expires_at", _TIME, nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_channel_state_organisation_id"),
        ),
        sa.PrimaryKeyConstraint("organisation_id", "channel", "key", name=op.f("pk_channel_state")),
    )
    op.create_index(op.f("ix_channel_state_expires_at"), "channel_state", ["expires_at"], unique=False)


def _deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("identity", sa.String(length=350), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("about", sa.String(length=200), nullable=False),
        sa.Column("payload", _JSON, nullable=False),
        sa.Column("state", sa.String(length=10), server_default="waiting", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("due_at", _TIME, nullable=False),
        sa.Column("lease", sa.Uuid(), nullable=True),
        sa.Column("detail", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", _TIME, server_default=_NOW, nullable=False),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.CheckConstraint(
            "state IN ('waiting', 'delivered', 'gone', 'expired')", name=op.f("ck_deliveries_state")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id", "user_id"],
            ["users.organisation_id", "users.id"],
            name=op.f("fk_deliveries_organisation_id_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
        sa.UniqueConstraint(
            "organisation_id",
            "identity",
            "kind",
            "about",
            name=op.f("uq_deliveries_organisation_id_identity_kind_about"),
        ),
    )
    op.create_index(
        "ix_deliveries_due",
        "deliveries",
        ["organisation_id", "channel", "due_at"],
        unique=False,
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_index("ix_deliveries_ended", "deliveries", ["expires_at"], unique=False)

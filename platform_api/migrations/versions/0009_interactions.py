"""Interactions and one-shots."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_JSON = postgresql.JSONB(astext_type=sa.Text())
_TIME = sa.DateTime(timezone=True)
_NOW = sa.text("now()")
_CHECKS = {
    "kind": "kind IN ('form', 'choice', 'approval', 'connect_account')",
    "status": "status IN ('open', 'answered', 'expired', 'cancelled')",
    "asked_of": "asked_of IN ('me', 'second_person')",
    "outcome": "outcome IN ('accept', 'decline', 'cancel')",
    "ended": "(status = 'open') = (ended_at IS NULL)",
    "answered": "(status = 'answered') = (outcome IS NOT NULL)",
}


def upgrade() -> None:
    _interactions()
    _indexes()
    _one_shots()


def _interactions() -> None:
    op.create_table(
        "interactions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("roles", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("permissions", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("asked_as", _JSON, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("status", sa.String(length=12), server_default="open", nullable=False),
        sa.Column("asked_of", sa.String(length=16), nullable=False),
        sa.Column("approvers", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("tool", sa.String(length=200), nullable=False),
        sa.Column("connects", sa.String(length=200), nullable=True),
        sa.Column("session_id", sa.Uuid(), nullable=True),
        sa.Column("turn_id", sa.Uuid(), nullable=True),
        sa.Column("questions", sa.Text(), nullable=True),
        sa.Column("waiting", sa.Text(), nullable=True),
        sa.Column("awaited", sa.Boolean(), nullable=False),
        sa.Column("created_at", _TIME, server_default=_NOW, nullable=False),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.Column("ended_at", _TIME, nullable=True),
        sa.Column("outcome", sa.String(length=8), nullable=True),
        sa.Column("answered_by", sa.Uuid(), nullable=True),
        sa.Column("answered_under", _JSON, nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("answered_as", sa.Text(), nullable=True),
        sa.Column("continued_by", sa.Uuid(), nullable=True),
        sa.Column("hearings", sa.Integer(), server_default="0", nullable=False),
        sa.Column("hearing_until", _TIME, nullable=True),
        sa.Column("heard_at", _TIME, nullable=True),
        sa.Column("result", sa.Text(), nullable=True),
        *(sa.CheckConstraint(rule, name=op.f(f"ck_interactions_{name}")) for name, rule in _CHECKS.items()),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_interactions_organisation_id_organisations"),
        ),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["sessions.id"],
            name=op.f("fk_interactions_session_id_sessions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_interactions")),
    )


def _indexes() -> None:
    table = "interactions"
    op.create_index("ix_interactions_mine", table, ["organisation_id", "user_id", "created_at", "id"])
    op.create_index(
        "ix_interactions_of_others",
        table,
        ["organisation_id", "created_at", "id"],
        postgresql_where=sa.text("asked_of = 'second_person'"),
    )
    op.create_index("ix_interactions_session", table, ["session_id"])
    op.create_index("ix_interactions_due", table, ["expires_at"], postgresql_where=sa.text("status = 'open'"))
    op.create_index(
        "ix_interactions_unheard",
        table,
        ["ended_at"],
        postgresql_where=sa.text("awaited AND status = 'answered' AND heard_at IS NULL"),
    )
    op.create_index(
        "ix_interactions_ended", table, ["ended_at"], postgresql_where=sa.text("ended_at IS NOT NULL")
    )


def _one_shots() -> None:
    op.create_table(
        "one_shots",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.String(length=200), nullable=False),
        sa.Column("asked", sa.Boolean(), nullable=False),
        sa.Column("second_person", sa.Boolean(), nullable=False),
        sa.Column("created_at", _TIME, server_default=_NOW, nullable=False),
        sa.Column("consumed_at", _TIME, nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_one_shots_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_one_shots")),
    )
    op.create_index(op.f("ix_one_shots_created_at"), "one_shots", ["created_at"])

"""Bookings, consents, and what they take to be done."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_SCHEMA = "contact"
_JSON = postgresql.JSONB(astext_type=sa.Text())
_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    _consents()
    _bookings()
    _effects()


def _owner() -> list[sa.Column[object]]:
    return [
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
    ]


def _consents() -> None:
    op.create_table(
        "consents",
        sa.Column("id", sa.Uuid(), nullable=False),
        *_owner(),
        sa.Column("booking_id", sa.Uuid(), nullable=True),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("text_version", sa.Text(), nullable=False),
        sa.Column("privacy", sa.Boolean(), nullable=False),
        sa.Column("contact", sa.Boolean(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("given_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consents")),
        schema=_SCHEMA,
    )
    op.create_index(
        op.f("ix_consents_organisation_id_user_id"),
        "consents",
        ["organisation_id", "user_id"],
        schema=_SCHEMA,
    )


def _bookings() -> None:
    op.create_table(
        "bookings",
        sa.Column("id", sa.Uuid(), nullable=False),
        *_owner(),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("consent_id", sa.Uuid(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("start_at", _TIME, nullable=False),
        sa.Column("end_at", _TIME, nullable=False),
        sa.Column("sequence", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("facts", _JSON, nullable=False),
        sa.Column("told_open", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("changed_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bookings")),
        schema=_SCHEMA,
    )
    op.create_index(
        "uq_bookings_active",
        "bookings",
        ["organisation_id", "user_id", "host", "start_at"],
        unique=True,
        schema=_SCHEMA,
        postgresql_where=sa.text("state IN ('booking', 'booked')"),
    )
    op.create_index(
        op.f("ix_bookings_organisation_id_user_id_start_at"),
        "bookings",
        ["organisation_id", "user_id", "start_at"],
        schema=_SCHEMA,
    )


def _effects() -> None:
    op.create_table(
        "effects",
        sa.Column("id", sa.Uuid(), nullable=False),
        *_owner(),
        sa.Column("booking_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("verb", sa.Text(), nullable=False),
        sa.Column("content", _JSON, nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("result", _JSON, nullable=True),
        sa.Column("reason", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("held_until", _TIME, nullable=True),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("changed_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_effects")),
        sa.UniqueConstraint(
            "organisation_id",
            "user_id",
            "kind",
            "key",
            name=op.f("uq_effects_organisation_id_user_id_kind_key"),
        ),
        schema=_SCHEMA,
    )
    op.create_index(op.f("ix_effects_booking_id"), "effects", ["booking_id"], schema=_SCHEMA)

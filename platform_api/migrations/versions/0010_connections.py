"""Connections: the vault of tool servers' credentials."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)
_TEXTS = postgresql.ARRAY(sa.Text())


def upgrade() -> None:
    _sign_ins()
    _connections()
    _attempts()


def _organisation(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["organisation_id"], ["organisations.id"], name=op.f(f"fk_{table}_organisation_id")
    )


def _person(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["organisation_id", "user_id"],
        ["users.organisation_id", "users.id"],
        name=op.f(f"fk_{table}_organisation_id_user_id"),
        ondelete="CASCADE",
    )


def _sign_ins() -> None:
    op.create_table(
        "server_sign_ins",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("server", sa.String(length=100), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("scopes", _TEXTS, server_default=sa.text("'{}'"), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=True),
        sa.Column("found", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("client_id", sa.Text(), nullable=True),
        sa.Column("client_auth", sa.String(length=40), server_default="none", nullable=False),
        sa.Column("registered", sa.String(length=12), server_default="given", nullable=False),
        sa.Column("secret_sealed", sa.Text(), nullable=True),
        sa.Column("header", sa.String(length=60), server_default="Authorization", nullable=False),
        sa.Column("prefix", sa.String(length=20), server_default="Bearer ", nullable=False),
        sa.Column("assertion_from", sa.String(length=100), nullable=True),
        sa.Column("set_by", sa.Uuid(), nullable=False),
        sa.Column("updated_at", _TIME, server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "kind IN ('authorization_code', 'client_credentials', 'on_behalf_of', 'static')",
            name=op.f("ck_server_sign_ins_kind"),
        ),
        _organisation("server_sign_ins"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_server_sign_ins")),
        sa.UniqueConstraint(
            "organisation_id", "server", name=op.f("uq_server_sign_ins_organisation_id_server")
        ),
    )


def _connections() -> None:
    op.create_table(
        "connections",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("server", sa.String(length=100), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("state", sa.String(length=12), server_default="connected", nullable=False),
        sa.Column("problem", sa.String(length=40), nullable=True),
        sa.Column("scopes", _TEXTS, server_default=sa.text("'{}'"), nullable=False),
        sa.Column("access_sealed", sa.Text(), nullable=True),
        sa.Column("refresh_sealed", sa.Text(), nullable=True),
        sa.Column("access_hash", sa.String(length=64), nullable=True),
        sa.Column("issued_at", _TIME, nullable=True),
        sa.Column("expires_at", _TIME, nullable=True),
        sa.Column("resendable", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("generation", sa.Integer(), server_default="1", nullable=False),
        sa.Column("phase", sa.String(length=10), server_default="idle", nullable=False),
        sa.Column("claim", sa.Uuid(), nullable=True),
        sa.Column("claimed_until", _TIME, nullable=True),
        sa.Column("last_used_at", _TIME, nullable=True),
        sa.Column("created_at", _TIME, server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", _TIME, server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("state IN ('connected', 'reconnect')", name=op.f("ck_connections_state")),
        sa.CheckConstraint("phase IN ('idle', 'claimed', 'sent')", name=op.f("ck_connections_phase")),
        _organisation("connections"),
        _person("connections"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_connections")),
        sa.UniqueConstraint(
            "organisation_id",
            "user_id",
            "server",
            name=op.f("uq_connections_organisation_id_user_id_server"),
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_index("ix_connections_server", "connections", ["organisation_id", "server"], unique=False)


def _attempts() -> None:
    op.create_table(
        "connection_attempts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("server", sa.String(length=100), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("state_hash", sa.String(length=64), nullable=True),
        sa.Column("browser_hash", sa.String(length=64), nullable=True),
        sa.Column("verifier_sealed", sa.Text(), nullable=True),
        sa.Column("issuer", sa.Text(), nullable=True),
        sa.Column("redirect_uri", sa.Text(), nullable=True),
        sa.Column("scopes", _TEXTS, server_default=sa.text("'{}'"), nullable=False),
        sa.Column("created_at", _TIME, server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.Column("ended_at", _TIME, nullable=True),
        _organisation("connection_attempts"),
        _person("connection_attempts"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_connection_attempts")),
        sa.UniqueConstraint("state_hash", name=op.f("uq_connection_attempts_state_hash")),
    )
    op.create_index(
        "ix_connection_attempts_person",
        "connection_attempts",
        ["organisation_id", "user_id", "server"],
        unique=False,
    )

"""The registry's control plane: servers, tools, policies, drift."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)
_JSON = postgresql.JSONB(astext_type=sa.Text())
_NOW = sa.text("now()")


def upgrade() -> None:
    _extend_servers()
    _extend_tools()
    _create_state()
    _create_seen()
    _create_policies()


def _extend_servers() -> None:
    for column in (
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("credential", sa.String(length=20), server_default="switchboard", nullable=False),
        sa.Column("disabled", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("quarantined", sa.Text(), nullable=True),
        sa.Column("document", _JSON, nullable=True),
        _texts("shares"),
        _texts("roles"),
        sa.Column("permission", sa.String(length=60), nullable=True),
        sa.Column("privacy_compatible", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("created_at", _TIME, server_default=_NOW, nullable=False),
        sa.Column("looked_at", _TIME, nullable=True),
        sa.Column("edition", sa.Integer(), server_default="1", nullable=False),
    ):
        op.add_column("tool_servers", column)
    op.create_unique_constraint(op.f("uq_tool_servers_audience"), "tool_servers", ["audience"])


def _extend_tools() -> None:
    for column in (
        sa.Column("calls_per_min", sa.Integer(), nullable=True),
        _texts("groups"),
        _texts("agents"),
        _texts("channels"),
        _texts("requires"),
        sa.Column("approval", _JSON, nullable=True),
        sa.Column("breaker", _JSON, nullable=True),
        sa.Column("retries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("operation", _JSON, nullable=True),
        sa.Column("drifted", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("drift_heard_at", _TIME, nullable=True),
        sa.Column("approved_at", _TIME, server_default=_NOW, nullable=False),
    ):
        op.add_column("registered_tools", column)
    # Two servers may have a tool of one name: the gateway tells them apart.
    op.drop_constraint(op.f("uq_registered_tools_organisation_id_name"), "registered_tools", type_="unique")
    op.create_unique_constraint(
        op.f("uq_registered_tools_server_id_name"), "registered_tools", ["server_id", "name"]
    )


def _create_state() -> None:
    op.create_table(
        "registry_state",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_registry_state_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_registry_state")),
    )
    op.execute("INSERT INTO registry_state (id) VALUES (1)")


def _create_seen() -> None:
    op.create_table(
        "seen_tools",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.Column("server_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("definition", _JSON, nullable=False),
        sa.Column("definition_hash", sa.String(length=64), nullable=False),
        sa.Column("operation", _JSON, nullable=True),
        sa.Column("rejected", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("seen_at", _TIME, server_default=_NOW, nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_seen_tools_organisation_id")
        ),
        sa.ForeignKeyConstraint(
            ["server_id"], ["tool_servers.id"], name=op.f("fk_seen_tools_server_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_seen_tools")),
        sa.UniqueConstraint("server_id", "name", name=op.f("uq_seen_tools_server_id_name")),
    )


def _create_policies() -> None:
    op.create_table(
        "tool_policies",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("server", sa.String(length=100), nullable=False),
        sa.Column("tool", sa.String(length=200), nullable=False),
        sa.Column("changes", _JSON, server_default="{}", nullable=False),
        sa.Column("quarantined", sa.Text(), nullable=True),
        sa.Column("edition", sa.Integer(), server_default="1", nullable=False),
        sa.Column("updated_at", _TIME, server_default=_NOW, nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_tool_policies_organisation_id")
        ),
        sa.PrimaryKeyConstraint("organisation_id", "server", "tool", name=op.f("pk_tool_policies")),
    )


def _texts(name: str) -> sa.Column[list[str]]:
    return sa.Column(name, sa.ARRAY(sa.Text()), server_default="{}", nullable=False)

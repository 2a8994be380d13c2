"""The built-in calendar, and the holds by which nobody is booked twice."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_SCHEMA = "contact"
_JSON = postgresql.JSONB(astext_type=sa.Text())
_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "calendar_events",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("start_at", _TIME, nullable=False),
        sa.Column("end_at", _TIME, nullable=False),
        sa.Column("tz", sa.Text(), nullable=False),
        sa.Column("organiser", _JSON, nullable=False),
        sa.Column("attendees", _JSON, nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("organisation_id", "uid", name=op.f("pk_calendar_events")),
        schema=_SCHEMA,
    )
    # Equality of a uuid in an exclusion constraint, without the extension btree_gist.
    op.execute(f"CREATE TYPE {_SCHEMA}.uuidrange AS RANGE (subtype = uuid)")
    op.create_table(
        "calendar_holds",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("calendar_id", sa.Uuid(), nullable=False),
        sa.Column("start_at", _TIME, nullable=False),
        sa.Column("end_at", _TIME, nullable=False),
        sa.Column("until", _TIME, nullable=True),
        postgresql.ExcludeConstraint(
            (sa.text(f"{_SCHEMA}.uuidrange(calendar_id, calendar_id, '[]')"), "&&"),
            (sa.text("tstzrange(start_at, end_at)"), "&&"),
            name="no_double_booking",
            using="gist",
        ),
        sa.PrimaryKeyConstraint("organisation_id", "uid", "calendar_id", name=op.f("pk_calendar_holds")),
        schema=_SCHEMA,
    )
    op.create_index(
        op.f("ix_calendar_holds_calendar_id_start_at"),
        "calendar_holds",
        ["calendar_id", "start_at"],
        schema=_SCHEMA,
    )
    op.create_table(
        "calendar_places",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("organiser", sa.Text(), nullable=False),
        sa.Column("others", _JSON, nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("organisation_id", "uid", name=op.f("pk_calendar_places")),
        schema=_SCHEMA,
    )

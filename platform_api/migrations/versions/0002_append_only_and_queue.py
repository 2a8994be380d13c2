"""The audit record takes no change, and the queue's own tables."""

from alembic import op

from ports.queue import apply_schema

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_REFUSE = """
CREATE FUNCTION audit_records_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit records are append-only' USING ERRCODE = 'insufficient_privilege';
END
$$
"""
_ROWS = """
CREATE TRIGGER audit_records_append_only BEFORE UPDATE OR DELETE ON audit_records
FOR EACH ROW EXECUTE FUNCTION audit_records_refuse()
"""
_TABLE = """
CREATE TRIGGER audit_records_no_truncate BEFORE TRUNCATE ON audit_records
FOR EACH STATEMENT EXECUTE FUNCTION audit_records_refuse()
"""


def upgrade() -> None:
    for statement in (_REFUSE, _ROWS, _TABLE):
        op.execute(statement)
    apply_schema(op.get_bind())

"""Jobs on the same Postgres (procrastinate): deferred in the caller's transaction, retried, reclaimed."""

from ports.queue.schema import apply_schema

__all__ = ["apply_schema"]

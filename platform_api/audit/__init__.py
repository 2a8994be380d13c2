"""The append-only record: who did what (SPEC 12)."""

from platform_api.audit.service import record

__all__ = ["record"]

"""What the contact server keeps: its own schema, its own migrations (SPEC 8)."""

from tools.servers.contact.store.base import SCHEMA, ContactBase, Owned

__all__ = ["SCHEMA", "ContactBase", "Owned"]

"""The contact server's own migrations, in its own schema."""

from tools.servers.contact.migrations.run import differences, is_current, newest, upgrade

__all__ = ["differences", "is_current", "newest", "upgrade"]

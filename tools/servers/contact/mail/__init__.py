"""Sending e-mail: the outbox folder (default), SMTP, Microsoft Graph."""

from tools.servers.contact.mail.errors import CannotTell, MailRefused, MailUnavailable
from tools.servers.contact.mail.port import Letter, Mail, Method, Sent

__all__ = ["CannotTell", "Letter", "Mail", "MailRefused", "MailUnavailable", "Method", "Sent"]

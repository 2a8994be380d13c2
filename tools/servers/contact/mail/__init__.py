"""Sending e-mail: the outbox folder (default), SMTP, Microsoft Graph."""

from tools.servers.contact.mail.errors import CannotTell, MailRefused, MailUnavailable
from tools.servers.contact.mail.html import plain, sanitise
from tools.servers.contact.mail.opening import open_mail
from tools.servers.contact.mail.port import Letter, Mail, Method, Sent
from tools.servers.contact.mail.settings import MailSettings

__all__ = [
    "CannotTell",
    "Letter",
    "Mail",
    "MailRefused",
    "MailSettings",
    "MailUnavailable",
    "Method",
    "Sent",
    "open_mail",
    "plain",
    "sanitise",
]

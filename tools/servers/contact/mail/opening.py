"""Which way mail goes, by the settings."""

from kit.clock import Clock
from tools.servers.contact.graph import GraphSettings, open_graph
from tools.servers.contact.mail.graph import GraphMail
from tools.servers.contact.mail.outbox import Outbox
from tools.servers.contact.mail.port import Mail
from tools.servers.contact.mail.settings import MailSettings
from tools.servers.contact.mail.smtp import SmtpMail, SmtpServer
from tools.servers.contact.people import Person


def open_mail(settings: MailSettings, clock: Clock, graph: GraphSettings | None = None) -> Mail:
    """graph: read from the environment where it is not given and needed."""
    sender = Person(settings.sender, settings.sender_name)
    if settings.backend == "outbox":
        return Outbox(settings.outbox, sender, clock)
    if settings.backend == "smtp":
        return SmtpMail(_server(settings), sender, clock, settings.timeout_s)
    return GraphMail(open_graph(graph or GraphSettings(), settings.timeout_s, clock), sender, clock)


def _server(settings: MailSettings) -> SmtpServer:
    return SmtpServer(
        settings.smtp_host,
        settings.smtp_port,
        settings.smtp_security,
        settings.smtp_username,
        settings.smtp_password.get_secret_value(),
    )

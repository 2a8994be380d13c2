"""The three ways mail goes, each with what arrived."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import cast
from uuid import uuid4

from tests.clocks import HandClock
from tests.tools.contact.mail import graph_stub, post_office
from tools.servers.contact.graph import Graph
from tools.servers.contact.mail import Letter, Mail
from tools.servers.contact.mail.graph import GraphMail
from tools.servers.contact.mail.outbox import Outbox
from tools.servers.contact.mail.smtp import SmtpMail, SmtpServer
from tools.servers.contact.people import Owner, Person

SENDER = Person("bookings@example.com", "Switchboard")
GARY = Person("gary.guest@example.org", "Gary Guest")
DANA = Person("dana@example.com", "Dana")
HIDDEN = Person("hidden@example.net")


def owner() -> Owner:
    return Owner(uuid4(), uuid4())


def letter(key: str = "b1:letter", **others: object) -> Letter:
    given: dict[str, object] = {
        "to": (GARY,),
        "subject": "Confirmed: ACE training",
        "html": "<p>Hello <b>Gary</b></p>",
        "text": "Hello Gary",
    }
    return Letter(key=key, **{**given, **others})  # type: ignore[arg-type]  the test's own words


@dataclass
class Backend:
    """arrived: what left us for the recipients."""

    mail: Mail
    arrived: Callable[[], list[EmailMessage]]


@asynccontextmanager
async def outbox(folder: Path) -> AsyncIterator[Backend]:
    def arrived() -> list[EmailMessage]:
        files = sorted(folder.glob("*/*.eml"))
        return [cast(EmailMessage, message_from_bytes(one.read_bytes(), policy=default)) for one in files]

    yield Backend(Outbox(folder, SENDER, HandClock()), arrived)


@asynccontextmanager
async def smtp(folder: Path) -> AsyncIterator[Backend]:
    async with post_office.running() as office:
        server = SmtpServer("127.0.0.1", office.port, "none")
        yield Backend(SmtpMail(server, SENDER, HandClock(), 20), lambda: [one for _, one in office.taken])


@asynccontextmanager
async def graph(folder: Path) -> AsyncIterator[Backend]:
    async with graph_stub.running() as mailbox:
        door = Graph(mailbox.url, token, 20)
        yield Backend(GraphMail(door, SENDER, HandClock()), lambda: mailbox.sent)
        await door.close()


async def token() -> str:
    return "token"

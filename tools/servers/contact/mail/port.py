"""What every way to send mail does for us: the outbox folder, SMTP, Microsoft Graph (SPEC 8)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from tools.servers.contact.people import Owner, Person

Method = Literal["REQUEST", "CANCEL"]
"""Of an invitation (RFC 5546)."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One e-mail. key makes it one: its Message-ID is made of it and of the owner.

    html: sanitised by whoever sends it, whatever it holds; text: its plain twin, made of html where it is
    empty. thread_key: letters with the same one stand in one thread. invitation: iCalendar with `method`.
    """

    key: str
    to: tuple[Person, ...]
    subject: str
    html: str
    text: str = ""
    cc: tuple[Person, ...] = ()
    bcc: tuple[Person, ...] = ()
    reply_to: Person | None = None
    thread_key: str | None = None
    invitation: bytes | None = None
    method: Method | None = None

    @property
    def recipients(self) -> tuple[Person, ...]:
        """Everybody once."""
        once: dict[str, Person] = {}
        for person in (*self.to, *self.cc, *self.bcc):
            once.setdefault(person.address, person)
        return tuple(once.values())


@dataclass(frozen=True, slots=True)
class Sent:
    """refused: addresses that the mail system would not take, while it took the others."""

    message_id: str
    thread_id: str | None
    sent_at: datetime
    refused: tuple[str, ...] = ()


class Mail(Protocol):
    """Both methods raise MailUnavailable (a kit.errors.Unavailable: nothing was sent, trying again may help)
    within their time limit."""

    async def send(self, owner: Owner, letter: Letter) -> Sent:
        """Once by `key`, as far as the system allows it: asked twice, the outbox and Graph give the first
        answer again. Plain SMTP would send it twice: ask `sent` before a second attempt.

        Raises MailRefused where it will not be taken however often it is tried (an address or a subject
        that is none; a 5xx), CannotTell where the answer was lost after the text had been handed over.
        """
        ...

    async def sent(self, owner: Owner, key: str) -> Sent | None:
        """What a crashed attempt has done; None: nothing. Raises CannotTell where the system does not keep
        it (plain SMTP)."""
        ...

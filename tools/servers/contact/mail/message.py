"""A letter as a message of RFC 5322, the same for every backend."""

import re
from collections.abc import Iterable
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from typing import Final
from uuid import UUID, uuid5

from tools.servers.contact.mail.errors import MailRefused
from tools.servers.contact.mail.html import plain, sanitise
from tools.servers.contact.mail.port import Letter
from tools.servers.contact.people import Owner, Person

_KEYS: Final = UUID("0e3c7c7e-5f0b-4c55-9f0a-6a0f3f0b6a11")
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[^\s@<>,;:\"()\[\]\\]{1,255}", re.ASCII)

_SPECIAL: Final = frozenset('()<>[]:;@\\,"')
"""RFC 5322's, but the dot, which may stand unquoted for as long as there has been mail."""


def letter_id(owner: Owner, key: str) -> UUID:
    """One letter of one person: the same key of somebody else is another letter."""
    return uuid5(_KEYS, f"{owner.organisation_id}/{owner.user_id}/{key}")


def message_id(owner: Owner, key: str, sender: Person) -> str:
    """The same for the same key, so that a second copy can be known for what it is (RFC 5322, 3.6.4)."""
    return f"<{letter_id(owner, key)}@{ascii_address(sender.email).partition('@')[2]}>"


def thread_id(owner: Owner, letter: Letter, sender: Person) -> str | None:
    """What all letters of a thread refer to; it need not have been sent itself."""
    return message_id(owner, f"thread/{letter.thread_key}", sender) if letter.thread_key else None


def compose(
    owner: Owner, letter: Letter, sender: Person, at: datetime, *, with_bcc: bool = False
) -> EmailMessage:
    """Text and HTML, the invitation as a third alternative and as a file. Raises MailRefused for an address
    or a subject that is none: nothing given can add a header or a recipient.

    with_bcc: for systems that read the recipients from the message and take that header out themselves.
    """
    message = EmailMessage(policy=SMTP)
    message["From"] = _address(sender)
    message["To"] = _addresses(letter.to)
    if letter.cc:
        message["Cc"] = _addresses(letter.cc)
    if letter.bcc and with_bcc:
        message["Bcc"] = _addresses(letter.bcc)
    if letter.reply_to:
        message["Reply-To"] = _address(letter.reply_to)
    message["Subject"] = _subject(letter.subject)
    message["Date"] = at
    message["Message-ID"] = message_id(owner, letter.key, sender)
    if thread := thread_id(owner, letter, sender):
        message["In-Reply-To"] = thread
        message["References"] = thread
    # RFC 3834: an absence note must not answer it
    message["Auto-Submitted"] = "auto-generated"
    _add_parts(message, letter)
    return message


def _add_parts(message: EmailMessage, letter: Letter) -> None:
    html = sanitise(letter.html)
    message.set_content(letter.text or plain(html))
    message.add_alternative(html, subtype="html")
    if letter.invitation is None:
        return
    method = letter.method or "REQUEST"
    message.add_alternative(letter.invitation.decode(), subtype="calendar", params={"method": method})
    message.add_attachment(
        letter.invitation,
        maintype="application",
        subtype="ics",
        filename="invite.ics",
        params={"method": method},
    )


def ascii_address(email: str) -> str:
    """With its domain as DNS knows it. Raises MailRefused for what is no address."""
    local, at, domain = email.strip().rpartition("@")
    try:
        written = f"{local}{at}{domain.encode('idna').decode()}"
    except UnicodeError:
        written = ""
    if not _ADDRESS.fullmatch(written):
        raise MailRefused(
            "An e-mail address of this message is not one that mail can be sent to.",
            hint="Write it as name@example.com, in plain letters before the @.",
        )
    return written


def _addresses(people: Iterable[Person]) -> tuple[Address, ...]:
    return tuple(_address(person) for person in people)


def _address(person: Person) -> Address:
    """A name is for show: what cannot stand in a header is left out, and cannot become one. Nor does it keep
    what would need quotation marks there: Python 3.11 loses these where it folds a long line, and a comma
    then begins another recipient."""
    shown = "".join(c if c.isprintable() and c not in _SPECIAL else " " for c in person.name)
    return Address(display_name=" ".join(shown.split()), addr_spec=ascii_address(person.email))


def _subject(text: str) -> str:
    if not text.isprintable():
        raise MailRefused(
            "The subject holds a line break or a control character.", hint="Write it in one line."
        )
    return text

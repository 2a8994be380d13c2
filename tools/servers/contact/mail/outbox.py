"""A folder of messages instead of a mail system: what would have been sent, for people and tests to read."""

import asyncio
import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_binary_file
from email.policy import default
from pathlib import Path
from secrets import token_hex

from kit.clock import Clock
from tools.servers.contact.mail.errors import MailUnavailable
from tools.servers.contact.mail.message import compose, letter_id, thread_id
from tools.servers.contact.mail.port import Letter, Sent
from tools.servers.contact.people import Owner, Person


@dataclass(frozen=True, slots=True)
class Outbox:
    """`<folder>/<organisation>/<letter>.eml`: the name of the file makes a letter one, on every replica that
    sees the folder."""

    folder: Path
    sender: Person
    clock: Clock

    async def send(self, owner: Owner, letter: Letter) -> Sent:
        """Implements Mail.send."""
        message = compose(owner, letter, self.sender, self.clock.now(), with_bcc=True)
        path = self._path(owner, letter.key)
        try:
            await asyncio.to_thread(_place, path, message.as_bytes())
        except OSError as reason:
            raise MailUnavailable("The outbox folder cannot be written.") from reason
        found = await self.sent(owner, letter.key)
        if found is None:
            raise MailUnavailable("The message has left the outbox folder again.")
        return Sent(found.message_id, thread_id(owner, letter, self.sender), found.sent_at)

    async def sent(self, owner: Owner, key: str) -> Sent | None:
        """Implements Mail.sent."""
        try:
            return await asyncio.to_thread(_read, self._path(owner, key))
        except FileNotFoundError:
            return None
        except OSError as reason:
            raise MailUnavailable("The outbox folder cannot be read.") from reason

    def _path(self, owner: Owner, key: str) -> Path:
        return self.folder / str(owner.organisation_id) / f"{letter_id(owner, key)}.eml"


def _place(path: Path, data: bytes) -> None:
    """Whole or not there, and the first one stays: a link to a name that exists is refused, a rename not."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    aside = path.parent / f".{token_hex(8)}"
    try:
        with open(os.open(aside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(aside, path)
    finally:
        with suppress(FileNotFoundError):
            aside.unlink()


def _read(path: Path) -> Sent:
    with path.open("rb") as file:
        message = message_from_binary_file(file, policy=default)
    at: datetime = message["Date"].datetime
    thread = message["References"]
    return Sent(str(message["Message-ID"]), str(thread) if thread else None, at.astimezone(UTC))

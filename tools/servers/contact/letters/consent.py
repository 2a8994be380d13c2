"""What people agree to: versions of the text, and the record that they did."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from tools.servers.contact.letters.models import ConsentTextRow
from tools.servers.contact.people import Owner

PRIVACY: Final = (
    "I agree that my details are used to arrange and carry out this meeting, "
    "which includes the e-mails about it."
)
CONTACT: Final = "You may contact me later about similar topics."


@dataclass(frozen=True, slots=True)
class ConsentText:
    """The two sentences as they stand in the form. privacy is needed for booking, contact is the person's
    choice."""

    privacy: str = PRIVACY
    contact: str = CONTACT

    @property
    def version(self) -> str:
        """Of the words themselves: whoever changes a letter of them has a new version."""
        return sha256(f"{self.privacy}\x1f{self.contact}".encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class ConsentRecord:
    """Who agreed, to which text (`ConsentText.version`, kept by `keep_text`), when, in which channel."""

    id: UUID
    owner: Owner
    email: str
    text_version: str
    privacy: bool
    contact: bool
    channel: str
    given_at: datetime
    booking_id: UUID | None = None


async def keep_text(session: AsyncSession, owner: Owner, text: ConsentText, now: datetime) -> str:
    """The version, whose words are kept in the transaction that writes the record."""
    row = {
        "organisation_id": owner.organisation_id,
        "version": text.version,
        "privacy": text.privacy,
        "contact": text.contact,
        "first_used_at": now,
    }
    await session.execute(insert(ConsentTextRow).values(row).on_conflict_do_nothing())
    return text.version


async def text_of(session: AsyncSession, owner: Owner, version: str) -> ConsentText | None:
    """What they read who agreed to this version in this organisation."""
    row = await session.get(ConsentTextRow, (owner.organisation_id, version))
    return ConsentText(row.privacy, row.contact) if row else None

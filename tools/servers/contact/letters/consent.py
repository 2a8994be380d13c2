"""What people agree to: versions of the text, and the record that they did."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final
from uuid import UUID

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

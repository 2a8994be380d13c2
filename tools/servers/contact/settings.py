"""The contact server's own settings; calendars, mail and CRM have theirs beside them."""

from pathlib import Path

from pydantic import Field

from kit.settings import Settings
from tools.servers.contact.letters.consent import CONTACT, PRIVACY
from tools.servers.contact.shapes import DEFAULT_TZ


class ContactSettings(Settings):
    """Booking."""

    section = "contact"

    hosts: Path | None = Field(
        default=None,
        description="YAML file of who receives for what (examples/hosts.yaml). Empty: one office, 9 to 5 "
        "(in `up` with the sample handbook: the hosts of that file).",
    )
    tz: str = Field(default=DEFAULT_TZ, description="IANA zone of people who name none.")
    consent_privacy: str = Field(default=PRIVACY, description="What has to be agreed to before booking.")
    consent_contact: str = Field(default=CONTACT, description="What may be agreed to: being contacted later.")
    inline_s: float = Field(
        default=3.0,
        gt=0,
        le=20,
        description="Seconds for which the last answer waits for e-mail and CRM; they go on after that.",
    )
    lease_s: float = Field(
        default=8.0,
        ge=1,
        le=120,
        description="Seconds after which another process takes over what a lost one was doing.",
    )
    letters_per_day: int = Field(
        default=50, ge=1, description="Letters that one person may have sent within 24 hours."
    )
    workers: int = Field(default=4, ge=1, le=64, description="Jobs at the same time in this process.")
    slot_cache: bool = Field(default=True, description="Keep free slots in Redis for a minute.")

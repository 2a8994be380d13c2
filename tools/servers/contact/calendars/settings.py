"""Which calendar."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr

from kit.settings import Settings
from tools.servers.contact.patience import CALENDAR


class CalendarSettings(Settings):
    section = "calendar"

    backend: Literal["builtin", "caldav", "graph", "google"] = Field(
        default="builtin",
        description="Where appointments are kept: `builtin` is our own Postgres; `graph` reads"
        " SWITCHBOARD_GRAPH__….",
    )
    timeout_s: float = Field(default=CALENDAR.timeout_s, gt=0, description="Limit of one call, in seconds.")
    caldav_collection: str = Field(
        default="",
        description="Address of a person's calendar: `https://cal.example.com/{email}/calendar`; `{name}` is"
        " what stands before the @.",
    )
    caldav_username: str = Field(
        default="", description="An account that may read and write the hosts' calendars."
    )
    caldav_password: SecretStr = Field(default=SecretStr(""), description="Of caldav_username.")
    google_key_file: Path | None = Field(
        default=None,
        description="Key of a service account with domain-wide delegation for the scope .../auth/calendar.",
    )
    google_base_url: str = Field(
        default="https://www.googleapis.com/calendar/v3", description="Google's calendar API."
    )

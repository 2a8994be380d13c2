"""Which CRM, and how."""

from typing import Literal

from pydantic import Field, SecretStr

from kit.settings import Settings
from tools.servers.contact.patience import CRM


class CrmSettings(Settings):
    """Where leads are entered."""

    section = "crm"

    backend: Literal["local", "hubspot"] = Field(
        default="local", description="`local` is a table of our own; `hubspot` any CRM with its contacts API."
    )
    url: str = Field(default="https://api.hubapi.com", description="The API of the CRM.")
    token: SecretStr = Field(
        default=SecretStr(""), description="A private app's token (scope crm.objects.contacts.write)."
    )
    record_url: str = Field(
        default="",
        description="Where people look at a lead, with {id}: "
        "https://app.hubspot.com/contacts/PORTAL/record/0-1/{id}.",
    )
    properties: dict[str, str] = Field(
        default={},
        description="Our fields (reason, service, tz, consent_contact, consent_record_id, channel) → "
        "properties that you have made in the CRM; the others stand in its `message`.",
    )
    timeout_s: float = Field(default=CRM.timeout_s, gt=0, description="Limit of one attempt, in seconds.")

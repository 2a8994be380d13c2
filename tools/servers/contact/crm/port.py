"""What every CRM does for us: the local table, HubSpot's API (SPEC 8)."""

from dataclasses import dataclass
from typing import Protocol

from tools.servers.contact.people import Owner
from tools.servers.contact.shapes import GivenLead, LeadConsent, LeadSource

Lead = GivenLead
"""crm.upsert_lead's `lead` (notes: tool contracts)."""
__all__ = ["Crm", "Entered", "Lead", "LeadConsent", "LeadSource"]


@dataclass(frozen=True, slots=True)
class Entered:
    """created and updated: never both; neither where the same key had been entered before as it is."""

    lead_id: str
    created: bool
    updated: bool
    crm_url: str


class Crm(Protocol):
    """Raises CrmUnavailable (a kit.errors.Unavailable: trying again may help), CrmRefused where it will not
    take this however often it is asked."""

    async def upsert(self, owner: Owner, key: str, lead: Lead) -> Entered:
        """One person is one lead in an organisation, by e-mail: a second lead of the same person updates the
        first, and what they agreed to before stays on record. Idempotent by `key`: asked twice, also
        after a crash, there is one lead, and the local table gives the first answer again."""
        ...

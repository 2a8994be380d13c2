"""Leads in a CRM: a local table (default), HubSpot's API."""

from tools.servers.contact.crm.errors import CrmRefused, CrmUnavailable
from tools.servers.contact.crm.opening import open_crm
from tools.servers.contact.crm.port import Crm, Entered, Lead, LeadConsent, LeadSource
from tools.servers.contact.crm.settings import CrmSettings

__all__ = [
    "Crm",
    "CrmRefused",
    "CrmSettings",
    "CrmUnavailable",
    "Entered",
    "Lead",
    "LeadConsent",
    "LeadSource",
    "open_crm",
]

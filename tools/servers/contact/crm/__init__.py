"""Leads in a CRM: a local table (default), HubSpot's API."""

from tools.servers.contact.crm.errors import CrmRefused, CrmUnavailable
from tools.servers.contact.crm.port import Crm, Entered, Lead, LeadConsent, LeadSource

__all__ = ["Crm", "CrmRefused", "CrmUnavailable", "Entered", "Lead", "LeadConsent", "LeadSource"]

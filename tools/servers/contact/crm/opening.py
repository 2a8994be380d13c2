"""Which CRM, by the settings."""

from kit.clock import Clock
from ports.db import Database
from tools.servers.contact.crm.hubspot import HubSpot
from tools.servers.contact.crm.local import LocalCrm
from tools.servers.contact.crm.port import Crm
from tools.servers.contact.crm.settings import CrmSettings


def open_crm(settings: CrmSettings, database: Database, clock: Clock) -> Crm:
    """database: of the contact server; only the local table needs it."""
    if settings.backend == "local":
        return LocalCrm(database, clock)
    return HubSpot(
        settings.url,
        settings.token.get_secret_value(),
        settings.timeout_s,
        record_url=settings.record_url,
        properties=settings.properties,
    )

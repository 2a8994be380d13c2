"""Every table of the contact server, by importing every room's models."""

from typing import Final

from tools.servers.contact.calendars import models as calendars
from tools.servers.contact.crm import models as leads
from tools.servers.contact.letters import models as letters
from tools.servers.contact.store import models as bookings
from tools.servers.contact.store.base import ContactBase

ROOMS: Final = (bookings, calendars, leads, letters)
METADATA: Final = ContactBase.metadata

"""Every table of the contact server, by importing every room's models."""

from typing import Final

from tools.servers.contact.store import models
from tools.servers.contact.store.base import ContactBase

ROOMS: Final = (models,)
METADATA: Final = ContactBase.metadata

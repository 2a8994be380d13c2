"""The words that people agreed to, kept for as long as somebody may ask."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Text, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from ports.db import Timestamp
from tools.servers.contact.store.base import ContactBase


class ConsentTextRow(ContactBase):
    """version: ConsentText.version. An organisation's own, though of nobody in it."""

    __tablename__ = "consent_texts"

    organisation_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    version: Mapped[str] = mapped_column(Text, primary_key=True)
    privacy: Mapped[str] = mapped_column(Text)
    contact: Mapped[str] = mapped_column(Text)
    first_used_at: Mapped[datetime] = mapped_column(Timestamp)

"""Tables of the local CRM.

Not sealed: this is the deployment's CRM, as a CRM elsewhere would be (docs/decisions/0050).
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, Text, UniqueConstraint, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from ports.db import Timestamp
from tools.servers.contact.store.base import ContactBase, Owned


class CrmLeadRow(Owned, ContactBase):
    """One person in one organisation, by `email` (people.address). content: the lead as it stands."""

    __tablename__ = "crm_leads"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    email: Mapped[str] = mapped_column(Text)
    content: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[datetime] = mapped_column(Timestamp)
    changed_at: Mapped[datetime] = mapped_column(Timestamp)

    __table_args__ = (UniqueConstraint("organisation_id", "email"),)


class CrmEntryRow(Owned, ContactBase):
    """That a key was entered, and what was answered."""

    __tablename__ = "crm_entries"

    organisation_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    user_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    lead_id: Mapped[UUID] = mapped_column(Uuid)
    created: Mapped[bool] = mapped_column(Boolean)
    entered_at: Mapped[datetime] = mapped_column(Timestamp)


class CrmConsentRow(Owned, ContactBase):
    """What a lead agreed to each time; nothing here is ever changed."""

    __tablename__ = "crm_consents"

    organisation_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    lead_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    record_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    privacy: Mapped[bool] = mapped_column(Boolean)
    contact: Mapped[bool] = mapped_column(Boolean)
    channel: Mapped[str] = mapped_column(Text)
    entered_at: Mapped[datetime] = mapped_column(Timestamp)

"""How much a person may keep: counted from what they themselves put where it is, and from nothing else.

So a document that somebody cannot see never shows itself by a limit that is reached (decision 0020).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from access.principal import Principal
from kit.wire.library import Quota as Told
from platform_api.library.errors import QuotaExceeded
from platform_api.library.models import DocumentRow, KnowledgeBaseRow
from platform_api.library.settings import LibrarySettings

_MEGABYTE = 1024 * 1024
_TURNS = text("SELECT pg_advisory_xact_lock(hashtextextended(:person, 0))")


@dataclass(frozen=True, slots=True)
class Used:
    documents: int
    bytes: int


_NOTHING = Used(0, 0)


@dataclass(frozen=True, slots=True)
class Limits:
    """Of a person's own knowledge bases together, or of what they put into one shared one."""

    documents: int
    bytes: int
    where: str


class Quota:
    """What a person has left in a knowledge base, within one transaction."""

    def __init__(self, used: Used, limits: Limits) -> None:
        self.used = used
        self.limits = limits

    @property
    def shown(self) -> Told:
        return Told(
            documents=self.used.documents,
            documents_limit=self.limits.documents,
            bytes=self.used.bytes,
            bytes_limit=self.limits.bytes,
        )

    def take(self, documents: int, size: int) -> None:
        """Count these as used. Raises QuotaExceeded, and counts nothing, where they do not fit."""
        used, limits = self.used, self.limits
        if documents > 0 and used.documents + documents > limits.documents:
            raise QuotaExceeded(
                f"You keep {used.documents:,} of at most {limits.documents:,} documents {limits.where}."
            )
        if size > 0 and used.bytes + size > limits.bytes:
            raise QuotaExceeded(
                f"You keep {_mb(used.bytes)} of at most {_mb(limits.bytes)} MB {limits.where}; "
                f"this needs {_mb(size)} MB more."
            )
        self.used = Used(used.documents + documents, used.bytes + size)


async def open_quota(
    session: AsyncSession, principal: Principal, base: KnowledgeBaseRow, settings: LibrarySettings
) -> Quota:
    """Until this transaction ends, nobody else counts for this person: what it says stays exact."""
    await session.execute(_TURNS, {"person": f"quota:{principal.id}"})
    return await read_quota(session, principal, base, settings)


async def read_quota(
    session: AsyncSession, principal: Principal, base: KnowledgeBaseRow, settings: LibrarySettings
) -> Quota:
    row = DocumentRow
    counted = select(func.count(), func.coalesce(func.sum(row.charged_bytes), 0)).where(
        row.organisation_id == principal.organisation_id,
        row.charged_to == principal.id,
        _counts_with(base),
    )
    documents, size = (await session.execute(counted)).one()
    return Quota(Used(documents, int(size)), _limits_of(base, settings))


async def quotas(
    session: AsyncSession,
    principal: Principal,
    bases: Sequence[KnowledgeBaseRow],
    settings: LibrarySettings,
) -> dict[UUID, Quota]:
    """Of several knowledge bases at once."""
    row = DocumentRow
    rows = await session.execute(
        select(KnowledgeBaseRow.owner_type, KnowledgeBaseRow.id, func.count(), func.sum(row.charged_bytes))
        .join(KnowledgeBaseRow, KnowledgeBaseRow.id == row.knowledge_base_id)
        .where(row.organisation_id == principal.organisation_id, row.charged_to == principal.id)
        .group_by(KnowledgeBaseRow.owner_type, KnowledgeBaseRow.id)
    )
    used: dict[UUID | None, Used] = {}
    for owner_type, base_id, documents, size in rows:
        at = None if owner_type == "user" else base_id
        before = used.get(at, _NOTHING)
        used[at] = Used(before.documents + documents, before.bytes + int(size))
    return {
        base.id: Quota(
            used.get(None if base.owner_type == "user" else base.id, _NOTHING), _limits_of(base, settings)
        )
        for base in bases
    }


def _counts_with(base: KnowledgeBaseRow) -> ColumnElement[bool]:
    if base.owner_type != "user":
        return DocumentRow.knowledge_base_id == base.id
    own = select(KnowledgeBaseRow.id).where(
        KnowledgeBaseRow.organisation_id == base.organisation_id,
        KnowledgeBaseRow.owner_type == "user",
        KnowledgeBaseRow.owner_id == base.owner_id,
    )
    return DocumentRow.knowledge_base_id.in_(own)


def _limits_of(base: KnowledgeBaseRow, settings: LibrarySettings) -> Limits:
    if base.owner_type == "user":
        where = "in your own knowledge bases"
        return Limits(settings.personal_documents, settings.personal_mb * _MEGABYTE, where)
    where = f"in the knowledge base '{base.name}'"
    return Limits(settings.shared_documents, settings.shared_mb * _MEGABYTE, where)


def _mb(size: int) -> str:
    return f"{size / _MEGABYTE:,.1f}"


def charge(document: DocumentRow, principal_id: UUID, size: int) -> None:
    """From now on it counts against this person, with this many bytes."""
    document.charged_to, document.charged_bytes = principal_id, size

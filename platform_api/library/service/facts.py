"""What is known about a document: what the uploader said, else what the file says, else the default."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from uuid import UUID

from kit.wire.library import DocumentMetadata
from knowledge.document import DocumentFacts, LoadedDocument
from platform_api.library.models import DocumentRow, DocumentVersionRow, KnowledgeBaseRow

GENERAL = "general"
UNTYPED = "document"
_CURRENT = ("", "current", "active", "published", "final")
_TAG_LIMIT = 20
_DATE_FIELDS = ("last_modified", "updated", "date", "modified")
FrontMatter = Mapping[str, str | list[str]]


@dataclass(frozen=True, slots=True)
class Described:
    title: str
    doc_type: str
    service_scope: str
    tags: tuple[str, ...]
    privacy_level: str
    last_modified: datetime | None


def describe(declared: DocumentMetadata, loaded: LoadedDocument) -> Described:
    found = loaded.metadata
    return Described(
        title=(declared.title or loaded.title)[:300],
        doc_type=(declared.doc_type or _one(found, "doc_type") or UNTYPED)[:50],
        service_scope=(declared.service_scope or _one(found, "service_scope") or GENERAL)[:50],
        tags=_tags(declared, found),
        privacy_level=(declared.privacy_level or _one(found, "privacy_level") or GENERAL)[:50],
        last_modified=declared.last_modified or _date(found),
    )


def facts_of(
    base: KnowledgeBaseRow,
    document: DocumentRow,
    version: DocumentVersionRow,
    described: Described,
    now: datetime,
) -> DocumentFacts:
    """What the index stores with each chunk (SPEC 7)."""
    return DocumentFacts(
        doc_id=document.id,
        organisation_id=document.organisation_id,
        knowledge_base_id=document.knowledge_base_id,
        source=document.source,
        source_url=document.source_url,
        source_hash=version.sha256,
        etag=document.etag,
        doc_type=described.doc_type,
        service_scope=described.service_scope,
        tags=described.tags,
        privacy_level=described.privacy_level,
        owner_type=base.owner_type,
        owner_id=base.owner_id,
        created_at=document.created_at,
        updated_at=now,
        last_modified=described.last_modified,
        last_crawled_at=document.last_crawled_at,
        version=version.version,
    )


def source_url_of(declared: str | None, document_id: UUID) -> str:
    """Where a citation leads: the original's own address, else our view of it, without a host."""
    return declared or f"/api/v1/documents/{document_id}/content"


def _tags(declared: DocumentMetadata, found: FrontMatter) -> tuple[str, ...]:
    tags = declared.tags or _many(found, "tags")
    status = _one(found, "status").lower()
    if status not in _CURRENT:
        tags = [*tags, f"status:{status}"]
    return tuple(dict.fromkeys(tag[:100] for tag in tags if tag))[:_TAG_LIMIT]


def _one(found: FrontMatter, name: str) -> str:
    value = found.get(name, "")
    return value.strip() if isinstance(value, str) else ""


def _many(found: FrontMatter, name: str) -> list[str]:
    value = found.get(name, "")
    return [part.strip() for part in (value.split(",") if isinstance(value, str) else value)]


def _date(found: FrontMatter) -> datetime | None:
    for name in _DATE_FIELDS:
        moment = _moment(_one(found, name))
        if moment:
            return moment
    return None


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        try:
            moment = datetime.combine(date.fromisoformat(text[:10]), time())
        except ValueError:
            return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

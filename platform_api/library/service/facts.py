"""What is known about a document, by who says it; and what of it the index stores (SPEC 7)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from uuid import UUID

from kit.wire.library import CorrectDocument, DocumentMetadata
from knowledge.document import DocumentFacts, LoadedDocument
from platform_api.library.models import DocumentRow, DocumentVersionRow, KnowledgeBaseRow
from platform_api.library.service.scopes import GENERAL, Scopes

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
    scope_reason: str
    tags: tuple[str, ...]
    privacy_level: str
    last_modified: datetime | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """How a version is to be read: None where the document itself decides."""

    title: str | None
    strategy: str | None


def wanted(document: DocumentRow, version: DocumentVersionRow) -> Wanted:
    """What an editor has set, else what its sender said."""
    corrected, declared = corrections_of(document), DocumentMetadata.model_validate(version.declared)
    return Wanted(corrected.title or declared.title, corrected.strategy or declared.strategy)


def corrections_of(document: DocumentRow) -> CorrectDocument:
    return CorrectDocument.model_validate(document.corrected)


def describe(
    document: DocumentRow, version: DocumentVersionRow, loaded: LoadedDocument, scopes: Scopes
) -> Described:
    """An editor's correction, else what the sender said, else what the file says, else the default."""
    corrected, declared = corrections_of(document), DocumentMetadata.model_validate(version.declared)
    found = loaded.metadata
    scope = scopes.assign(
        corrected=corrected.service_scope,
        declared=declared.service_scope,
        path=document.path,
        url=document.source_url,
        loaded=loaded,
    )
    doc_type = corrected.doc_type or declared.doc_type or _one(found, "doc_type") or UNTYPED
    privacy = corrected.privacy_level or declared.privacy_level or _one(found, "privacy_level") or GENERAL
    said = corrected.last_modified or declared.last_modified or _date(found)
    return Described(
        title=(corrected.title or declared.title or loaded.title)[:300],
        doc_type=doc_type[:50],
        service_scope=scope.scope[:50],
        scope_reason=scope.reason,
        tags=tuple(corrected.tags) if corrected.tags is not None else _tags(declared, found),
        privacy_level=privacy[:50],
        last_modified=said or version.source_modified,
    )


def describe_row(document: DocumentRow, described: Described) -> None:
    """The row says the same as the index."""
    document.title = described.title
    document.doc_type = described.doc_type
    document.service_scope = described.service_scope
    document.scope_reason = described.scope_reason
    document.tags = list(described.tags)
    document.privacy_level = described.privacy_level
    document.last_modified = described.last_modified


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

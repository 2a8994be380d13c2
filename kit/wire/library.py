"""Knowledge bases, documents and jobs over HTTP (SPEC 3)."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from kit.wire.base import Request, Wire

JobStatus = Literal["queued", "running", "succeeded", "failed", "cancelled"]
DocumentStatus = Literal["queued", "processing", "ready", "failed"]
OwnerType = Literal["org", "department", "user"]


class Quota(Wire):
    """What the caller keeps there and how much they may; their own knowledge bases count together."""

    documents: int
    documents_limit: int
    bytes: int
    bytes_limit: int


class KnowledgeBase(Wire):
    id: UUID
    name: str
    owner_type: OwnerType
    owner_id: str
    """The organisation's id, the group's name or the user's id."""
    documents: int
    """How many of its documents the caller can see."""
    quota: Quota | None = None
    """Where the caller may add documents."""
    created_at: datetime


class CreateKnowledgeBase(Request):
    name: Annotated[str, Field(min_length=1, max_length=120)]


class DocumentMetadata(Request):
    """The `metadata` part of an upload, for all its files."""

    title: Annotated[str, Field(min_length=1, max_length=300)] | None = None
    doc_type: Annotated[str, Field(max_length=50)] | None = None
    service_scope: Annotated[str, Field(max_length=50)] | None = None
    tags: Annotated[list[Annotated[str, Field(max_length=100)]], Field(max_length=20)] = []
    privacy_level: Annotated[str, Field(max_length=50)] | None = None
    groups: Annotated[list[Annotated[str, Field(max_length=120)]], Field(max_length=64)] | None = None
    """Only these groups may read it; absent: everyone who may read the knowledge base."""
    source_url: Annotated[str, Field(max_length=2000)] | None = None
    last_modified: datetime | None = None
    strategy: Annotated[str, Field(max_length=20)] | None = None
    """How it is cut into chunks (SPEC 7); absent: as fits its type."""


class Document(Wire):
    id: UUID
    knowledge_base_id: UUID
    path: str
    title: str
    status: DocumentStatus
    error: str | None = None
    version: int
    content_type: str
    size: int
    source: str
    source_url: str
    service_scope: str
    scope_reason: str = ""
    """Why it has this scope: a correction, the uploader, its front matter, a rule, or its words."""
    doc_type: str
    tags: list[str] = []
    privacy_level: str
    last_modified: datetime | None = None
    corrected: list[str] = []
    """The fields that an editor has set: they stay when the document is read again."""
    chunks: int
    edition: int
    """Grows with every change; `If-Match` with it refuses to overwrite somebody else's."""
    created_at: datetime
    updated_at: datetime


class AcceptedDocument(Wire):
    id: UUID
    path: str = ""
    """The name as sent; of a file in an archive, its path there."""
    title: str
    status: Literal["queued", "unchanged", "refused"]
    error: str | None = None


class UploadAccepted(Wire):
    documents: list[AcceptedDocument]
    job_id: UUID


class JobProgress(Wire):
    done: int
    total: int
    stage: str


class JobError(Wire):
    document: str
    code: str
    detail: str


class JobItem(Wire):
    """A document of a job that is being read now, or that failed.

    stage: reading, embedding, publishing, or waiting for its next attempt; `done` of `total` chunks are
    embedded.
    """

    document_id: UUID
    document: str
    status: Literal["running", "failed"]
    stage: str
    done: int
    total: int
    attempts: int


class Job(Wire):
    id: UUID
    kind: str
    status: JobStatus
    progress: JobProgress
    errors: list[JobError] = []
    """At most the first hundred."""
    items: list[JobItem] = []
    """Of one job only, not in lists: at most fifty, those that run first."""
    report: dict[str, int] = {}
    """What a job that looks for work found, by name; empty until it is done, and for uploads."""
    created_at: datetime
    finished_at: datetime | None = None


class Facet(Wire):
    value: str
    count: int


class Facets(Wire):
    """Values and counts for filters, over what the caller can see."""

    service_scope: list[Facet]
    doc_type: list[Facet]
    source: list[Facet]
    tags: list[Facet]
    privacy_level: list[Facet] = []


class FacetQuery(Request):
    """Counts only documents that fit, as filters of a search do; a `section` has no counts."""

    service_scope: Annotated[str, Field(max_length=50)] | None = None
    doc_type: Annotated[str, Field(max_length=50)] | None = None
    source: Annotated[str, Field(max_length=20)] | None = None
    privacy_level: Annotated[str, Field(max_length=50)] | None = None
    tags: Annotated[list[Annotated[str, Field(max_length=100)]], Field(max_length=20)] | None = None
    after: AwareDatetime | None = None
    before: AwareDatetime | None = None


# What people change of a document: corrections, place, shares, versions (SPEC 3, 6, 7).


class CorrectDocument(Request):
    """Fields that are absent stay; null gives a field back to what the document itself says."""

    title: Annotated[str, Field(min_length=1, max_length=300)] | None = None
    tags: (
        Annotated[list[Annotated[str, Field(min_length=1, max_length=100)]], Field(max_length=20)] | None
    ) = None
    doc_type: Annotated[str, Field(min_length=1, max_length=50)] | None = None
    service_scope: Annotated[str, Field(min_length=1, max_length=50)] | None = None
    privacy_level: Annotated[str, Field(min_length=1, max_length=50)] | None = None
    last_modified: AwareDatetime | None = None
    strategy: Annotated[str, Field(min_length=1, max_length=20)] | None = None


class MoveDocument(Request):
    """To another knowledge base, to another path, or both."""

    knowledge_base_id: UUID | None = None
    path: Annotated[str, Field(min_length=1, max_length=1000)] | None = None


class ChangedDocument(Wire):
    document: Document
    job_id: UUID | None = None
    """Where it has to be read again: the job that does it."""


class DocumentVersion(Wire):
    version: int
    size: int
    sha256: str
    content_type: str | None = None
    published: bool
    """The one that is found and opened now."""
    created_by: UUID
    created_at: datetime


class ShareWith(Request):
    """Exactly one of: a person by id or e-mail, a group or department, everyone in the organisation."""

    user_id: UUID | None = None
    email: Annotated[str, Field(min_length=3, max_length=320)] | None = None
    group: Annotated[str, Field(min_length=1, max_length=120)] | None = None
    everyone: Literal[True] | None = None


class Share(Wire):
    kind: Literal["person", "group", "everyone"]
    user_id: UUID | None = None
    name: str
    """Of the person or the group; `everyone`."""
    email: str | None = None
    given_by: UUID | None = None
    given_at: datetime


class OutlineEntry(Wire):
    """A heading; `anchor` is what stands behind the `#` of the document's page."""

    level: int
    title: str
    anchor: str
    page: int | None = None


class Outline(Wire):
    document_id: UUID
    title: str
    headings: list[OutlineEntry]

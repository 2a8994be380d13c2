"""Knowledge bases, documents and jobs over HTTP (SPEC 3)."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from kit.wire.base import Request, Wire

JobStatus = Literal["queued", "running", "succeeded", "failed", "cancelled"]
DocumentStatus = Literal["queued", "processing", "ready", "failed"]
OwnerType = Literal["org", "department", "user"]


class KnowledgeBase(Wire):
    id: UUID
    name: str
    owner_type: OwnerType
    owner_id: str
    """The organisation's id, the group's name or the user's id."""
    documents: int
    """How many of its documents the caller can see."""
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


class Document(Wire):
    id: UUID
    knowledge_base_id: UUID
    title: str
    status: DocumentStatus
    error: str | None = None
    version: int
    content_type: str
    size: int
    source: str
    source_url: str
    service_scope: str
    doc_type: str
    tags: list[str] = []
    chunks: int
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


class Job(Wire):
    id: UUID
    kind: str
    status: JobStatus
    progress: JobProgress
    errors: list[JobError] = []
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

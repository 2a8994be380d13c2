"""Sources over HTTP: folders, repositories and web sites that are read on a schedule (SPEC 3, 7)."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from kit.wire.base import Request, Wire

SourceKind = Literal["crawl", "folder", "git"]
SourceStatus = Literal["active", "paused", "stopped"]
RunStatus = Literal["queued", "running", "succeeded", "failed", "stopped", "cancelled"]
Schedule = Literal["manual"] | Annotated[int, Field(ge=15, le=43_200)]
"""Minutes from the beginning of one run to the next, or only when asked."""

_Pattern = Annotated[str, Field(min_length=1, max_length=200)]
_Patterns = Annotated[list[_Pattern], Field(max_length=50)]


class SourceMetadata(Request):
    """What is said of every document of a source; what a document or a mapping file says of itself wins
    over nothing here but what is absent."""

    doc_type: Annotated[str, Field(max_length=50)] | None = None
    service_scope: Annotated[str, Field(max_length=50)] | None = None
    tags: Annotated[list[Annotated[str, Field(max_length=100)]], Field(max_length=20)] = []
    privacy_level: Annotated[str, Field(max_length=50)] | None = None
    groups: Annotated[list[Annotated[str, Field(max_length=120)]], Field(max_length=64)] | None = None
    """Only these groups may read them; absent: everyone who may read the knowledge base."""


class CreateSource(Request):
    """`crawl` needs `url`, `folder` needs `path`, `git` one of the two."""

    kind: SourceKind
    url: Annotated[str, Field(max_length=1000)] | None = None
    """Where a site begins: its host, and what lies below its path. Or a repository behind https."""
    path: Annotated[str, Field(max_length=1000)] | None = None
    """On the server, under a folder that the operator allows."""
    branch: Annotated[str, Field(max_length=200)] = ""
    folder: Annotated[str, Field(max_length=500)] = ""
    """Within a repository."""
    web_view: Annotated[str, Field(max_length=1000)] | None = None
    """Where people see a file of a repository: an address with {path}, {branch}, {commit}."""
    include: _Patterns = []
    """Paths that are wanted; `*` stands for anything, "/" too. None: all."""
    exclude: _Patterns = []
    schedule: Schedule = 60
    max_pages: Annotated[int, Field(ge=1, le=100_000)] | None = None
    max_depth: Annotated[int, Field(ge=0, le=50)] = 10
    delay_s: Annotated[float, Field(ge=0, le=60)] | None = None
    """At least so long between two requests to a site."""
    metadata: SourceMetadata = SourceMetadata()


class UpdateSource(Request):
    """`paused: false` also starts again what was stopped."""

    paused: bool | None = None
    schedule: Schedule | None = None


class RunCounts(Wire):
    """`skipped` holds `unchanged` and what was left out by a rule; `success` is what was new or changed."""

    success: int
    failed: int
    skipped: int
    removed: int
    unchanged: int


class RunProblem(Wire):
    path: str
    url: str | None = None
    code: str
    detail: str


class SourceRun(Wire):
    id: UUID
    source_id: UUID
    job_id: UUID
    status: RunStatus
    counts: RunCounts
    code: str | None = None
    detail: str | None = None
    """Why it did not end well, in a sentence; `hint` is the next step."""
    hint: str | None = None
    problems: list[RunProblem] = []
    """At most the first hundred."""
    started_at: datetime
    finished_at: datetime | None = None


class Source(Wire):
    id: UUID
    knowledge_base_id: UUID
    kind: SourceKind
    url: str | None = None
    path: str | None = None
    branch: str = ""
    folder: str = ""
    include: list[str] = []
    exclude: list[str] = []
    schedule: Schedule
    status: SourceStatus
    reason: str | None = None
    """Why it is stopped, or what its last run failed of; `hint` is the next step."""
    hint: str | None = None
    documents: int
    next_run_at: datetime | None = None
    last_run: SourceRun | None = None
    created_by: UUID
    created_at: datetime

"""The tables of the library: knowledge bases, documents with their versions and access, jobs, sources."""

from platform_api.library.models.documents import (
    DocumentAccessRow,
    DocumentRow,
    DocumentVersionRow,
    KnowledgeBaseRow,
)
from platform_api.library.models.jobs import JobErrorRow, JobItemRow, JobRow
from platform_api.library.models.sources import SourceEntryRow, SourceRow, SourceRunRow
from platform_api.library.models.vectors import ChunkVectorRow

__all__ = [
    "ChunkVectorRow",
    "DocumentAccessRow",
    "DocumentRow",
    "DocumentVersionRow",
    "JobErrorRow",
    "JobItemRow",
    "JobRow",
    "KnowledgeBaseRow",
    "SourceEntryRow",
    "SourceRow",
    "SourceRunRow",
]

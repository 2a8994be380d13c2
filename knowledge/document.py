"""What a document is between the rooms of knowledge/: loaded, cut into chunks, described by facts.

All offsets are in characters of `LoadedDocument.text`. Field names are those of SPEC 7 (chunk metadata).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

BlockKind = Literal["heading", "paragraph", "list", "table", "code"]
BLOCK_SEPARATOR = "\n\n"


@dataclass(frozen=True, slots=True)
class Block:
    """One piece of a document that should not be torn without need.

    text: plain text, never markup; a list has one line per item ("- " or "1. "), nested items are
        indented by two spaces; a table has one line per row, cells joined by " | ", the header first.
    level: 1-6 for headings, else 0.
    page: 1-based where the format has pages.
    anchor: of headings, by the one slug algorithm (docs/reference/anchors.md), unique in the document.
    language: of code, where it is known: in lower case, as Pygments names it ("python", "json").
    """

    kind: BlockKind
    text: str
    level: int = 0
    page: int | None = None
    anchor: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class LoadedDocument:
    """A file as we read it.

    content_type: the sniffed MIME type, which may differ from what the name promised.
    metadata: front matter or document properties; keys in lower case, values as text. `last_modified` is
        ISO 8601, `canonical` the address that an HTML page gives itself, `lang` its language,
        `pages_without_text` the scanned pages of a PDF ("3, 7-9").
    """

    title: str
    content_type: str
    blocks: tuple[Block, ...]
    metadata: Mapping[str, str | list[str]] = field(default_factory=dict[str, "str | list[str]"])

    @property
    def text(self) -> str:
        """The whole text, to which the offsets of chunks refer."""
        return BLOCK_SEPARATOR.join(block.text for block in self.blocks)


@dataclass(frozen=True, slots=True)
class Chunk:
    """A part of a document as it is searched and cited.

    chunk_id: uuid5 of document, content hash and occurrence, so an unchanged part keeps its id.
    text: equals `LoadedDocument.text[start_offset:end_offset]`, except that a later part of a long
        table repeats the table's header row in front.
    section_path: the titles of the headings above, outermost first, `section_title` last.
    anchor: of the nearest heading; "" before the first.
    content_hash: sha256 in hex of all that is embedded (title, path, text), whatever the document.
    previous_id, next_id: its neighbours in the document, None at the ends.
    """

    chunk_id: UUID
    doc_id: UUID
    text: str
    chunk_index: int
    page_title: str
    section_title: str
    section_path: tuple[str, ...]
    anchor: str
    page: int | None
    start_offset: int
    end_offset: int
    chunk_strategy: str
    content_type: str
    content_hash: str = ""
    previous_id: UUID | None = None
    next_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class DocumentFacts:
    """What the library knows about a document and the index stores with each of its chunks.

    source: upload, crawl, folder or git. source_hash: sha256 in hex of the bytes as received.
    owner_type: org, department or user. All times are aware, in UTC.
    """

    doc_id: UUID
    organisation_id: UUID
    knowledge_base_id: UUID
    source: str
    source_url: str
    source_hash: str
    etag: str | None
    doc_type: str
    service_scope: str
    tags: tuple[str, ...]
    privacy_level: str
    owner_type: str
    owner_id: str
    created_at: datetime
    updated_at: datetime
    last_modified: datetime | None
    last_crawled_at: datetime | None
    version: int

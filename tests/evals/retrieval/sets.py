"""What retrieval is measured on: documents, queries, and which documents answer which query."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from knowledge.document import LoadedDocument


class BadSet(ValueError):
    """A set that cannot be read; the message names file and line, and what to do."""


@dataclass(frozen=True, slots=True)
class RetrievalSet:
    """documents, queries: by id. qrels: query id → document id → relevance (0 counts as not relevant).

    max_tokens: word pieces in a chunk; None: as documents are cut in the product. A document of a BEIR set
    is one chunk unless it is longer than its max_tokens.
    groups: query id → groups of documents of which one each is needed; only golden questions have them.
    notes: what was odd about the files, for the reader of the table.
    """

    name: str
    documents: Mapping[str, LoadedDocument]
    queries: Mapping[str, str]
    qrels: Mapping[str, Mapping[str, int]]
    max_tokens: int | None = None
    groups: Mapping[str, list[list[str]]] = field(default_factory=dict[str, list[list[str]]])
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.documents:
            raise BadSet(f"{self.name} has no documents.")
        if not self.judged:
            raise BadSet(f"{self.name} has no query with a relevant document. Look at its qrels.")

    @property
    def judged(self) -> list[str]:
        """The ids of the queries for which there is something to find."""
        return [id for id in self.queries if self.relevant(id)]

    def relevant(self, query_id: str) -> dict[str, int]:
        return {id: score for id, score in self.qrels.get(query_id, {}).items() if score > 0}

    def fingerprint(self) -> str:
        """Of the documents and how they are cut: what a built index depends on."""
        digest = hashlib.sha256(repr(self.max_tokens).encode())
        for id in sorted(self.documents):
            document = self.documents[id]
            digest.update("\x00".join([id, document.title, document.content_type]).encode("utf-8", "replace"))
            for block in document.blocks:
                said = f"\x00{block.kind}{block.level}{block.anchor}\x01{block.text}"
                digest.update(said.encode("utf-8", "replace"))
        return digest.hexdigest()

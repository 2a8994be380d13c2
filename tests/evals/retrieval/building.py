"""A set in the real embedded index, built once and kept."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import knowledge
from access.keys import AccessKeys, organisation_key
from knowledge.document import Chunk, DocumentFacts, LoadedDocument
from knowledge.embed import Embedder, embedding_text, piece_counter
from knowledge.index import Index, IndexedChunk, IndexInUse
from knowledge.index.edge import open_edge
from platform_api.library.models import DocumentRow, DocumentVersionRow
from platform_api.library.service.facts import describe
from platform_api.library.service.scopes import Scopes
from tests.evals.retrieval.corpus import chunks_of, document_id
from tests.evals.retrieval.sets import RetrievalSet
from tests.evals.retrieval.vectors import RememberingEmbedder

ORGANISATION = UUID(int=6)
KEYS = AccessKeys([organisation_key(ORGANISATION)])
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
KEPT = 16
"""Built indexes; the oldest go. One of 10,000 chunks takes about 100 MB."""
# What decides what is written: another version of it is another index.
_SHAPING = ("index/*.py", "chunk/*.py", "embed/text.py", "document.py")
_AT_ONCE = 16
Say = Callable[[str, int, int], None]
"""stage, done, total"""


def silent(_stage: str, _done: int, _total: int) -> None:
    pass


def cache_folder() -> Path:
    """SWITCHBOARD_EVAL_CACHE, else `$XDG_CACHE_HOME/switchboard/evals` (`~/.cache/…`)."""
    if said := os.environ.get("SWITCHBOARD_EVAL_CACHE"):
        return Path(said)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "switchboard" / "evals"


@dataclass(frozen=True, slots=True)
class Opened:
    """A set that can be searched. names: document ids as the set has them. chunks: how many there are."""

    index: Index
    embedder: Embedder
    names: dict[UUID, str]
    chunks: int


@asynccontextmanager
async def opened(found: RetrievalSet, say: Say = silent) -> AsyncGenerator[Opened]:
    """The set's index, built where it is not kept."""
    cache = cache_folder()
    embedder = RememberingEmbedder(cache)
    folder = cache / "indexes" / _key(found, embedder)
    if not folder.exists():
        await _build(found, embedder, folder, say)
    folder.touch()
    with tempfile.TemporaryDirectory(prefix="switchboard-eval-") as scratch:
        index = _open(folder, Path(scratch), embedder)
        try:
            names = {document_id(id): id for id in found.documents}
            yield Opened(index, embedder, names, int((folder / "chunks").read_text()))
        finally:
            await index.close()


def _open(folder: Path, scratch: Path, embedder: Embedder) -> Index:
    try:
        return open_edge(folder / "index", embedder.version, embedder.dimensions)
    except IndexInUse:
        # Another measurement reads it, and nobody writes: a copy is as good.
        copy = shutil.copytree(folder / "index", scratch / "index")
        return open_edge(copy, embedder.version, embedder.dimensions)


def _key(found: RetrievalSet, embedder: Embedder) -> str:
    home = Path(knowledge.__file__).parent
    digest = sha256(f"{found.fingerprint()} {embedder.version}".encode())
    for file in [Path(__file__), *sorted(file for each in _SHAPING for file in home.glob(each))]:
        digest.update(file.read_bytes())
    return digest.hexdigest()[:24]


async def _build(found: RetrievalSet, embedder: RememberingEmbedder, folder: Path, say: Say) -> None:
    """Beside its place and then moved, so that there is never half an index."""
    cut = _cut(found, say)
    texts = [embedding_text(one) for _, pieces in cut for one in pieces]
    embedder.prepare(texts, lambda done, total: say("embedding", done, total))
    folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(prefix=".draft-", dir=folder.parent) as place:
        draft = Path(place) / "built"
        index = open_edge(draft / "index", embedder.version, embedder.dimensions)
        for at in range(0, len(cut), _AT_ONCE):
            some = [
                (name, _indexed(name, found, pieces, embedder)) for name, pieces in cut[at : at + _AT_ONCE]
            ]
            await asyncio.gather(*(index.publish(document_id(name), each, KEYS) for name, each in some))
            say("indexing", min(at + _AT_ONCE, len(cut)), len(cut))
        await index.close()
        (draft / "chunks").write_text(str(len(texts)))
        if not folder.exists():
            draft.rename(folder)
    _forget_old(folder.parent)


def _cut(found: RetrievalSet, say: Say) -> list[tuple[str, list[Chunk]]]:
    count = piece_counter()
    cut: list[tuple[str, list[Chunk]]] = []
    for done, (name, document) in enumerate(found.documents.items(), start=1):
        cut.append((name, chunks_of(name, document, count, found.max_tokens)))
        say("cutting", done, len(found.documents))
    return cut


def _indexed(
    name: str, found: RetrievalSet, pieces: list[Chunk], embedder: RememberingEmbedder
) -> list[IndexedChunk]:
    facts = _facts(name, found.documents[name])
    rows = embedder.embed([embedding_text(one) for one in pieces])
    return [IndexedChunk(one, facts, row.tolist()) for one, row in zip(pieces, rows, strict=True)]


def _facts(name: str, document: LoadedDocument) -> DocumentFacts:
    """As the library describes it: dates, tags and the mark of an outdated one are the document's own."""
    row = DocumentRow(corrected={}, path=name, source_url=None)
    version = DocumentVersionRow(declared={}, source_modified=None)
    said = describe(row, version, document, Scopes.load(None))
    doc_id, owner = document_id(name), ORGANISATION
    return DocumentFacts(
        doc_id=doc_id,
        organisation_id=owner,
        knowledge_base_id=owner,
        source="folder",
        source_url=f"/{doc_id}",
        source_hash="0" * 64,
        etag=None,
        doc_type=said.doc_type,
        service_scope=said.service_scope,
        tags=said.tags,
        privacy_level=said.privacy_level,
        owner_type="org",
        owner_id=str(owner),
        created_at=EPOCH,
        updated_at=EPOCH,
        last_modified=said.last_modified,
        last_crawled_at=None,
        version=1,
    )


def _forget_old(folder: Path) -> None:
    built = [each for each in folder.iterdir() if not each.name.startswith(".")]
    for old in sorted(built, key=lambda each: each.stat().st_mtime, reverse=True)[KEPT:]:
        shutil.rmtree(old, ignore_errors=True)

"""Sets from a folder of documents: with golden questions, or with known items made from the documents."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from random import Random
from uuid import UUID, uuid5

from switchboard_sdk.folders import files_in

from knowledge.chunk import chunk
from knowledge.document import Chunk, LoadedDocument
from knowledge.embed import piece_counter
from knowledge.load import UnreadableDocument, load
from knowledge.verify import Source
from tests.evals.golden import Question
from tests.evals.known_items import known_items
from tests.evals.retrieval.sets import BadSet, RetrievalSet

ROOT = UUID(int=5)
_HEADING_WORDS = (2, 12)
_SMALLEST_FIRST = 60
"""Letters: a shorter opening of a section says too little to be asked about."""
Items = Iterator[tuple[str, str]]
"""Query and the document that it was made from."""


def read_documents(folder: Path) -> dict[str, LoadedDocument]:
    """By relative path, as the library reads them; what cannot be read is left out. Raises BadSet."""
    if not folder.is_dir():
        raise BadSet(f"{folder} is not a folder. Name a folder with documents.")
    found: dict[str, LoadedDocument] = {}
    for file in files_in(folder):
        try:
            found[file.name] = load(file.path.read_bytes(), file.name)
        except UnreadableDocument:
            continue
    if not found:
        raise BadSet(f"{folder} has no document that can be read.")
    return found


def golden_set(folder: Path, questions: Sequence[Question]) -> RetrievalSet:
    """The answerable questions; each expected source is relevant. Raises BadSet."""
    documents = read_documents(folder)
    asked = [question for question in questions if question.answerable]
    expected = {source for question in asked for source in question.expected_sources}
    if missing := sorted(expected - documents.keys()):
        raise BadSet(f"The questions expect {missing[0]}, which is not a readable document of {folder}.")
    return RetrievalSet(
        folder.resolve().name,
        documents,
        {question.id: question.question for question in asked},
        {question.id: dict.fromkeys(question.expected_sources, 1) for question in asked},
        groups={question.id: question.needed for question in asked},
    )


def known_item_set(folder: Path, queries: int = 300, seed: int = 5) -> RetrievalSet:
    """Queries made from the documents' headings, section openings and statements, a third of each kind.

    What a query was made from is what it should find; the last two are reworded (tests.evals.known_items).
    """
    documents = read_documents(folder)
    rng = Random(seed)
    each = max(1, queries // len(KINDS))
    made = [item for kind, make in KINDS.items() for item in _some(kind, make(documents, rng), each, rng)]
    return RetrievalSet(
        f"{folder.resolve().name} (known items)",
        documents,
        {id: query for id, query, _ in made},
        {id: {document: 1} for id, _, document in made},
    )


def _some(kind: str, items: Items, many: int, rng: Random) -> Iterator[tuple[str, str, str]]:
    offered = list(items)
    twice = {query for query, count in Counter(query.lower() for query, _ in offered).items() if count > 1}
    # Of a query that several documents gave, none is the one that was meant.
    alone = [(query, document) for query, document in offered if query.lower() not in twice]
    for at, (query, document) in enumerate(rng.sample(alone, min(many, len(alone)))):
        yield f"{kind}-{at}", query, document


def _headings(documents: Mapping[str, LoadedDocument], _: Random) -> Items:
    """A heading by itself where only one document has it, else after its page's title."""
    held: Counter[str] = Counter()
    for document in documents.values():
        held.update({block.text.lower() for block in document.blocks if block.kind == "heading"})
    for name, document in documents.items():
        for block in document.blocks:
            fewest, most = _HEADING_WORDS
            if block.kind == "heading" and fewest <= len(block.text.split()) <= most:
                alone = held[block.text.lower()] == 1 or block.text in document.title
                yield (block.text if alone else f"{document.title} {block.text}"), name


def _openings(documents: Mapping[str, LoadedDocument], rng: Random) -> Items:
    """From the first words below each heading."""
    sources: list[Source] = []
    for name, document in documents.items():
        for above, block in pairwise(document.blocks):
            if above.kind == "heading" and block.kind == "paragraph" and len(block.text) >= _SMALLEST_FIRST:
                sources.append(_source(name, document.title, above.text, block.text, len(sources)))
    yield from _asked(sources, rng)


def _statements(documents: Mapping[str, LoadedDocument], rng: Random) -> Items:
    """From any statement of any chunk."""
    count = piece_counter()
    chunks = [(name, one) for name in documents for one in chunks_of(name, documents[name], count)]
    sources = [
        _source(name, one.page_title, one.section_title, one.text, at)
        for at, (name, one) in enumerate(chunks)
    ]
    yield from _asked(sources, rng)


KINDS: dict[str, Callable[[Mapping[str, LoadedDocument], Random], Items]] = {
    "heading": _headings,
    "opening": _openings,
    "statement": _statements,
}


def _source(name: str, title: str, section: str, text: str, at: int) -> Source:
    return Source(uuid5(ROOT, f"{name}#{at}"), document_id(name), text, title, section, name)


def _asked(sources: Sequence[Source], rng: Random) -> Items:
    names = {source.doc_id: source.url for source in sources}
    for item in known_items(sources, rng):
        yield item.query, names[item.doc_id]


def document_id(name: str) -> UUID:
    return uuid5(ROOT, name)


def chunks_of(
    name: str, document: LoadedDocument, count: Callable[[str], int], max_tokens: int | None = None
) -> list[Chunk]:
    """As ingestion cuts it."""
    return chunk(document, document_id(name), max_tokens=max_tokens, count_tokens=count)

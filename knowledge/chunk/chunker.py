"""One door to all strategies; turns spans of text into chunks with stable ids."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache
from uuid import UUID, uuid5

from knowledge.chunk.semantic import semantic
from knowledge.chunk.spans import Span, fixed_size, headings_only, layout, markdown, page, paragraph
from knowledge.chunk.structured import structured
from knowledge.chunk.tokens import CountTokens, Embed, Measure, estimate_tokens
from knowledge.document import Chunk, LoadedDocument

# Leaves room in the embedder's 256 word pieces for the title and the path of sections.
MAX_TOKENS = 220

Strategy = Callable[[LoadedDocument, Measure], Iterable[Span]]
STRATEGIES: dict[str, Strategy] = {
    "layout": layout,
    "paragraph": paragraph,
    "page": page,
    "fixed_size": fixed_size,
    "semantic": semantic,
    "markdown": markdown,
    "code": structured,
    "json": structured,
}
_DEFAULT_TOKENS = {"fixed_size": 512}
_BY_CONTENT_TYPE = {
    "text/markdown": "markdown",
    "application/json": "json",
    "application/jsonl": "json",
    "text/x-source": "code",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "page",
}


def strategy_for(document: LoadedDocument) -> str:
    """The strategy that suits the type of a document; layout where none is better."""
    return _BY_CONTENT_TYPE.get(document.content_type, "layout")


def chunk(
    document: LoadedDocument,
    doc_id: UUID,
    strategy: str | None = None,
    max_tokens: int | None = None,
    *,
    count_tokens: CountTokens = estimate_tokens,
    embed: Embed | None = None,
) -> list[Chunk]:
    """Cut a document into chunks of at most `max_tokens` word pieces (SPEC 7).

    strategy: by default that of the type (`strategy_for`).
        layout: headings are boundaries, tables and lists whole where they fit. markdown: the same, with
        code beside the words that introduce it. paragraph: each block. page: each page or slide.
        fixed_size: 512 tokens with 50 overlap. semantic: breaks in meaning, by `embed`. code: by
        definitions. json: by objects, arrays and values.
    Only fixed_size overlaps. Every block that is not a heading is in some chunk. The same document gives
    the same ids; a change in one section changes the ids of that section's chunks only.
    Raises ValueError for an unknown strategy, or semantic without `embed`.
    """
    name = strategy or strategy_for(document)
    if name not in STRATEGIES:
        raise ValueError(f"unknown chunking strategy {name!r}; there are {', '.join(STRATEGIES)}")
    limit = max(max_tokens or _DEFAULT_TOKENS.get(name, MAX_TOKENS), 8)
    # The same block is measured several times on the way down the tree.
    measure = Measure(limit, cache(count_tokens), embed)
    # Where there is nothing but headings, these are the text.
    spans = list(STRATEGIES[name](document, measure)) or headings_only(document, measure)
    return _chunks(document, doc_id, name, spans)


def _chunks(document: LoadedDocument, doc_id: UUID, strategy: str, spans: Iterable[Span]) -> list[Chunk]:
    text = document.text
    seen: Counter[str] = Counter()
    made: list[Chunk] = []
    for span in spans:
        body = f"{span.header}\n{text[span.start : span.end]}" if span.header else text[span.start : span.end]
        content = _content_hash(document.title, span.path, body)
        made.append(
            Chunk(
                chunk_id=uuid5(doc_id, f"{content}:{seen[content]}"),
                doc_id=doc_id,
                text=body,
                chunk_index=len(made),
                page_title=document.title,
                section_title=span.path[-1] if span.path else "",
                section_path=span.path,
                anchor=span.anchor,
                page=span.page,
                start_offset=span.start,
                end_offset=span.end,
                chunk_strategy=strategy,
                content_type=document.content_type,
                content_hash=content,
            )
        )
        seen[content] += 1
    return _linked(made)


def _linked(chunks: list[Chunk]) -> list[Chunk]:
    ids = [None, *(piece.chunk_id for piece in chunks), None]
    return [
        replace(piece, previous_id=before, next_id=after)
        for piece, before, after in zip(chunks, ids, ids[2:], strict=False)
    ]


def _content_hash(title: str, path: tuple[str, ...], body: str) -> str:
    """Over all that is embedded: an id that is known means a stored vector that still fits."""
    return hashlib.sha256("\x00".join([title, *path, "", body]).encode()).hexdigest()

"""verify.quote: the same verification as the turn's own, on chunks that the person may open."""

import asyncio
from collections.abc import Sequence

from kit.wire.search import VerifiedQuote, VerifyRequest, VerifyResult
from knowledge.index import Index, StoredChunk
from knowledge.search import Links
from knowledge.verify import Source, Verdict, verify
from tools.servers.serving import Asker


class Quotes:
    def __init__(self, index: Index, links: Links) -> None:
        self._index = index
        self._links = links

    async def run(self, asker: Asker, request: VerifyRequest) -> VerifyResult:
        """A chunk that the person may not open is as if it were not there."""
        bases = asker.principal.limits.knowledge_base_ids
        stored = await self._index.fetch(asker.keys, request.chunks, bases)
        sources = [_source(found, self._links.to(found)) for found in stored]
        # up to 64 sentences against 64 chunks: too long for the event loop
        return await asyncio.to_thread(_verified, request, sources)


def _verified(request: VerifyRequest, sources: Sequence[Source]) -> VerifyResult:
    asked = [(sentence, verify(sentence, sources, request.threshold)) for sentence in request.sentences]
    return VerifyResult(
        verified=[verdict.supported for _, verdict in asked],
        citations=[quote for sentence, verdict in asked if (quote := _quote(sentence, verdict))],
        unverified_sentences=[sentence for sentence, verdict in asked if not verdict.supported],
    )


def _quote(sentence: str, verdict: Verdict) -> VerifiedQuote | None:
    source = verdict.source
    if not verdict.supported or source is None:
        return None
    return VerifiedQuote(
        sentence=sentence,
        source_url=source.url,
        page_title=source.title,
        section_title=source.section,
        quote=verdict.quote,
        confidence=verdict.confidence,
        chunk_id=source.chunk_id,
    )


def _source(stored: StoredChunk, url: str) -> Source:
    chunk = stored.chunk
    return Source(
        chunk_id=chunk.chunk_id,
        doc_id=chunk.doc_id,
        text=chunk.text,
        title=chunk.page_title,
        section=chunk.section_title,
        url=url,
        page=chunk.page,
    )

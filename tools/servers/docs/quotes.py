"""verify.quote: the same verification as the turn's own, on chunks that the person may open."""

import asyncio
from collections.abc import Sequence

from kit.wire.search import VerifiedQuote, VerifyRequest, VerifyResult
from knowledge.index import Index, StoredChunk
from knowledge.search import DOCUMENTS, Searching, asked, kept_for
from knowledge.verify import Source, Verdict, verify
from ports.redis import Cache, CacheDoor, Kept
from tools.servers.serving import Asker


def _dumped(result: VerifyResult) -> bytes:
    return result.model_dump_json().encode()


_KEPT = Kept(_dumped, VerifyResult.model_validate_json)


class Quotes:
    """door: None keeps nothing."""

    def __init__(self, index: Index, search: Searching, door: CacheDoor | None = None) -> None:
        self._index = index
        self._search = search
        self._cache = Cache(door, "verify.quote", door.settings.quotes_s, _KEPT) if door else None

    async def run(self, asker: Asker, request: VerifyRequest) -> VerifyResult:
        """A chunk that the person may not open is as if it were not there."""
        version, organisation_id = self._search.version, kept_for(asker.keys)
        if self._cache is None or organisation_id is None or not version:
            return await self._verified(asker, request)
        bases = asker.principal.limits.knowledge_base_ids
        # A chunk's text, and who may open it, change with the scope: its version is that of the chunks.
        question = asked(version, asker.keys, bases, request.model_dump_json())
        result, _ = await self._cache.get(
            organisation_id, (DOCUMENTS,), question, lambda: self._verified(asker, request)
        )
        return result

    async def _verified(self, asker: Asker, request: VerifyRequest) -> VerifyResult:
        bases = asker.principal.limits.knowledge_base_ids
        stored = await self._index.fetch(asker.keys, request.chunks, bases)
        links = self._search.links
        sources = [_source(found, links.to(found)) for found in stored]
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

"""The reranker that the settings name is in the search of both shapes; a missing one stops the start."""

from pathlib import Path
from uuid import uuid4

import pytest

from access.keys import AccessKeys
from kit.wire.search import SearchRequest
from knowledge.embed import packaged
from knowledge.index import IndexedChunk
from knowledge.index.serving import serving
from knowledge.index.settings import QdrantSettings
from launch.parts import MODELS_UNAVAILABLE, Knowledge, embedded_knowledge, remote_knowledge
from tests.knowledge.embed.cross_encoders import write_cross_encoder
from tests.knowledge.index.samples import chunk, facts

KEYS = AccessKeys(["o:1"])
TEXTS = ("annual leave days", "annual pay days")


@pytest.mark.proves("SEARCH-021")
@pytest.mark.parametrize("first", ["leave", "pay"])
async def test_the_named_reranker_decides_what_is_close_in_both_shapes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    scores = {"leave": (-5.0,), "pay": (-5.0,)} | {first: (5.0,)}
    monkeypatch.setenv("SWITCHBOARD_RERANK__FOLDER", str(write_cross_encoder(tmp_path / "model", scores)))
    monkeypatch.setenv("SWITCHBOARD_SEARCH__RERANK_WITHIN", "1")
    socket = tmp_path / "s"

    async with embedded_knowledge(tmp_path / "index", "http://test") as embedded:
        await _publish(embedded)
        assert await _found(embedded) == next(text for text in TEXTS if first in text)
        async with (
            serving(embedded.index, socket, embedded.generations),
            remote_knowledge(QdrantSettings(url=""), str(socket)) as remote,
        ):
            assert await _found(remote) == next(text for text in TEXTS if first in text)


async def test_a_reranker_that_is_not_there_stops_the_start_with_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWITCHBOARD_RERANK__FOLDER", str(tmp_path / "none"))
    with pytest.raises(MODELS_UNAVAILABLE, match=r"SWITCHBOARD_RERANK__FOLDER.*does not exist"):
        async with embedded_knowledge(tmp_path / "index", "http://test"):
            pass


async def test_a_process_that_searches_nothing_does_without_the_reranker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with embedded_knowledge(tmp_path / "index", "http://test") as embedded:
        monkeypatch.setenv("SWITCHBOARD_RERANK__FOLDER", str(tmp_path / "none"))
        qdrant, socket = QdrantSettings(url=""), tmp_path / "s"
        async with serving(embedded.index, socket, embedded.generations):
            async with remote_knowledge(qdrant, str(socket), searched=False) as remote:
                await _publish(remote)
            with pytest.raises(MODELS_UNAVAILABLE):
                async with remote_knowledge(qdrant, str(socket)):
                    pass
        assert await _found(embedded) in TEXTS


async def _publish(knowledge: Knowledge) -> None:
    doc_id = uuid4()
    rows = packaged().embed(TEXTS)
    chunks = [
        IndexedChunk(chunk(doc_id, text, at), facts(doc_id), row.tolist())
        for at, (text, row) in enumerate(zip(TEXTS, rows, strict=True))
    ]
    await knowledge.index.publish(doc_id, chunks, KEYS)


async def _found(knowledge: Knowledge) -> str:
    found = await knowledge.search.search(KEYS, SearchRequest(query="annual days"))
    assert found.degraded is None
    return found.chunks[0].content

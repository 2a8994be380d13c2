"""How near what was found is to the question, by the vectors that the index keeps; or not known at all."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import pytest

from access.keys import AccessKeys
from knowledge.embed import SentenceVectors
from knowledge.search.finder import One
from knowledge.sentences import sentence_spans
from platform_api.chat.nearness import Nearness
from platform_api.chat.stored import StoredVectors
from tests.platform_api.reading import embedder

TEXT = "The canteen opens at noon. Travel is paid back within ten days. Dogs stay outside."
SPANS = tuple(sentence_spans(TEXT))
QUESTION = "When do I get the money for my trip?"
KEYS, CHUNK = AccessKeys(["o:1", "u:2"]), uuid4()


class Kept:
    """An index with the vectors of one chunk; remembers whose keys asked."""

    def __init__(self, hangs: asyncio.Event | None = None) -> None:
        self.keys: list[AccessKeys] = []
        self.hangs = hangs

    async def sentences(self, keys: AccessKeys, chunk_ids: Sequence[Any]) -> dict[Any, SentenceVectors]:
        self.keys.append(keys)
        if self.hangs:
            await self.hangs.wait()
        rows = embedder().embed([TEXT[start:end] for start, end in SPANS])
        return {CHUNK: SentenceVectors(SPANS, (rows * 127).round().astype("int8"))} if chunk_ids else {}


class Reading:
    def __init__(self, fails: bool = False) -> None:
        self.calls: list[list[str]] = []
        self.fails = fails
        self.version, self.dimensions = embedder().version, embedder().dimensions

    def embed(self, texts: Sequence[str]) -> Any:
        self.calls.append(list(texts))
        if self.fails:
            raise OSError("no model")
        return embedder().embed(texts)


def nearness(index: Kept, reading: Reading, timeout_s: float = 30.0) -> Nearness:
    stored = StoredVectors(One(index, reading), timeout_s)  # type: ignore[arg-type]  # what is asked of them
    return Nearness(stored, timeout_s)


@pytest.mark.proves("EXTRACT-007")
async def test_the_sentence_that_means_it_is_nearest_and_the_embedder_is_asked_once() -> None:
    index, reading = Kept(), Reading()
    likeness = await nearness(index, reading).of(KEYS, [QUESTION, "dogs"], [CHUNK])
    assert likeness is not None
    near = [likeness.to(QUESTION, CHUNK, span) for span in SPANS]
    assert max(near) == near[1]
    assert likeness.to("dogs", CHUNK, SPANS[2]) > likeness.to("dogs", CHUNK, SPANS[0])
    assert reading.calls == [[QUESTION, "dogs"]]
    assert index.keys == [KEYS]


async def test_of_a_chunk_without_vectors_nothing_is_known() -> None:
    likeness = await nearness(Kept(), Reading()).of(KEYS, [QUESTION], [CHUNK])
    assert likeness is not None
    assert likeness.to(QUESTION, uuid4(), SPANS[0]) == 0.0


@pytest.mark.proves("EXTRACT-007")
async def test_what_fails_or_is_late_or_finds_nothing_leaves_it_to_the_words() -> None:
    for one, chunks in (
        (nearness(Kept(), Reading(fails=True)), [CHUNK]),
        (nearness(Kept(hangs=asyncio.Event()), Reading(), timeout_s=0.05), [CHUNK]),
        (nearness(Kept(), Reading()), []),
    ):
        assert await one.of(KEYS, [QUESTION], chunks) is None

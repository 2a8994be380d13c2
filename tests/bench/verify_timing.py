"""verify of a ten-sentence answer over twelve chunks of the sample handbook."""

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from uuid import UUID, uuid5

from knowledge.chunk import chunk
from knowledge.document import Chunk
from knowledge.embed import Embedder, Vectors, packaged, piece_counter
from knowledge.embed.vectors import Vectoriser
from knowledge.load import load
from knowledge.verify import Source, prepare, split_sentences, verify
from tests.bench.timing import Measured, measured, show

HANDBOOK = Path(__file__).parents[2] / "examples" / "handbook"
CHUNKS, SENTENCES, ANSWERS = 12, 10, 40
_ROOT = UUID(int=8)


class _Now:
    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self.version, self.dimensions = embedder.version, embedder.dimensions

    async def embed(self, texts: Sequence[str]) -> Vectors:
        return self._embedder.embed(texts)


def report() -> None:
    """Cold: chunks that were not seen before, as a turn meets them. Warm: the same answer again."""
    embedder = packaged()
    sources = _sources(embedder)
    rng = random.Random(7)
    answers = [
        (_answer(among, rng), among) for among in (rng.sample(sources, CHUNKS) for _ in range(ANSWERS))
    ]
    bare = [(said, [replace(source, sentences=None) for source in among]) for said, among in answers]
    rows = {
        "with stored sentence vectors, cold": _timed(answers, embedder, cold=True),
        "with stored sentence vectors, warm": _timed(answers, embedder, cold=False),
        "by words alone, cold": _timed(bare, None, cold=True),
        "embedding the sources' sentences, which it saves": _embedding(answers[:5], embedder),
    }
    print(f"verify, {SENTENCES} sentences over {CHUNKS} chunks, {ANSWERS} answers (ceiling p95 500 ms)")
    show(rows)


def _sources(embedder: Embedder) -> list[Source]:
    chunks = [one for path in sorted(HANDBOOK.rglob("*.md")) for one in _chunks(path)]
    vectors = asyncio.run(Vectoriser(_Now(embedder)).vectors(_ROOT, chunks))
    return [
        Source(
            one.chunk_id,
            one.doc_id,
            one.text,
            one.page_title,
            one.section_title,
            "/",
            sentences=vectors[one.chunk_id].sentences,
        )
        for one in chunks
    ]


def _chunks(path: Path) -> list[Chunk]:
    return chunk(load(path.read_bytes(), path.name), uuid5(_ROOT, str(path)), count_tokens=piece_counter())


def _answer(sources: Sequence[Source], rng: random.Random) -> list[str]:
    """Four sentences as they stand, three with words left out, three with a number or a word changed."""
    known = [one for source in sources for one in split_sentences(source.text) if len(one.split()) > 5]
    chosen = rng.sample(known, SENTENCES)
    shorter = [" ".join(word for at, word in enumerate(one.split()) if at % 4 != 2) for one in chosen[4:7]]
    changed = [one.replace(" is ", " is not ").replace("1", "7") for one in chosen[7:]]
    return [*chosen[:4], *shorter, *changed]


def _timed(
    answers: Sequence[tuple[list[str], list[Source]]], embedder: Embedder | None, *, cold: bool
) -> Measured:
    def check(said: list[str], among: list[Source]) -> None:
        if cold:
            prepare.cache_clear()
        for sentence in said:
            verify(sentence, among, embedder=embedder)

    return _each(check, answers)


def _embedding(answers: Sequence[tuple[list[str], list[Source]]], embedder: Embedder) -> Measured:
    def embed(_said: list[str], among: list[Source]) -> None:
        embedder.embed([one for source in among for one in split_sentences(source.text)])

    return _each(embed, answers)


def _each(
    call: Callable[[list[str], list[Source]], None], answers: Sequence[tuple[list[str], list[Source]]]
) -> Measured:
    times: list[float] = []
    processor: list[float] = []
    call(*answers[0])
    for said, among in answers:
        begun, spent = time.perf_counter(), time.process_time()
        call(said, among)
        processor.append((time.process_time() - spent) * 1000)
        times.append((time.perf_counter() - begun) * 1000)
    return measured(times, processor)

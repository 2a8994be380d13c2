"""What the documents issue promises of ingestion: `python -m tests.bench.ingest_bench [documents]`.

Starts the all-in-one, uploads that many generated pages through the API while somebody searches, uploads
them again, changes one, and holds the speed against that of the embedder alone: same texts, one thread,
same priority.
"""

import asyncio
import multiprocessing
import os
import random
import re
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import httpx
from switchboard_sdk import Switchboard
from switchboard_sdk.jobs import FINISHED
from switchboard_sdk.library import NamedFile

from knowledge.chunk import chunk
from knowledge.embed import embedding_text, packaged, piece_counter
from knowledge.load import load
from knowledge.prepare.child_limits import NICENESS
from launch.child import Running, running
from launch.cli.docs import find_base
from tests.bench import processes
from tests.bench.ingest_corpus import SMALL, TYPICAL, pages
from tests.evals.metrics import percentile

PERSON = "ada"
AT_ONCE = 64
SEARCHES = 150
PAUSE_S = 0.1
RAW_SAMPLE = 1500
MISSES = re.compile(r'^switchboard_vector_cache_chunks_total\{outcome="miss"\} (\S+)', re.MULTILINE)
QUERIES = ("who checks the winch before sailing", "wear of the anchor", "berth 17 pump", "paint the hull")


@dataclass(frozen=True, slots=True)
class Line:
    """One figure beside what is promised: `least` or `most` of it; neither: for comparison."""

    name: str
    value: float
    unit: str
    least: float | None = None
    most: float | None = None

    @property
    def kept(self) -> bool:
        return (self.least is None or self.value >= self.least) and (
            self.most is None or self.value <= self.most
        )

    def shown(self) -> str:
        wanted = f"≥ {self.least:g}" if self.least is not None else ""
        wanted = f"≤ {self.most:g}" if self.most is not None else wanted
        verdict = ("" if not wanted else "kept") if self.kept else "MISSED"
        return f"{self.name:<58}{self.value:>10.2f} {self.unit:<9} {wanted:<8} {verdict}"


@dataclass(frozen=True, slots=True)
class Text:
    """What is embedded of the corpus, and how many word pieces that is, marks at the ends included."""

    texts: list[str]
    tokens: int

    @classmethod
    def of(cls, files: Sequence[NamedFile]) -> "Text":
        count = piece_counter()
        chunks = [
            piece
            for file in files
            for piece in chunk(load(file.data, file.name), UUID(int=1), count_tokens=count)
        ]
        texts = [embedding_text(piece) for piece in chunks]
        return cls(texts, sum(count(text) + 2 for text in texts))


def main(documents: int) -> int:
    lines = asyncio.run(_measure(documents))
    for line in lines:
        print(line.shown())
    return 0 if all(line.kept for line in lines) else 1


async def _measure(documents: int) -> list[Line]:
    corpus = Corpus.of(documents)
    text = Text.of(corpus.typical)
    before = _raw_speed(text.texts)
    with tempfile.TemporaryDirectory(prefix="switchboard-bench-") as folder:
        async with running(Path(folder)) as platform, _signed_in(platform) as bench:
            lines = await bench.run(corpus, text)
    raw = (before + _raw_speed(text.texts)) / 2
    return [
        Line("the embedder alone, before and after", raw, "tokens/s"),
        Line("ingestion ÷ the embedder alone, typical documents", lines[0].value / raw, "", least=0.85),
        *lines,
    ]


@dataclass(frozen=True, slots=True)
class Corpus:
    """typical: speed is measured on these. small: many, for memory and for what each document costs."""

    first: list[NamedFile]
    typical: list[NamedFile]
    small: list[NamedFile]

    @classmethod
    def of(cls, documents: int, changed: int | None = None) -> "Corpus":
        typical = min(max(documents // 5, 20), 400)
        return cls(
            list(pages("first", AT_ONCE, SMALL)),
            list(pages("typical", typical, TYPICAL)),
            list(pages("small", documents, SMALL, changed)),
        )

    @property
    def files(self) -> list[NamedFile]:
        return [*self.first, *self.typical, *self.small]


@asynccontextmanager
async def _signed_in(platform: Running) -> "AsyncGenerator[Bench]":
    async with Switchboard(platform.base_url) as switchboard:
        await switchboard.sign_in_dev(PERSON)
        base = await find_base(switchboard, "org")
        async with httpx.AsyncClient(base_url=platform.base_url, trust_env=False, timeout=30) as http:
            yield Bench(switchboard, base.id, platform, http)


@dataclass(frozen=True, slots=True)
class Bench:
    switchboard: Switchboard
    base: UUID
    platform: Running
    http: httpx.AsyncClient

    async def run(self, corpus: Corpus, text: Text) -> list[Line]:
        _say(f"{len(corpus.typical)} typical and {len(corpus.small)} small documents")
        await self._timed(corpus.first)  # the model is built, the children have started
        idle = await self._search_times(SEARCHES)
        curve: list[float] = []
        cpu = processes.cpu_seconds(self.platform.pid)
        typical, busy = await self._with_searches(corpus.typical, [])
        _say(f"typical documents: {text.tokens / typical:.0f} tokens/s")
        spent = processes.cpu_between(cpu, processes.cpu_seconds(self.platform.pid))
        small, more = await self._with_searches(corpus.small, curve)
        _say(f"small documents: {len(corpus.small) / small:.1f} a second")
        busy += more
        at_end = await self._search_times(SEARCHES)
        misses = await self._misses()
        again = await self._timed(corpus.files)
        same = await self._misses() - misses
        await self._timed(Corpus.of(len(corpus.small), changed=len(corpus.small) // 2).small)
        fresh = await self._misses() - misses - same
        whole = (typical + small) * len(corpus.files) / (len(corpus.typical) + len(corpus.small))
        # Searching more documents takes longer by itself: both ends are compared.
        usual = max(percentile(idle, 0.95), percentile(at_end, 0.95))
        p95 = percentile(busy, 0.95)
        return [
            Line("ingestion, typical documents, upload to searchable", text.tokens / typical, "tokens/s"),
            Line("… processor time of all processes", spent / len(corpus.typical) * 1000, "ms/doc"),
            Line("ingestion, small documents", len(corpus.small) / small, "docs/s"),
            Line("search p95, nothing else going on, few documents", percentile(idle, 0.95), "ms"),
            Line("search p95, nothing else going on, all documents", percentile(at_end, 0.95), "ms"),
            Line(f"search p95 while ingesting ({len(busy)} searches)", p95, "ms"),
            Line("… ÷ idle", p95 / usual, "×", most=2.0),
            *_memory(curve),
            Line("the same corpus again", again, "s"),
            Line("… first run ÷ second run", whole / again, "×", least=50),
            Line("… chunks embedded", same, "chunks", most=0),
            Line("one sentence of one page changed: chunks embedded", fresh, "chunks", least=1, most=1),
        ]

    async def _with_searches(
        self, files: Sequence[NamedFile], curve: list[float]
    ) -> tuple[float, list[float]]:
        """Seconds of ingestion, and milliseconds of the searches meanwhile."""
        busy: list[float] = []
        begun = time.perf_counter()
        upload = asyncio.create_task(self._upload(files))
        while not upload.done():
            busy.append(await self._search())
            if len(busy) % 20 == 1:
                curve.append(await asyncio.to_thread(_pss_mb, self.platform.pid))
            await asyncio.sleep(PAUSE_S)
        await upload
        return time.perf_counter() - begun, busy

    async def _timed(self, files: Sequence[NamedFile]) -> float:
        begun = time.perf_counter()
        await self._upload(files)
        return time.perf_counter() - begun

    async def _upload(self, files: Sequence[NamedFile]) -> None:
        """Returns when all of them are searchable."""
        jobs: list[UUID] = []
        for start in range(0, len(files), AT_ONCE):
            accepted = await self.switchboard.documents.upload(
                self.base, list(files[start : start + AT_ONCE])
            )
            if any(document.status == "queued" for document in accepted.documents):
                jobs.append(accepted.job_id)
        for job_id in jobs:
            while (job := await self.switchboard.jobs.get(job_id)).status not in FINISHED:
                await asyncio.sleep(0.2)
            if job.status != "succeeded":
                raise RuntimeError(f"a job {job.status}: {job.errors[:3]}")

    async def _search_times(self, number: int) -> list[float]:
        times: list[float] = []
        for _ in range(number):
            times.append(await self._search())
            await asyncio.sleep(PAUSE_S / 2)
        return times

    async def _search(self) -> float:
        begun = time.perf_counter()
        # Never the same words: a cache must not answer.
        query = f"{random.choice(QUERIES)} {random.randrange(10**6)}"
        await self.switchboard.knowledge_bases.query(self.base, query)
        return (time.perf_counter() - begun) * 1000

    async def _misses(self) -> float:
        """How many chunks were not known by their content and had to be embedded, since the start."""
        found = MISSES.search((await self.http.get("/metrics")).text)
        return float(found.group(1)) if found else 0.0


def _say(what: str) -> None:
    """Long runs tell how far they are."""
    print(f"… {what}", flush=True)


def _memory(curve: list[float]) -> list[Line]:
    shown = [curve[round(part * (len(curve) - 1) / 10)] for part in range(11)]
    print("memory (PSS) over the run, MB: " + " ".join(f"{value:.0f}" for value in shown))
    early, late = sorted(shown[2:5])[1], sorted(shown[8:11])[1]
    return [
        Line("memory (PSS), highest", max(curve), "MB", most=700),
        Line("… at the end ÷ after a third", late / early, "×", most=1.15),
    ]


def _pss_mb(pid: int) -> float:
    return sum(share.pss_mb for share in processes.memory(pid))


def _raw_speed(texts: Sequence[str]) -> float:
    """Tokens a second of the embedder in a process of its own that does nothing else."""
    context = multiprocessing.get_context("spawn")
    sample = random.Random(1).sample(list(texts), min(RAW_SAMPLE, len(texts)))
    with ProcessPoolExecutor(1, context, initializer=os.nice, initargs=(NICENESS,)) as pool:
        return pool.submit(_embed, sample).result()


def _embed(texts: list[str]) -> float:
    embedder, count = packaged(threads=1), piece_counter()
    embedder.embed(texts[:20])
    tokens = sum(count(text) + 2 for text in texts)
    begun = time.perf_counter()
    embedder.embed(texts)
    return tokens / (time.perf_counter() - begun)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 500))

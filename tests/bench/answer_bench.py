"""What verification adds to a streamed answer: `python -m tests.bench.answer_bench [answers]`.

A model's answers of five sentences, each with its quote, come in pieces of four letters over twelve chunks of
the sample handbook, their sentence vectors stored; one sentence is copied, one reworded, one false, in turn.
Measured is from the piece that completes a sentence to the text that may be shown, by the way that a turn
goes: in a thread, with vectors fetched and sources read as soon as they are found. The model begins to write
50 ms after that; hosted ones take longer. CPU is that of the whole process, embedding included.
"""

import asyncio
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from access.keys import AccessKeys
from knowledge.embed import SentenceVectors
from knowledge.search.finder import One
from knowledge.verify import Source, prepare, split_sentences
from platform_api.chat.answer import Answer
from platform_api.chat.checks import Checks, Means
from platform_api.chat.sentences import Sentence, SentenceStream
from platform_api.chat.stored import StoredVectors
from tests.evals.metrics import percentile
from tests.evals.verifying.changes import reworded
from tests.evals.verifying.pages import Page, embedder, read_pages, source_of_chunk

HANDBOOK = Path(__file__).parents[2] / "examples" / "handbook"
CHUNKS, SENTENCES, PIECE = 12, 5, 4
FIRST_TOKEN_S = 0.05
GOAL_MS = 15.0
KEYS = AccessKeys(["o:bench"])


@dataclass(frozen=True, slots=True)
class Delay:
    """Milliseconds, by the clock and of CPU; `left` of the text was still to come by then."""

    ms: float
    cpu_ms: float
    first: bool
    left: float
    shown: bool


class Kept:
    """The index, as far as it is asked."""

    def __init__(self, pages: Sequence[Page]) -> None:
        self._of = {page.chunk.chunk_id: page.vectors.sentences for page in pages}

    async def sentences(self, keys: AccessKeys, chunk_ids: Sequence[UUID]) -> dict[UUID, SentenceVectors]:
        return {one: self._of[one] for one in chunk_ids}


def main(answers: int) -> None:
    pages = read_pages(HANDBOOK).pages
    asyncio.run(_measure(answers, pages))


async def _measure(answers: int, pages: Sequence[Page]) -> None:
    rng = random.Random(7)
    index = One(Kept(pages), embedder())  # type: ignore[arg-type]  # what is asked of it
    ways = {
        "with vectors, cold": Means(StoredVectors(index, 5.0)),
        "by words alone, cold": Means(),
    }
    for name, means in ways.items():
        delays, cpu = await _answers(answers, pages, means, rng)
        _report(f"first sentence, {name}", [one for one in delays if one.first])
        _report(f"all sentences, {name}", delays)
        print(f"{'CPU per sentence':<52}{cpu / len(delays) * 1000:>8.2f} ms")
        left = [one.left for one in delays if one.first]
        print(f"{'of the text still to come at the first sentence':<52}{percentile(left, 0.5):>8.0%}  (p50)")
        print(f"{'sentences that gave text':<52}{sum(one.shown for one in delays) / len(delays):>8.0%}")
        means.close()


async def _answers(
    answers: int, pages: Sequence[Page], means: Means, rng: random.Random
) -> tuple[list[Delay], float]:
    """The delays, and CPU seconds for all of them."""
    delays: list[Delay] = []
    cpu = 0.0
    for _ in range(answers):
        among = [source_of_chunk(one.file, one.chunk) for one in rng.sample(pages, CHUNKS)]
        text = _text(among, rng)
        prepare.cache_clear()
        began = time.process_time()
        delays += await _delays(text, among, means)
        cpu += time.process_time() - began
    return delays, cpu


def _text(sources: list[Source], rng: random.Random) -> str:
    known = [(n, one) for n, source in enumerate(sources, 1) for one in split_sentences(source.text)]
    chosen = rng.sample([pair for pair in known if len(pair[1].split()) > 5], SENTENCES)
    said = [_said(at, one, rng) for at, (_, one) in enumerate(chosen)]
    return " ".join(f'{one} [{n} "{quote}"]' for one, (n, quote) in zip(said, chosen, strict=True))


def _said(at: int, sentence: str, rng: random.Random) -> str:
    """Copied, reworded, false."""
    if at % 3 == 0:
        return sentence
    if at % 3 == 1:
        return next((other for _, other in reworded(sentence, rng)), f"In short, {sentence}")
    return sentence.replace(" is ", " is not ").replace("1", "7")


async def _delays(text: str, sources: list[Source], means: Means) -> list[Delay]:
    answer, stream = Answer(0.85), SentenceStream()
    checks = Checks(answer, means, KEYS)
    checks.found(sources)
    await asyncio.sleep(FIRST_TOKEN_S)
    delays: list[Delay] = []
    for at in range(0, len(text), PIECE):
        begun = time.perf_counter(), time.process_time()
        left = max(1 - (at + PIECE) / len(text), 0.0)
        for sentence in stream.feed(text[at : at + PIECE]):
            delays.append(await _delay(checks, sentence, begun, left, not delays))
            begun = time.perf_counter(), time.process_time()
    for sentence in stream.end():
        begun = time.perf_counter(), time.process_time()
        delays.append(await _delay(checks, sentence, begun, 0.0, not delays))
    await checks.close()
    return delays


async def _delay(
    checks: Checks, sentence: Sentence, begun: tuple[float, float], left: float, first: bool
) -> Delay:
    shown = await checks.shown([sentence])
    now = time.perf_counter(), time.process_time()
    ms, cpu_ms = ((end - start) * 1000 for start, end in zip(begun, now, strict=True))
    return Delay(ms, cpu_ms, first, left, bool(shown))


def _report(name: str, delays: list[Delay]) -> None:
    for what, times in (("", [one.ms for one in delays]), (", CPU", [one.cpu_ms for one in delays])):
        p50, p95 = percentile(times, 0.5), percentile(times, 0.95)
        of_the_goal = f"{p95 / GOAL_MS:5.2f}× of the goal"
        print(f"{name + what:<46}{len(times):>5} × p50 {p50:7.2f} ms  p95 {p95:7.2f} ms  {of_the_goal}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)

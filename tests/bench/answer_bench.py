"""What verification adds to a streamed answer: `python -m tests.bench.answer_bench [answers]`.

A model's answers of five sentences, each with its quote, come in pieces of four letters over twelve chunks of
the sample handbook; measured is from the piece that completes a sentence to the text that may be shown.
Cold: chunks seen for the first time, as the first sentence of a turn finds them.
"""

import random
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from knowledge.chunk import chunk
from knowledge.load import load
from knowledge.verify import Source, prepare, split_sentences
from platform_api.chat.answer import Answer
from platform_api.chat.sentences import SentenceStream
from tests.evals.metrics import percentile

HANDBOOK = Path(__file__).parents[2] / "examples" / "handbook"
CHUNKS, SENTENCES, PIECE = 12, 5, 4
GOAL_MS = 15.0


@dataclass(frozen=True, slots=True)
class Delay:
    """Milliseconds; `left` of the model's text was still to come when the sentence was out."""

    ms: float
    first: bool
    left: float
    shown: bool


def main(answers: int) -> None:
    chunks = list(_sources())
    rng = random.Random(7)
    cold: list[Delay] = []
    warm: list[Delay] = []
    for _ in range(answers):
        among = rng.sample(chunks, CHUNKS)
        text = _text(among, rng)
        prepare.cache_clear()
        cold += _delays(text, among)
        warm += _delays(text, among)
    _report("first sentence, cold", [one for one in cold if one.first])
    _report("all sentences, cold", cold)
    _report("all sentences, warm", warm)
    left = [one.left for one in cold if one.first]
    print(f"{'of the text still to come at the first sentence':<52}{percentile(left, 0.5):>8.0%}  (p50)")
    print(f"{'sentences shown':<52}{sum(one.shown for one in cold) / len(cold):>8.0%}")


def _sources() -> Iterator[Source]:
    for path in sorted(HANDBOOK.rglob("*.md")):
        document = load(path.read_bytes(), path.name)
        for one in chunk(document, uuid4()):
            yield Source(one.chunk_id, one.doc_id, one.text, one.page_title, one.section_title, path.name)


def _text(sources: list[Source], rng: random.Random) -> str:
    """Copied sentences with their quote; every third with a number or a word changed."""
    known = [(n, one) for n, source in enumerate(sources, 1) for one in split_sentences(source.text)]
    chosen = rng.sample([pair for pair in known if len(pair[1].split()) > 5], SENTENCES)
    said = [_changed(one) if at % 3 == 2 else one for at, (_, one) in enumerate(chosen)]
    return " ".join(f'{one} [{n} "{quote}"]' for one, (n, quote) in zip(said, chosen, strict=True))


def _changed(sentence: str) -> str:
    return sentence.replace(" is ", " is not ").replace("1", "7")


def _delays(text: str, sources: list[Source]) -> list[Delay]:
    answer, stream = Answer(0.85, sources=list(sources)), SentenceStream()
    delays: list[Delay] = []
    for at in range(0, len(text), PIECE):
        begun = time.perf_counter()
        for sentence in stream.feed(text[at : at + PIECE]):
            shown = answer.offer(sentence)
            delays.append(_delay(begun, not delays, 1 - (at + PIECE) / len(text), shown is not None))
            begun = time.perf_counter()
    for sentence in stream.end():
        begun = time.perf_counter()
        delays.append(_delay(begun, not delays, 0.0, answer.offer(sentence) is not None))
    return delays


def _delay(begun: float, first: bool, left: float, shown: bool) -> Delay:
    return Delay((time.perf_counter() - begun) * 1000, first, max(left, 0.0), shown)


def _report(name: str, delays: list[Delay]) -> None:
    times = [one.ms for one in delays]
    p50, p95 = percentile(times, 0.5), percentile(times, 0.95)
    print(
        f"{name:<34}{len(times):>6} × p50 {p50:7.2f} ms  p95 {p95:7.2f} ms  {p95 / GOAL_MS:5.2f}× of the goal"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)

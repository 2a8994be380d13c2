"""What verification is worth, for `make eval`: curves, contradictions by kind, calibration."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console

from knowledge.verify import Source, verify
from tests.evals.asking import Judged
from tests.evals.verifying.claims import KEPT_BACK, Made, generated, written
from tests.evals.verifying.fitting import reliability
from tests.evals.verifying.pages import Pages, embedder, read_pages
from tests.evals.verifying.told import calibration_line, contradictions_line, curve_lines

THRESHOLDS = (0.3, 0.5, 0.7, 0.8, 0.85, 0.9, 0.95)
_SENTENCES = 120
_SEED = 77  # not the fitting's: other sentences of the same pages


def show(console: Console, corpus: Path, judged: Sequence[Judged]) -> None:
    """judged: the claims file, through verify.quote. The rest is made of the corpus and verified in process,
    with vectors as ingestion stores them."""
    if judged:
        truth = [one.claim.label == "supported" for one in judged]
        _curve(console, "Claims file", [one.confidence for one in judged], truth)
    pages = read_pages(corpus)
    kept = list(_kept_back(pages))
    if kept:
        scores, truth = _scored(kept)
        _curve(console, "Claims kept back (never fitted to, other pages)", scores, truth)
        _calibration(console, scores, truth)
    made = list(generated(pages, _SENTENCES, _SEED))
    scores, truth = _scored(made)
    _curve(console, "Generated from the corpus", scores, truth)
    console.print(contradictions_line(made, scores), highlight=False)


def _kept_back(pages: Pages) -> Iterator[Made]:
    """Where this is the corpus that they were written for."""
    files = {page.file for page in pages.pages}
    found = written(pages, "tts", KEPT_BACK) if any(file.startswith("pages/tools/") for file in files) else ()
    return (one for one in found if one.file in files)


def _scored(claims: Sequence[Made]) -> tuple[list[float], list[bool]]:
    scores = [_confidence(one.sentence, one.sources) for one in claims]
    return scores, [one.label == "supported" for one in claims]


def _confidence(sentence: str, sources: Sequence[Source]) -> float:
    return verify(sentence, sources, embedder=embedder()).confidence


def _curve(console: Console, title: str, scores: Sequence[float], truth: Sequence[bool]) -> None:
    console.print(f"\n{title}: {len(scores)} claims, {sum(truth)} supported", highlight=False)
    for line in curve_lines(scores, truth, THRESHOLDS):
        console.print(line, highlight=False)


def _calibration(console: Console, scores: Sequence[float], truth: Sequence[bool]) -> None:
    rows = reliability(scores, truth)
    off = sum(abs(said - held) * count for said, held, count in rows) / len(scores)
    console.print(f"{calibration_line(scores, truth)}; expected calibration error {off:.3f}", highlight=False)

"""python -m tests.evals.verifying.fit --public DIR [--claims FILE] [--write]: fit, and print the curves.

Fitted on written.yaml and on sentences generated from examples/handbook and from a public handbook (DIR).
Measured by cross-validation over documents, and by fitting on one handbook and testing on the other. A claims
file is measured and never fitted to.
"""

import argparse
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from knowledge.embed import Vectors
from knowledge.verify import DEFAULT_THRESHOLD, meaning_of, prepare, words_of
from knowledge.verify.features import NAMES
from knowledge.verify.verbatim import find_verbatim
from knowledge.verify.verdict import MOST_BY_MODEL, LookedAt, candidates
from tests.evals.verifying.claims import KEPT_BACK, Made, from_file, generated, written
from tests.evals.verifying.fitting import Array, Fitted, fit
from tests.evals.verifying.pages import embedder, read_pages
from tests.evals.verifying.told import calibration_line, contradictions_line, curve_lines

OWN = Path("examples/handbook")
WEIGHTS = Path("knowledge/verify/weights.json")
FOLDS = 5
THRESHOLDS = (0.3, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95)
_GENERATED = {"public": 260, "own": 130}
# Generated claims are many and easy: together they weigh about as much as the written ones.
_WEIGHTS = {"supported": 0.12, "contradicted": 0.5, "unsupported": 0.1}
# Of these there is one for nearly every sentence, and the rules see most of them.
_FREQUENT = {"subject": 0.1, "object": 0.1, "added clause": 0.1}


@dataclass(frozen=True, slots=True)
class Row:
    """One claim: its verbatim confidence, and the measures of the passages that do not disagree."""

    claim: Made
    corpus: str
    verbatim: float
    measures: Array
    rules: float
    """The confidence of near-verbatim rules alone."""

    @property
    def by_hand(self) -> bool:
        return self.claim.kind == "written"

    @property
    def fold(self) -> int:
        return int(hashlib.sha256(self.claim.file.encode()).hexdigest(), 16) % FOLDS


def main() -> int:
    options = _options()
    claims = _claims(options.public, options.claims)
    told: dict[str, object] = {}
    for mode in ("vectors", "lexical"):
        rows = [_row(corpus, claim, vectors=mode == "vectors") for corpus, claim in claims]
        told[mode] = _measured(mode, rows)
    if options.write:
        WEIGHTS.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--public", type=Path, required=True, help="the handbook of written.yaml's `tts`")
    parser.add_argument("--claims", type=Path, help="claims to measure, not to fit to")
    parser.add_argument("--write", action="store_true", help="replace knowledge/verify/weights.json")
    return parser.parse_args()


def _claims(public: Path, claims: Path | None) -> list[tuple[str, Made]]:
    theirs, own = read_pages(public), read_pages(OWN)
    made = [("public", claim) for claim in written(theirs, "tts")]
    made += [("own", claim) for claim in written(own, "harbourline")]
    made += [("public", claim) for claim in generated(theirs, _GENERATED["public"], 1)]
    made += [("own", claim) for claim in generated(own, _GENERATED["own"], 2)]
    made += [("kept back", claim) for claim in written(theirs, "tts", KEPT_BACK)]
    made += [("aside", claim) for claim in from_file(own, OWN / "claims.yaml")]
    if claims:
        made += [("golden", claim) for claim in from_file(theirs, claims)]
    return made


@cache
def _embed(text: str) -> Vectors:
    return embedder().embed([text])[0]


def _row(corpus: str, claim: Made, *, vectors: bool) -> Row:
    words = words_of(claim.sentence)
    found = [find_verbatim(words, prepare(source.text), False) for source in claim.sources]
    alive = [
        one
        for one in candidates(claim.sentence, meaning_of(words), claim.sources, _embed if vectors else None)
        if not one.refused
    ]
    return Row(
        claim, corpus, max((one[0] for one in found if one), default=0.0), _measures(alive), _rules(alive)
    )


def _measures(alive: Sequence[LookedAt]) -> Array:
    return np.array([one.features.row for one in alive], np.float64).reshape(-1, len(NAMES))


def _rules(alive: Sequence[LookedAt]) -> float:
    return max((one.by_rules for one in alive), default=0.0)


def _fitted(rows: Sequence[Row]) -> Fitted:
    """On the nearest passage that does not disagree; the rest is not the model's to say."""
    used = [row for row in rows if len(row.measures) and not row.verbatim]
    labels = np.array([row.claim.label == "supported" for row in used], np.float64)
    counts = np.array([_count(row) for row in used])
    return fit(np.array([row.measures[0] for row in used]), labels, counts)


def _count(row: Row) -> float:
    kind = row.claim.kind.partition(",")[0]
    return 1.0 if row.by_hand else _FREQUENT.get(kind, _WEIGHTS[row.claim.label])


def _score(row: Row, fitted: Fitted) -> float:
    if row.verbatim:
        return row.verbatim
    if not len(row.measures):
        return 0.0
    return max(row.rules, min(MOST_BY_MODEL, float(fitted.probabilities(row.measures).max())))


def _measured(mode: str, rows: Sequence[Row]) -> dict[str, float]:
    used = [row for row in rows if row.corpus in ("public", "own")]
    apart = _across(used, lambda row: str(row.fold))
    other = _across(used, lambda row: row.corpus)
    hand = [row for row in used if row.by_hand]
    made = [row for row in used if not row.by_hand]
    _show(f"{mode}: written, documents held out", hand, apart)
    _show(f"{mode}: written, fitted on the other handbook", hand, other)
    _show(f"{mode}: generated, documents held out", made, apart)
    _passed(made, apart)
    fitted = _fitted(used)
    for corpus in ("kept back", "aside", "golden"):
        rest = [row for row in rows if row.corpus == corpus]
        if rest:
            _show(
                f"{mode}: {corpus} claims (never fitted to)",
                rest,
                {id(row): _score(row, fitted) for row in rest},
            )
    weights = {name: round(float(each), 4) for name, each in zip(NAMES, fitted.weights, strict=True)}
    return {"bias": round(fitted.bias, 4)} | weights


def _across(rows: Sequence[Row], part: Callable[[Row], str]) -> dict[int, float]:
    """Each row's score by weights that were fitted without its part."""
    scores: dict[int, float] = {}
    for name in sorted({part(row) for row in rows}):
        fitted = _fitted([row for row in rows if part(row) != name])
        scores |= {id(row): _score(row, fitted) for row in rows if part(row) == name}
    return scores


def _show(title: str, rows: Sequence[Row], scores: dict[int, float]) -> None:
    print(f"\n{title}: {len(rows)} claims")
    values = [scores[id(row)] for row in rows]
    truth = [row.claim.label == "supported" for row in rows]
    print(*curve_lines(values, truth, THRESHOLDS), sep="\n")
    print(calibration_line(values, truth))


def _passed(rows: Sequence[Row], scores: dict[int, float]) -> None:
    print(contradictions_line([row.claim for row in rows], [scores[id(row)] for row in rows]))
    for row in rows:
        if row.claim.label == "contradicted" and scores[id(row)] >= DEFAULT_THRESHOLD:
            print(f"    {row.claim.kind}: {row.claim.sentence}")


if __name__ == "__main__":
    raise SystemExit(main())

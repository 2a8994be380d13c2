"""How the extractive model's figures are chosen: `python -m tests.evals.fitting FOLDER …`.

Searches the folders in this process and asks them what tests/evals/cases.py makes of them. Fits, and prints
beside what is in use: the weights by which statements are ranked (platform_api/llm/extractive/score.py),
those by which it is decided whether to answer (evidence.py), and the curve of that decision. Every share
printed is of a folder that was left out of the fit, so name two at least: the sample handbook and whatever
documentation there is at hand. `--fresh FOLDER …` are asked with what is in use and
fitted to nothing. `--by-words`: without vectors of sentences, for the weights that stand in then.
"""

import argparse
import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from platform_api.llm.extractive import decide, score
from platform_api.llm.extractive import evidence as deciding
from platform_api.llm.extractive.likeness import Likeness
from platform_api.llm.extractive.question import whole
from platform_api.llm.extractive.score import field_of, ranking
from platform_api.llm.extractive.statements import offers_of
from tests.evals.cases import Case, Kind, cases_of, items_of
from tests.evals.corpus import opened
from tests.evals.verifying.fitting import fit

STEPS, RATE, RIDGE = 150, 0.06, 3.0
DAMPING = 0.02
RANKED: Mapping[Kind, float] = {"made": 1.0, "written": 4.0}
"""How much a query counts in the ranking's fit: what was written is rarer and nearer to earnest questions."""
DECIDED: Mapping[Kind, float] = {
    "written": 0.7,
    "made": 0.3,
    "nothing": 0.4,
    "other": 0.35,
    "taken out": 0.1,
    "changed": 0.05,
}
"""How much a kind counts per corpus in the decision's fit, whatever its number. Taken out counts little:
another document often answers as well."""
REFUSED = 0.85
"""Asked for of what nothing answers; the lowest threshold that gives it answers most of the rest."""
_CURVE: tuple[Kind, ...] = ("written", "made", "nothing", "other", "taken out")
Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Search:
    """One case: a row of features for each statement, which of them was asked about, and the evidence."""

    case: Case
    features: Array
    right: Array
    evidence: Array
    enough: float


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.evals.fitting", description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument(
        "--fresh", nargs="*", type=Path, default=[], help="folders to check, fitted to nothing"
    )
    parser.add_argument("--queries", type=int, default=120, help="made from each folder")
    parser.add_argument("--by-words", action="store_true", help="as where no vectors are kept")
    options = parser.parse_args()
    searches = asyncio.run(_ask_all([*options.folders, *options.fresh], options.queries, options.by_words))
    fresh = {folder.name for folder in options.fresh}
    fitted = [one for one in searches if one.case.corpus not in fresh]
    words = options.by_words
    used = score.BY_WORDS if words else score.WEIGHTS
    _show_ranking([one for one in fitted if one.right.any()], np.array(used))
    _show_deciding(fitted, words)
    if fresh:
        print("Not fitted to, with what is in use")
        for name in fresh:
            _show_point(
                name, [(one, one.enough) for one in searches if one.case.corpus == name], deciding.ENOUGH
            )


async def _ask_all(folders: Sequence[Path], many: int, words: bool) -> list[Search]:
    async with AsyncExitStack() as stack:
        corpora = [await stack.enter_async_context(opened(folder)) for folder in folders]
        items = {corpus.name: items_of(corpus, many) for corpus in corpora}
        searches: list[Search] = []
        for corpus in corpora:
            others = {name: each for name, each in items.items() if name != corpus.name}
            async for case in cases_of(corpus, items[corpus.name], others):
                searches += _search(case, None if words else case.found.likeness)
            print(f"{corpus.name}: {len(corpus.names)} documents, {len(corpus.sources)} chunks")
        return searches


def _search(case: Case, likeness: Likeness | None) -> Iterator[Search]:
    offers = offers_of(case.found.sources)
    if not offers:
        return
    asked = whole(decide(case.query).question)
    field = field_of(offers, case.found.sources, case.found.scores, likeness)
    ranked = ranking(asked, offers, field)
    yield Search(
        case,
        np.array([score.features(asked, offer, field) for offer in offers], dtype=np.float64),
        np.array([case.answerable and case.answers(offer) for offer in offers], dtype=np.float64),
        np.array(deciding.features(asked, ranked, field), dtype=np.float64),
        deciding.evidence(asked, ranked, field),
    )


def _corpora(searches: Sequence[Search]) -> list[str]:
    return sorted({one.case.corpus for one in searches})


# ---- which statement


def _show_ranking(searches: Sequence[Search], in_use: Array) -> None:
    print(f"\nRanking: {len(searches)} queries whose statement was among what was found; corpus left out:")
    for corpus in _corpora(searches):
        weights = _ranking([one for one in searches if one.case.corpus != corpus])
        for kind in RANKED:
            rows = [one for one in searches if one.case.corpus == corpus and one.case.kind == kind]
            if rows:
                now, then = (_places(rows, each) for each in (in_use, weights))
                print(f"  {corpus:<14}{kind:<9}{len(rows):>4}  in use {_told(now)}   fitted {_told(then)}")
    for name, weight, used in zip(score.FEATURES, _ranking(searches), in_use, strict=True):
        print(f"  {name:<12}{weight:7.1f}   in use {used:7.1f}")


def _places(rows: Sequence[Search], weights: Array) -> list[int]:
    totals = [(one.features @ weights, one.right) for one in rows]
    return [int((total > total[right > 0].max()).sum()) for total, right in totals]


def _told(places: Sequence[int]) -> str:
    first, three = (np.mean([place < many for place in places]) for many in (1, 3))
    return f"first {first:.0%} first three {three:.0%}"


def _ranking(searches: Sequence[Search]) -> Array:
    """A softmax over the statements of a search, by maximum likelihood with a ridge, by Adam."""
    spread = np.vstack([one.features for one in searches]).std(axis=0) + 1e-6
    weights, first, second = (np.zeros(len(spread)) for _ in range(3))
    counted = sum(RANKED[one.case.kind] for one in searches)
    for step in range(1, STEPS + 1):
        slope = RIDGE * weights / counted
        for one in searches:
            rows = one.features / spread
            chance = _softmax(rows @ weights)
            wanted = chance * one.right
            slope = slope + RANKED[one.case.kind] * rows.T @ (chance - wanted / wanted.sum()) / counted
        first, second = 0.9 * first + 0.1 * slope, 0.999 * second + 0.001 * slope**2
        weights = weights - RATE * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.999**step)) + 1e-8)
    return weights / spread


def _softmax(totals: Array) -> Array:
    raised = np.exp(totals - totals.max())
    return raised / raised.sum()


# ---- whether to answer


def _show_deciding(searches: Sequence[Search], words: bool) -> None:
    left_out: list[tuple[Search, float]] = []
    for corpus in _corpora(searches):
        weights, bias = _deciding([one for one in searches if one.case.corpus != corpus])
        rows = [one for one in searches if one.case.corpus == corpus]
        left_out += [(one, float(_sigmoid(one.evidence @ weights + bias))) for one in rows]
    print("\nDeciding, corpus left out: at each threshold, refused of what")
    heads = f"{'nothing answers':>17}{'asks others':>13}{'was taken out':>15}"
    print(f"  {'':<6}{'is written':>12}{'is made':>9}  |{heads}")
    for threshold in np.arange(0.1, 0.65, 0.05):
        shares = [_refused(left_out, kind, threshold) for kind in _CURVE]
        told = "{:>12.0%}{:>9.0%}  |{:>17.0%}{:>13.0%}{:>15.0%}".format(*shares)
        print(f"  {threshold:<6.2f}{told}")
    chosen = _chosen(left_out)
    print(f"  chosen: {chosen:.2f} (refuses {REFUSED:.0%} of what nothing answers, corpora alike)")
    for corpus in _corpora(searches):
        _show_point(corpus, [each for each in left_out if each[0].case.corpus == corpus], chosen)
    weights, bias = _deciding(searches)
    in_use = deciding.BY_WORDS if words else deciding.WEIGHTS
    for name, weight, used in zip(deciding.FEATURES, weights, in_use, strict=True):
        print(f"  {name:<12}{weight:7.2f}   in use {used:7.2f}")
    told = f"in use {deciding.BY_WORDS_BIAS if words else deciding.BIAS:7.2f}"
    print(f"  {'bias':<12}{bias:7.2f}   {told}   threshold in use {deciding.ENOUGH}")


def _show_point(name: str, rows: Sequence[tuple[Search, float]], threshold: float) -> None:
    kinds: tuple[Kind, ...] = ("written", "made", "nothing", "other", "taken out", "changed")
    told = [
        f"{kind} {_refused(rows, kind, threshold):.0%} of {many}"
        for kind in kinds
        if (many := sum(one.case.kind == kind for one, _ in rows))
    ]
    print(f"  {name:<14}refused: {', '.join(told)}")


def _refused(rows: Sequence[tuple[Search, float]], kind: Kind, threshold: float) -> float:
    """The mean over the corpora that have such cases."""
    of_kind = [each for each in rows if each[0].case.kind == kind]
    shares = [
        np.mean([value < threshold for one, value in of_kind if one.case.corpus == corpus])
        for corpus in {one.case.corpus for one, _ in of_kind}
    ]
    return float(np.mean(shares)) if shares else float("nan")


def _chosen(rows: Sequence[tuple[Search, float]]) -> float:
    """The lowest threshold at which enough is refused of what is written to have no answer, and of what was
    asked of other corpora, both counting alike."""
    kinds: tuple[Kind, ...] = ("nothing", "other")
    tried = [float(one) for one in np.arange(0.05, 0.9, 0.01)]
    return min(one for one in tried if np.mean([_refused(rows, kind, one) for kind in kinds]) >= REFUSED)


def _deciding(searches: Sequence[Search]) -> tuple[Array, float]:
    """A logistic regression with a ridge on what is brought to one scale."""
    rows = np.vstack([one.evidence for one in searches])
    right = np.array([float(one.case.answerable) for one in searches])
    middle, spread = rows.mean(axis=0), rows.std(axis=0) + 1e-9
    fitted = fit((rows - middle) / spread, right, _counts(searches), DAMPING)
    plain: Array = fitted.weights / spread
    return plain, float(fitted.bias - plain @ middle)


def _counts(searches: Sequence[Search]) -> Array:
    of: list[tuple[str, Kind]] = [(one.case.corpus, one.case.kind) for one in searches]
    many = {each: of.count(each) for each in set(of)}
    counts = np.array([DECIDED[each[1]] / many[each] for each in of])
    return counts / counts.sum()


def _sigmoid(totals: Array) -> Array:
    return 1 / (1 + np.exp(-totals))


if __name__ == "__main__":
    main()

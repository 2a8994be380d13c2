"""How the weights of the extractive model's ranking are chosen: `python -m tests.evals.fitting --url URL`.

Asks a running platform queries made from the documents of its knowledge bases (known_items), fits a softmax
over the statements that each search offers, and prints the weights to put into
platform_api/llm/extractive/score.py beside those that are there, with how often the statement that was asked
about comes first and among the first five, cross-validated. No question of a question file is read.
"""

import argparse
import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from switchboard_sdk import Switchboard

from knowledge.verify import Source, source_of
from launch.cli.connect import Access, connected
from platform_api.llm.extractive import decide
from platform_api.llm.extractive import score as ranking
from platform_api.llm.extractive.question import whole
from platform_api.llm.extractive.score import Field, field_of
from platform_api.llm.extractive.statements import Offer, offers_of
from tests.evals.known_items import KnownItem, known_items

FEATURES = ("OWN", "NEAR", "TITLE", "BACK", "KIND", "RANK", "FOUND", "ABOUT", "ANNOUNCES")
FOLDS, STEPS, RATE, RIDGE = 5, 120, 0.06, 3.0
Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Asked:
    """One search: a row of features for each statement, and which of them was asked about."""

    features: Array
    right: Array


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.evals.fitting", description=__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument("--as", dest="person", default="ada")
    parser.add_argument("--queries", type=int, default=400)
    options = parser.parse_args()
    asked = asyncio.run(_ask_all(Access(options.url, "", options.person), options.queries))
    print(f"{len(asked)} queries whose statement was among what was found")
    first, five = _cross_validated(asked)
    print(f"cross-validated: first {first:.1%}, among the first five {five:.1%}")
    for name, weight in zip(FEATURES, _fitted(asked), strict=True):
        print(f"  _{name:<10}{weight:7.1f}   in use {getattr(ranking, f'_{name}'):7.1f}")


async def _ask_all(access: Access, many: int) -> list[Asked]:
    rng = Random(5)
    async with connected(access) as switchboard:
        asked: list[Asked] = []
        async for base in switchboard.knowledge_bases.all():
            sources = await _sources(switchboard, base.id)
            rng.shuffle(sources)
            items = known_items(sources[:many], rng)
            asked += [one for item in items if (one := await _ask(switchboard, base.id, item))]
    return asked


async def _sources(switchboard: Switchboard, base_id: UUID) -> list[Source]:
    """Chunks of a knowledge base, as its documents' titles find them."""
    known: dict[UUID, Source] = {}
    async for document in switchboard.documents.all(base_id):
        found = await switchboard.knowledge_bases.query(base_id, document.title, top_k=50)
        known |= {chunk.chunk_id: source_of(chunk) for chunk in found.chunks}
    return list(known.values())


async def _ask(switchboard: Switchboard, base_id: UUID, item: KnownItem) -> Asked | None:
    decision = decide(item.query)
    found = await switchboard.knowledge_bases.query(base_id, item.query, top_k=12)
    sources = [source_of(chunk) for chunk in found.chunks]
    offers = offers_of(sources)
    field = field_of(offers, sources, [chunk.score for chunk in found.chunks])
    right = np.array([float(one.statement.text == item.statement) for one in offers])
    return Asked(_features(decision.question, offers, field), right) if right.any() else None


def _features(question: str, offers: Sequence[Offer], field: Field) -> Array:
    """What `score` sums up, each with its weight taken out."""
    asked = whole(question)
    rows = [ranking.features(asked, offer, field) for offer in offers]
    return np.array(rows, dtype=np.float64)


def _fitted(asked: Sequence[Asked]) -> Array:
    """Maximum likelihood with a ridge on the standardised weights, by Adam."""
    spread = np.vstack([one.features for one in asked]).std(axis=0) + 1e-6
    weights, first, second = (np.zeros(len(FEATURES)) for _ in range(3))
    for step in range(1, STEPS + 1):
        slope = RIDGE * weights / len(asked)
        for one in asked:
            rows = one.features / spread
            chance = _softmax(rows @ weights)
            wanted = chance * one.right
            slope = slope + rows.T @ (chance - wanted / wanted.sum()) / len(asked)
        first, second = 0.9 * first + 0.1 * slope, 0.999 * second + 0.001 * slope**2
        weights = weights - RATE * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.999**step)) + 1e-8)
    return weights / spread


def _softmax(totals: Array) -> Array:
    raised = np.exp(totals - totals.max())
    return raised / raised.sum()


def _cross_validated(asked: Sequence[Asked]) -> tuple[float, float]:
    places: list[int] = []
    for fold in range(FOLDS):
        weights = _fitted([one for at, one in enumerate(asked) if at % FOLDS != fold])
        places += [_place(one, weights) for at, one in enumerate(asked) if at % FOLDS == fold]
    return float(np.mean([place < 1 for place in places])), float(np.mean([place < 5 for place in places]))


def _place(one: Asked, weights: Array) -> int:
    totals = one.features @ weights
    return int((totals > totals[one.right > 0].max()).sum())


if __name__ == "__main__":
    main()

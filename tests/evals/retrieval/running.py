"""Every query asked of every variant."""

import asyncio
import math
import time
from collections.abc import Sequence
from uuid import UUID

from tests.evals import metrics
from tests.evals.retrieval.building import Opened, Say, opened, silent
from tests.evals.retrieval.measures import ndcg
from tests.evals.retrieval.sets import RetrievalSet
from tests.evals.retrieval.table import Figures, Row, Table
from tests.evals.retrieval.variants import BASELINES, Ask, Results, Variant, ours

DEEP = 100
"""Documents of the list that nDCG@10 and recall@100 read, as BEIR asks for them."""
ASKED = 12
"""Chunks that docs.search gives where nothing is said: what precision@5 and recall@12 read."""
_DEEPEST = 800


def run(found: RetrievalSet, variants: Sequence[Variant] = (), say: Say = silent) -> Table:
    """The table of `variants`, by default the three baselines and ours. Not for a running event loop."""
    return asyncio.run(measure(found, variants, say))


async def measure(found: RetrievalSet, variants: Sequence[Variant] = (), say: Say = silent) -> Table:
    async with opened(found, say) as index:
        rows = {
            variant.name: await _row(found, index, variant, say)
            for variant in variants or (*BASELINES, ours())
        }
        return Table(found.name, len(found.documents), index.chunks, len(found.judged), rows, found.notes)


async def _row(found: RetrievalSet, index: Opened, variant: Variant, say: Say) -> Row:
    ask = variant.make(index)
    depth = min(_DEEPEST, math.ceil(DEEP * max(1.0, index.chunks / len(found.documents))))
    figures: dict[str, Figures] = {}
    for done, id in enumerate(found.judged, start=1):
        figures[id] = await _one(found, index, ask, id, depth)
        say(variant.name, done, len(found.judged))
    return Row(figures)


async def _one(found: RetrievalSet, index: Opened, ask: Ask, id: str, depth: int) -> Figures:
    query, relevant = found.queries[id], found.relevant(id)
    # The deep list first: afterwards the query's vector is known, and the time is that of the search.
    deep = _documents(await ask(query, depth), index.names, id)
    begun = time.process_time()
    asked = await ask(query, ASKED)
    cpu_ms = (time.process_time() - begun) * 1000
    shallow = _documents(asked, index.names, id)
    chunks = [{index.names[doc_id] for doc_id in result} for result in asked]
    return Figures(
        ndcg10=ndcg(deep, relevant, 10),
        recall100=metrics.recall(deep, relevant, DEEP),
        chunks5=sum(bool(one & relevant.keys()) for one in chunks[:5]) / 5,
        precision5=metrics.precision(shallow, relevant, 5),
        possible5=metrics.precision_of_possible(shallow, relevant, 5),
        recall12=metrics.recall(shallow, relevant, ASKED),
        found5=float(metrics.found(shallow_of(chunks[:5]), found.groups.get(id, [list(relevant)]))),
        cpu_ms=cpu_ms,
    )


def shallow_of(chunks: Sequence[set[str]]) -> set[str]:
    return {name for one in chunks for name in one}


def _documents(results: Results, names: dict[UUID, str], query_id: str) -> list[str]:
    """Documents in the order of their best chunk. A document that is the query itself is no result (BEIR)."""
    ranked = dict.fromkeys(names[doc_id] for result in results for doc_id in result)
    return [name for name in ranked if name != query_id]

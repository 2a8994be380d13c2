"""The figures of several variants on one set, side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
from rich.console import Console
from rich.table import Table as Shown

NAMES = ("bm25", "dense", "rrf")
_SAMPLES = 2000


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one query, or the means of many.

    ndcg10, recall100: documents, on the deep list. Of the 12 chunks that docs.search gives by default:
    chunks5: share of the first 5 that are of a relevant document. precision5, possible5: the same of the
    first 5 documents, divided by 5 and by min(5, relevant). recall12: share of the relevant documents among
    them. found5: whether all that is needed is among the first 5. cpu_ms: of the whole process, for those
    12, with the query's vector known.
    """

    ndcg10: float
    recall100: float
    chunks5: float
    precision5: float
    possible5: float
    recall12: float
    found5: float
    cpu_ms: float


HEADS = {
    "ndcg10": "nDCG\n@10",
    "recall100": "recall\n@100",
    "chunks5": "P@5\nchunks",
    "precision5": "P@5\ndocs",
    "possible5": "… of\npossible",
    "recall12": "recall\n@12",
    "found5": "found\nin 5",
    "cpu_ms": "CPU\nms",
}


@dataclass(frozen=True, slots=True)
class Row:
    """By query."""

    by_query: Mapping[str, Figures]

    @property
    def mean(self) -> Figures:
        rows = list(self.by_query.values())
        means = {
            name.name: float(np.mean([getattr(row, name.name) for row in rows])) for name in fields(Figures)
        }
        return Figures(**means)


@dataclass(frozen=True, slots=True)
class Table:
    name: str
    documents: int
    chunks: int
    queries: int
    rows: Mapping[str, Row]
    notes: Sequence[str] = ()

    def difference(self, mine: str, other: str, figure: str = "ndcg10") -> tuple[float, float, float]:
        """Mean of `mine` minus `other` over the queries, and its 95 % interval (bootstrap over queries)."""
        theirs = self.rows[other].by_query
        pairs = [
            getattr(row, figure) - getattr(theirs[id], figure) for id, row in self.rows[mine].by_query.items()
        ]
        values = np.array(pairs, np.float64)
        drawn = np.random.default_rng(5).integers(0, len(values), (_SAMPLES, len(values)))
        low, high = np.percentile(values[drawn].mean(axis=1), [2.5, 97.5])
        return float(values.mean()), float(low), float(high)

    def best_baseline(self, figure: str = "ndcg10") -> str | None:
        there = [name for name in NAMES if name in self.rows]
        return max(there, key=lambda name: getattr(self.rows[name].mean, figure), default=None)


def show(table: Table, console: Console) -> None:
    title = f"{table.name}: {table.documents} documents, {table.chunks} chunks, {table.queries} queries"
    shown = Shown("", *HEADS.values(), box=None, title=title, title_justify="left")
    for name, row in table.rows.items():
        mean = row.mean
        shown.add_row(name, *[_cell(each, getattr(mean, each)) for each in HEADS])
    console.print(shown)
    _show_differences(table, console)
    for note in table.notes:
        console.print(f"  note: {note}", markup=False, highlight=False)


def _show_differences(table: Table, console: Console) -> None:
    best = table.best_baseline()
    for name in table.rows:
        if best and name not in NAMES:
            mean, low, high = table.difference(name, best)
            told = f"nDCG@10 {mean:+.3f}, 95 % {low:+.3f} … {high:+.3f}"
            console.print(f"  {name} − {best} (the best of the three): {told}", markup=False, highlight=False)


def _cell(name: str, value: float) -> str:
    return f"{value:.2f}" if name == "cpu_ms" else f"{value:.3f}"

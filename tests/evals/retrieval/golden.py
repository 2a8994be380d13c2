"""Golden questions, retrieval alone: ours beside BM25, dense and RRF on the same chunks (`make eval`)."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from tests.evals.golden import Question
from tests.evals.retrieval.corpus import golden_set
from tests.evals.retrieval.running import run
from tests.evals.retrieval.sets import BadSet
from tests.evals.retrieval.table import NAMES, Table, show

PROMISED = {"chunks5": "precision@5", "recall12": "recall@12"}


def show_golden(corpus: Path, questions: Sequence[Question], console: Console) -> Table | None:
    """The table, printed; None where the corpus cannot be read here. Not for a running event loop."""
    try:
        found = golden_set(corpus, questions)
    except BadSet as error:
        console.print(f"Retrieval alone is not measured: {error}", markup=False, highlight=False)
        return None
    with console.status("Retrieval alone: embedding what is new"):
        table = run(found)
    show(table, console)
    for figure, name in PROMISED.items():
        told = (f"{other} {table.difference('ours', other, figure)[0]:+.3f}" for other in NAMES)
        console.print(f"  {name}, ours less {', '.join(told)}", markup=False, highlight=False)
    return table

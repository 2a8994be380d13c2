"""Retrieval alone, on judged sets: any BEIR folder, or documents with questions whose sources are known.

`open_set` reads one, `run` searches it in several ways, `show` prints the table. Vectors and built indexes
are kept in `~/.cache/switchboard/evals`, so that a second run of another ranking takes seconds.
"""

from tests.evals.retrieval.running import run
from tests.evals.retrieval.sets import BadSet, RetrievalSet
from tests.evals.retrieval.sources import open_set
from tests.evals.retrieval.table import Figures, Table, show
from tests.evals.retrieval.variants import BASELINES, Variant, ours, with_settings

__all__ = [
    "BASELINES",
    "BadSet",
    "Figures",
    "RetrievalSet",
    "Table",
    "Variant",
    "open_set",
    "ours",
    "run",
    "show",
    "with_settings",
]

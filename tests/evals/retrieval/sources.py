"""One door to the sets."""

from pathlib import Path

from tests.evals.golden import read_questions
from tests.evals.retrieval.beir import FORMAT, LONG, read_beir
from tests.evals.retrieval.corpus import golden_set, known_item_set
from tests.evals.retrieval.sets import BadSet, RetrievalSet


def open_set(
    folder: Path, *, golden: Path | None = None, queries: int = 300, seed: int = 5, max_tokens: int = LONG
) -> RetrievalSet:
    """A BEIR folder; else a folder of documents, with questions (`golden`) or else with known items.

    queries, seed: of known items. max_tokens: of BEIR documents, word pieces in a chunk. Raises BadSet.
    """
    if not folder.is_dir():
        raise BadSet(f"{folder} is not a folder.\n{FORMAT}")
    if golden:
        return golden_set(folder, read_questions(golden))
    if (folder / "corpus.jsonl").is_file() or (folder / "queries.jsonl").is_file():
        return read_beir(folder, max_tokens)
    return known_item_set(folder, queries, seed)

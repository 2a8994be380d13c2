"""Sets in BEIR's format (Thakur et al. 2021): corpus.jsonl, queries.jsonl, qrels."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from knowledge.document import Block, LoadedDocument
from tests.evals.retrieval.sets import BadSet, RetrievalSet

FORMAT = """\
A BEIR folder holds
  corpus.jsonl     {"_id": "d1", "title": "Leave", "text": "Staff get 25 days."}   one document a line
  queries.jsonl    {"_id": "q1", "text": "how much leave do I get"}                one query a line
  qrels/test.tsv   query-id<TAB>corpus-id<TAB>score, the first line names the columns
To make one of a folder of documents: python -m tests.evals.retrieval --known-items FOLDER --write TARGET"""
LONG = 512
"""Word pieces; the embedder reads a longer text in windows of 256, and averages."""
_QRELS = ("qrels/test.tsv", "qrels.tsv", "qrels/dev.tsv", "qrels/train.tsv", "qrels", "qrels.txt")
_HEADS = ("query-id", "query_id", "qid")


def read_beir(folder: Path, max_tokens: int = LONG) -> RetrievalSet:
    """Raises BadSet with file, line and next step."""
    for name in ("corpus.jsonl", "queries.jsonl"):
        if not (folder / name).is_file():
            raise BadSet(f"{folder} has no {name}.\n{FORMAT}")
    documents = dict(_documents(folder / "corpus.jsonl"))
    queries = dict(_queries(folder / "queries.jsonl"))
    file = _qrels_file(folder)
    qrels = _qrels(file)
    return RetrievalSet(
        folder.resolve().name,
        documents,
        # The others are of another split.
        {id: text for id, text in queries.items() if id in qrels},
        qrels,
        max_tokens,
        notes=tuple(_oddities(file.name, documents, queries, qrels)),
    )


def write_beir(found: RetrievalSet, folder: Path) -> None:
    """A document's blocks become one text; its headings stand in it as lines."""
    (folder / "qrels").mkdir(parents=True, exist_ok=True)
    rows = [{"_id": id, "title": each.title, "text": each.text} for id, each in found.documents.items()]
    _write_lines(folder / "corpus.jsonl", rows)
    _write_lines(folder / "queries.jsonl", [{"_id": id, "text": text} for id, text in found.queries.items()])
    judged = [(query, id, score) for query, row in found.qrels.items() for id, score in row.items()]
    lines = ["query-id\tcorpus-id\tscore", *("\t".join(map(str, row)) for row in judged)]
    (folder / "qrels" / "test.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _write_lines(file: Path, rows: list[dict[str, str]]) -> None:
    file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def _documents(file: Path) -> Iterator[tuple[str, LoadedDocument]]:
    for id, row, at in _rows(file):
        title, text = row.get("title") or "", row.get("text")
        if not isinstance(text, str) or not isinstance(title, str):
            raise BadSet(f'{file} line {at}: "text" (and "title", where it is there) must be a string.')
        # Some sets hold documents of a title alone, or of nothing: they are judged, so they stay.
        parts = [part.strip() for part in text.split("\n\n") if part.strip()] or [title.strip() or id]
        yield id, LoadedDocument(title, "text/plain", tuple(Block("paragraph", part) for part in parts))


def _queries(file: Path) -> Iterator[tuple[str, str]]:
    for id, row, at in _rows(file):
        if not isinstance(row.get("text"), str):
            raise BadSet(f'{file} line {at}: "text" must be a string.')
        yield id, row["text"]


def _rows(file: Path) -> Iterator[tuple[str, dict[str, Any], int]]:
    seen: set[str] = set()
    with file.open(encoding="utf-8-sig") as lines:
        for at, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            row = _object(file, at, line)
            id = row.get("_id")
            if not isinstance(id, str | int) or not str(id):
                raise BadSet(f'{file} line {at}: there is no "_id".')
            if str(id) in seen:
                raise BadSet(f'{file} line {at}: the "_id" {id} is there twice.')
            seen.add(str(id))
            yield str(id), row, at


def _object(file: Path, at: int, line: str) -> dict[str, Any]:
    try:
        row: Any = json.loads(line)
    except ValueError as error:
        raise BadSet(f"{file} line {at}: not JSON ({error}). One object a line is expected.") from error
    if not isinstance(row, dict):
        raise BadSet(f"{file} line {at}: a JSON object is expected.")
    return cast(dict[str, Any], row)


def _qrels_file(folder: Path) -> Path:
    found = next((folder / name for name in _QRELS if (folder / name).is_file()), None)
    others = sorted((folder / "qrels").glob("*.tsv")) if (folder / "qrels").is_dir() else []
    if found is None and len(others) != 1:
        what = (
            f"several ({', '.join(each.name for each in others)}), none named test.tsv" if others else "none"
        )
        raise BadSet(f"{folder} has no qrels that we know: {what}.\n{FORMAT}")
    return found or others[0]


def _qrels(file: Path) -> dict[str, dict[str, int]]:
    """BEIR's three columns, or the four of TREC (query, iteration, document, relevance)."""
    found: dict[str, dict[str, int]] = {}
    with file.open(encoding="utf-8-sig") as lines:
        for at, line in enumerate(lines, start=1):
            cells = line.rstrip("\r\n").split("\t") if "\t" in line else line.split()
            if not line.strip() or (at == 1 and cells[0].strip().lower() in _HEADS):
                continue
            query, document, score = _judgement(file, at, cells)
            found.setdefault(query, {})[document] = score
    return found


def _judgement(file: Path, at: int, cells: list[str]) -> tuple[str, str, int]:
    trimmed = [cell.strip() for cell in cells]
    if len(trimmed) == 4:
        del trimmed[1]
    if len(trimmed) != 3:
        raise BadSet(f"{file} line {at}: {len(cells)} columns; query, document and score are expected.")
    try:
        return trimmed[0], trimmed[1], int(float(trimmed[2]))
    except ValueError as error:
        raise BadSet(f"{file} line {at}: the score {trimmed[2]!r} is not a number.") from error


def _oddities(
    file: str,
    documents: Mapping[str, object],
    queries: Mapping[str, object],
    qrels: Mapping[str, Mapping[str, int]],
) -> Iterator[str]:
    if file != "test.tsv":
        yield f"judged by {file}"
    if unknown := sum(id not in queries for id in qrels):
        yield f"{unknown} queries of the qrels are not in queries.jsonl"
    lost = {id for row in qrels.values() for id, score in row.items() if score > 0 and id not in documents}
    if lost:
        yield f"{len(lost)} relevant documents are not in corpus.jsonl; they count as not found"

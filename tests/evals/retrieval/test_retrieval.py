"""The harness itself: what it reads, counts and keeps. Measured with the real engine and model."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.evals.golden import Question
from tests.evals.retrieval import BASELINES, RetrievalSet, open_set, ours
from tests.evals.retrieval.__main__ import main
from tests.evals.retrieval.beir import read_beir, write_beir
from tests.evals.retrieval.building import opened
from tests.evals.retrieval.corpus import golden_set, known_item_set
from tests.evals.retrieval.measures import ndcg
from tests.evals.retrieval.running import measure
from tests.evals.retrieval.sets import BadSet

HANDBOOK = Path(__file__).parents[3] / "examples" / "handbook" / "operations"
DOCUMENTS = {
    "leave": ("Leave", "Staff get 25 days of annual leave a year."),
    "pay": ("Pay", "Salaries are paid on the 15th of each month."),
    "boats": ("Boats", "A ferry leaves the harbour every hour."),
    "dogs": ("", "Dogs travel free, on a leash."),
}


@dataclass
class Heard:
    """Stages as they are told, with how much there is to do in each."""

    stages: dict[str, int] = field(default_factory=dict[str, int])

    def __call__(self, stage: str, _done: int, total: int) -> None:
        self.stages[stage] = total


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SWITCHBOARD_EVAL_CACHE", str(tmp_path / "kept"))
    return tmp_path / "kept"


def beir_folder(
    folder: Path,
    documents: Iterable[tuple[str, tuple[str, str]]] = tuple(DOCUMENTS.items()),
    queries: Iterable[tuple[str, str]] = (
        ("q1", "how many days of annual leave"),
        ("q2", "may my dog travel"),
    ),
    qrels: str = "query-id\tcorpus-id\tscore\nq1\tleave\t2\nq1\tpay\t0\nq2\tdogs\t1\n",
) -> Path:
    (folder / "qrels").mkdir(parents=True)
    rows = [{"_id": id, "title": title, "text": text, "metadata": "none"} for id, (title, text) in documents]
    (folder / "corpus.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    asked = [{"_id": id, "text": text} for id, text in [*queries, ("q9", "of another split")]]
    (folder / "queries.jsonl").write_text("\n".join(json.dumps(row) for row in asked))
    (folder / "qrels" / "test.tsv").write_text(qrels)
    return folder


def test_ndcg_is_what_is_worked_out_by_hand() -> None:
    # Gains 1 at rank 1 and 2 at rank 3: 1/1 + 2/2 = 2; at best 2/1 + 1/1.585 = 2.6309.
    assert ndcg(["a", "x", "c"], {"a": 1, "c": 2}, 10) == pytest.approx(0.760188, abs=1e-6)
    # Cut at 2 the second is not seen, the best ranking still has both.
    assert ndcg(["a", "x", "c"], {"a": 1, "c": 2}, 2) == pytest.approx(0.380094, abs=1e-6)
    assert ndcg(["c", "a"], {"a": 1, "c": 2}, 10) == 1.0
    assert ndcg(["x"] * 10 + ["a"], {"a": 1}, 10) == 0.0


def test_a_beir_folder_is_read_with_the_queries_of_its_split(tmp_path: Path) -> None:
    found = open_set(beir_folder(tmp_path / "set"))
    assert found.name == "set"
    assert found.documents["leave"].title == "Leave"
    assert found.documents["dogs"].text == "Dogs travel free, on a leash."
    assert found.queries == {"q1": "how many days of annual leave", "q2": "may my dog travel"}
    assert found.relevant("q1") == {"leave": 2}
    assert found.notes == ()


def test_qrels_of_trec_are_read_too_and_what_is_odd_is_told(tmp_path: Path) -> None:
    folder = beir_folder(tmp_path / "set")
    (folder / "qrels" / "test.tsv").rename(folder / "qrels" / "hand.tsv")
    (folder / "qrels" / "hand.tsv").write_text("q1 0 leave 1\nq1 0 gone 1\nq7 0 leave 1\n")
    found = read_beir(folder)
    assert found.relevant("q1") == {"leave": 1, "gone": 1}
    told = " / ".join(found.notes)
    assert "hand.tsv" in told
    assert "1 queries of the qrels are not in queries.jsonl" in told
    assert "1 relevant documents are not in corpus.jsonl" in told


@pytest.mark.parametrize(
    ("file", "content", "told"),
    [
        ("corpus.jsonl", '{"_id": "a", "text": "b"}\n{"_id": ', r"corpus\.jsonl line 2: not JSON"),
        ("corpus.jsonl", '{"text": "b"}', r'corpus\.jsonl line 1: there is no "_id"'),
        ("corpus.jsonl", '{"_id": "a", "text": "b"}\n{"_id": "a", "text": "b"}', r"line 2: .* there twice"),
        ("corpus.jsonl", '{"_id": "a", "text": 5}', r'line 1: "text"'),
        ("corpus.jsonl", "[1]", r"line 1: a JSON object"),
        ("queries.jsonl", '{"_id": "q1"}', r'queries\.jsonl line 1: "text" must be a string'),
        ("qrels/test.tsv", "query-id\tcorpus-id\tscore\nq1\tleave\thigh\n", r"test\.tsv line 2: .*'high'"),
        ("qrels/test.tsv", "q1\tleave\n", r"test\.tsv line 1: 2 columns"),
        ("qrels/test.tsv", "q1\tleave\t0\n", r"no query with a relevant document"),
    ],
)
def test_what_is_wrong_in_a_file_is_told_with_its_line(
    tmp_path: Path, file: str, content: str, told: str
) -> None:
    folder = beir_folder(tmp_path / "set")
    (folder / file).write_text(content)
    with pytest.raises(BadSet, match=told):
        read_beir(folder)


def test_a_folder_that_is_no_set_brings_the_format(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--beir", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert "has no corpus.jsonl" in said
    assert "qrels/test.tsv" in said
    with pytest.raises(SystemExit):
        main(["--beir"])
    assert "make eval-retrieval BEIR=folder" in capsys.readouterr().err


@pytest.mark.proves("EVAL-011")
async def test_every_variant_is_measured_on_the_same_index(tmp_path: Path) -> None:
    first, again = Heard(), Heard()
    table = await measure(read_beir(beir_folder(tmp_path / "set")), say=first)

    assert (table.documents, table.chunks, table.queries) == (4, 4, 2)
    assert list(table.rows) == ["bm25", "dense", "rrf", "ours"]
    for row in table.rows.values():
        mean = row.mean
        assert (mean.ndcg10, mean.recall100, mean.recall12, mean.possible5, mean.found5) == (1, 1, 1, 1, 1)
        assert mean.precision5 == pytest.approx(0.2)
    assert table.difference("ours", "bm25") == (0, 0, 0)

    await measure(read_beir(tmp_path / "set"), [BASELINES[0]], again)
    assert first.stages.keys() == {"cutting", "embedding", "indexing", "bm25", "dense", "rrf", "ours"}
    assert again.stages.keys() == {"bm25"}


async def test_a_changed_document_is_another_index_and_its_vectors_alone_are_made(tmp_path: Path) -> None:
    await measure(read_beir(beir_folder(tmp_path / "one")), BASELINES[:1])
    changed = DOCUMENTS | {"pay": ("Pay", "Salaries are paid on the 20th of each month.")}
    heard = Heard()

    await measure(read_beir(beir_folder(tmp_path / "two", changed.items())), BASELINES[:1], heard)

    assert (heard.stages["indexing"], heard.stages["embedding"]) == (4, 1)


async def test_recall_at_100_sees_more_than_the_wire_allows(tmp_path: Path) -> None:
    documents = [(f"d{at}", ("", f"leave number {at}")) for at in range(120)]
    qrels = "".join(f"q1\td{at}\t1\n" for at in range(120))
    found = read_beir(beir_folder(tmp_path / "set", documents, [("q1", "leave")], qrels))
    table = await measure(found, [*BASELINES, ours()])
    assert [row.mean.recall100 for row in table.rows.values()] == pytest.approx([100 / 120] * 4)


async def test_a_document_of_many_chunks_counts_once_at_its_best(tmp_path: Path) -> None:
    long = "\n\n".join(
        f"Paragraph {at} tells of annual leave. " + "It goes on and on. " * 40 for at in range(8)
    )
    documents = DOCUMENTS | {"long": ("Long", long), "q1": ("", "how many days of annual leave")}
    found = read_beir(beir_folder(tmp_path / "set", documents.items()))
    table = await measure(found, BASELINES[:1])
    assert table.chunks > len(documents)
    # "q1" is a document, too, and holds the query's very words; it is no result of its own query.
    assert table.rows["bm25"].by_query["q1"].ndcg10 >= ndcg(["long", "leave"], {"leave": 1}, 10)


async def test_two_measurements_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    found = read_beir(beir_folder(tmp_path / "set"))
    async with opened(found) as first, opened(found) as second:
        assert first.index is not second.index
        assert (await measure(found, [ours()])).rows["ours"].mean.ndcg10 == 1


async def test_questions_with_known_sources_are_measured_by_chunk_and_by_group(tmp_path: Path) -> None:
    for name, (_, text) in DOCUMENTS.items():
        (tmp_path / f"{name}.md").write_text(f"# {name}\n\n{text}")
    question = Question(
        id="q1",
        question="how many days of annual leave, and when are salaries paid?",
        kind="multi",
        expected_sources=["leave.md", "pay.md"],
        source_groups=[["leave.md"], ["pay.md"]],
    )
    nobody = Question(id="q2", question="Who is the king?", kind="unanswerable", expected_sources=[])

    table = await measure(golden_set(tmp_path, [question, nobody]), BASELINES[2:])

    figures = table.rows["rrf"].by_query["q1"]
    assert table.queries == 1
    assert (figures.chunks5, figures.recall12, figures.found5) == (pytest.approx(0.4), 1, 1)
    with pytest.raises(BadSet, match=r"expect gone\.md"):
        golden_set(tmp_path, [question.model_copy(update={"expected_sources": ["gone.md"]})])


def test_known_items_are_made_of_every_kind_and_the_same_each_time() -> None:
    found = known_item_set(HANDBOOK, queries=30)
    assert {id.partition("-")[0] for id in found.queries} == {"heading", "opening", "statement"}
    assert len(set(found.queries.values())) == len(found.queries)
    assert all(document in found.documents for row in found.qrels.values() for document in row)
    assert known_item_set(HANDBOOK, queries=30).queries == found.queries
    assert known_item_set(HANDBOOK, queries=30, seed=6).queries != found.queries


async def test_a_set_that_was_made_can_be_written_and_measured_as_beir(tmp_path: Path) -> None:
    made = known_item_set(HANDBOOK, queries=9)
    few = {id: made.documents[id] for id in sorted({name for row in made.qrels.values() for name in row})}
    small = RetrievalSet(made.name, few, made.queries, made.qrels)

    write_beir(small, tmp_path / "set")
    found = read_beir(tmp_path / "set")

    assert found.queries == made.queries
    assert found.qrels == {id: dict(row) for id, row in made.qrels.items()}
    assert {id: document.text for id, document in found.documents.items()} == {
        id: document.text for id, document in few.items()
    }

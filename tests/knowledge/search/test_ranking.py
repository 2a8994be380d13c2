"""What stands where in a result: doubles, outdated pages, codes, phrases, several questions, a reranker."""

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import pytest

from access.keys import AccessKeys
from kit.wire.search import SearchFilters, SearchRequest, SearchResult
from knowledge.embed import Vectors
from knowledge.index import Index, IndexedChunk
from knowledge.index.edge import open_edge
from knowledge.search import Search, SearchSettings
from tests.knowledge.index.samples import DIMENSIONS, NOW, chunk, facts, vector

RULE = "Staff get 25 days of paid leave each year and may carry over eight of them until the end of April."

STRANGE = [
    *(
        "x",
        "年",
        "年假有几天？",
        "отпуск?",
        "\u200fإجازة\u200f",
        "🦊 leave 🦊",
        "e\u0301",
        "who? what? when? where?",
    ),
    *("a b " * 500, "?" * 1999 + "x", "-" * 1999 + "y", "and how do I and how do I", '"" “” x «»', "the"),
]


class ByWords:
    """Vectors as the samples make them."""

    version = "test"
    dimensions = DIMENSIONS

    def embed(self, texts: Sequence[str]) -> Vectors:
        return np.array([vector(text) for text in texts], np.float32)

    def count_tokens(self, text: str) -> int:
        return len(text)


class Library:
    """An organisation of its own in the index that all tests here share."""

    def __init__(self, index: Index) -> None:
        self.index = index
        self.staff = AccessKeys([f"o:{uuid4().hex}"])
        self.finance = AccessKeys([f"g:{uuid4().hex}/finance"])

    async def add(
        self, text: str, title: str = "Handbook", keys: AccessKeys | None = None, **changes: Any
    ) -> UUID:
        doc_id = uuid4()
        piece = replace(chunk(doc_id, text), page_title=title, section_path=(title,))
        made = IndexedChunk(piece, facts(doc_id, **changes), vector(text))
        await self.index.publish(doc_id, [made], keys or self.staff)
        return doc_id

    async def ask(self, query: str, keys: AccessKeys | None = None, **asked: Any) -> SearchResult:
        search = Search(self.index, ByWords())
        return await search.search(keys or self.staff, SearchRequest(query=query, **asked))


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    opened = open_edge(tmp_path_factory.mktemp("ranking"), "test", DIMENSIONS)
    yield opened
    asyncio.run(opened.close())


@pytest.fixture
def library(index: Index) -> Library:
    return Library(index)


def texts(result: SearchResult) -> list[str]:
    return [found.content for found in result.chunks]


@pytest.mark.proves("SEARCH-004")
async def test_the_same_text_on_three_pages_is_one_result_with_three_sources(library: Library) -> None:
    pages = {await library.add(RULE, title) for title in ("Leave", "Welcome", "Contract")}
    other = await library.add("Leave for parents is another matter.")

    result = await library.ask("days of paid leave", top_k=2)

    first, second = result.chunks
    also = first.also_in or []
    assert {first.metadata.doc_id, *(one.doc_id for one in also)} == pages
    assert {first.metadata.page_title, *(one.page_title for one in also)} == {"Leave", "Welcome", "Contract"}
    assert second.metadata.doc_id == other
    assert second.also_in is None
    assert result.total_results == 4


@pytest.mark.proves("SEARCH-004")
async def test_texts_that_differ_in_a_number_are_two_results(library: Library) -> None:
    await library.add(RULE)
    await library.add(RULE.replace("25", "26"))
    result = await library.ask("days of paid leave")
    assert len(result.chunks) == 2
    assert not any(found.also_in for found in result.chunks)


@pytest.mark.proves("SEARCH-004")
async def test_a_double_that_somebody_may_not_see_is_no_source_for_them(library: Library) -> None:
    mine = await library.add(RULE, "Leave")
    await library.add(RULE, "Finance only", keys=library.finance)
    result = await library.ask("days of paid leave")
    [found] = result.chunks
    assert (found.metadata.doc_id, found.also_in, result.total_results) == (mine, None, 1)


@pytest.mark.proves("SEARCH-006")
@pytest.mark.parametrize("status", ["outdated", "superseded", "archived"])
async def test_an_outdated_page_stands_below_a_current_one_about_the_same(
    library: Library, status: str
) -> None:
    old = await library.add(
        "Meals on a trip are paid up to 60 AUD for each full day.", tags=(f"status:{status}",)
    )
    new = await library.add("Meals on a trip are paid up to 72 AUD for every full day.")

    result = await library.ask("meals on a trip are paid up to for each full day")

    assert [found.metadata.doc_id for found in result.chunks] == [new, old]
    assert [found.metadata.status for found in result.chunks] == [None, status]


async def test_an_outdated_page_that_is_alone_is_found_with_its_own_score(library: Library) -> None:
    await library.add(RULE, tags=("status:outdated",))
    outdated = (await library.ask("days of paid leave")).chunks[0].score
    other = Library(library.index)
    await other.add(RULE)
    assert outdated == pytest.approx((await other.ask("days of paid leave")).chunks[0].score)


@pytest.mark.proves("SEARCH-006")
async def test_of_doubles_the_current_one_is_shown(library: Library) -> None:
    await library.add(RULE, "Days of paid leave", tags=("status:outdated",))
    current = await library.add(RULE, "Leave")
    [found] = (await library.ask("days of paid leave")).chunks
    assert found.metadata.doc_id == current
    assert [one.page_title for one in found.also_in or []] == ["Days of paid leave"]


@pytest.mark.proves("SEARCH-006")
async def test_of_equals_the_newer_comes_first_but_a_better_one_stays_first(library: Library) -> None:
    years = timedelta(days=2000)
    older = await library.add("Visitors sign in at gate one.", last_modified=NOW - years)
    newer = await library.add("Visitors sign in at gate two.", last_modified=NOW)
    result = await library.ask("visitors sign in")
    assert [found.metadata.doc_id for found in result.chunks] == [newer, older]
    assert (await library.ask("visitors sign in gate one")).chunks[0].metadata.doc_id == older


@pytest.mark.proves("SEARCH-003")
async def test_each_of_several_questions_has_its_best_answer_among_the_first(library: Library) -> None:
    for day in range(6):
        await library.add(f"A flight is booked in the travel tool, step {day}.")
    await library.add("Payslips are in the payroll portal.")

    result = await library.ask("how is a flight booked? where are payslips kept?", top_k=4)

    assert {text.split()[0] for text in texts(result)} == {"A", "Payslips"}
    assert len(set(texts(result))) == 4
    scores = [found.score for found in result.chunks]
    assert scores == sorted(scores, reverse=True)


async def test_chatter_around_a_question_changes_nothing(library: Library) -> None:
    await library.add(RULE)
    await library.add("Quick questions are welcome in the chat, thanks.")
    plain = await library.ask("how many days of paid leave do I get?")
    chatty = await library.ask("hey, quick question: how many days of paid leave do I get? thanks!")
    assert [(found.chunk_id, found.score) for found in chatty.chunks] == [
        (found.chunk_id, found.score) for found in plain.chunks
    ]


async def test_a_code_is_found_by_its_letters(library: Library) -> None:
    for number in (11, 12, 13):
        await library.add(f"Fill in form HR-{number} for it, please.")
    for query in ("HR-12", "HR12", "form HR-12"):
        assert texts(await library.ask(query))[0] == "Fill in form HR-12 for it, please."


async def test_a_quoted_phrase_is_preferred_as_it_is_written(library: Library) -> None:
    await library.add("The leave of absence policy: absence policy, leave policy, leave, leave.")
    await library.add("There is a policy that nobody reads, the Leave Policy for contractors on site.")
    result = await library.ask('contractors "leave policy for contractors"')
    assert "contractors on site" in texts(result)[0]


@pytest.mark.proves("SEARCH-007")
@pytest.mark.parametrize(
    ("fitting", "other", "asked"),
    [
        ({"last_modified": NOW}, {"last_modified": NOW - timedelta(days=9)}, {"after": NOW}),
        ({"last_modified": NOW - timedelta(days=9)}, {"last_modified": NOW}, {"before": NOW}),
        ({"doc_type": "guide"}, {"doc_type": "policy"}, {"doc_type": "guide"}),
        ({"source": "crawl"}, {"source": "upload"}, {"source": "crawl"}),
        ({"privacy_level": "public"}, {"privacy_level": "internal"}, {"privacy_level": "public"}),
        ({"tags": ("a", "b")}, {"tags": ("a",)}, {"tags": ["a", "b"]}),
    ],
)
async def test_each_filter_leaves_what_fits(
    library: Library, fitting: dict[str, Any], other: dict[str, Any], asked: dict[str, Any]
) -> None:
    wanted = await library.add("Leave one.", **fitting)
    await library.add("Leave two.", **other)
    result = await library.ask("leave", filters=SearchFilters(**asked))
    assert [found.metadata.doc_id for found in result.chunks] == [wanted]
    assert len((await library.ask("leave")).chunks) == 2


@pytest.mark.proves("SEARCH-007")
async def test_scope_and_section_leave_what_fits(library: Library) -> None:
    wanted = await library.add("Leave one.", "Pilots", service_scope="uas")
    await library.add("Leave two.", "Crew")
    narrowed: list[dict[str, Any]] = [{"service_scope": "uas"}, {"filters": SearchFilters(section="PILOTS")}]
    for asked in narrowed:
        result = await library.ask("leave", **asked)
        assert [found.metadata.doc_id for found in result.chunks] == [wanted]


@pytest.mark.proves("SEARCH-005")
@pytest.mark.parametrize("query", STRANGE, ids=range(len(STRANGE)))
async def test_any_query_is_answered(library: Library, query: str) -> None:
    await library.add(RULE)
    result = await library.ask(query, top_k=50)
    assert len(result.chunks) == 1
    assert 0 <= result.chunks[0].score <= 1


class Reads:
    """A reranker that does as it is told."""

    version = "told"

    def __init__(self, answer: Callable[[Sequence[str]], list[float]]) -> None:
        self._answer = answer
        self.asked = 0

    def scores(self, query: str, texts: Sequence[str]) -> list[float]:
        self.asked += 1
        return self._answer(texts)


async def _reranked(library: Library, reranker: Reads, **settings: Any) -> SearchResult:
    search = Search(library.index, ByWords(), SearchSettings(**settings), reranker=reranker)
    assert search.version.count("told") == 1
    return await search.search(library.staff, SearchRequest(query="leave rules"))


async def _three(library: Library) -> None:
    for text in ("Leave rules one.", "Leave rules two.", "Leave rules three."):
        await library.add(text)


@pytest.mark.proves("SEARCH-008")
async def test_a_reranker_orders_what_is_close_and_the_scale_stays(library: Library) -> None:
    await _three(library)
    before = await library.ask("leave rules")
    after = await _reranked(library, Reads(lambda texts: [float("three" in text) for text in texts]))
    assert texts(after)[0] == "Leave rules three."
    assert [found.score for found in after.chunks] == [found.score for found in before.chunks]
    assert after.degraded is None


@pytest.mark.proves("SEARCH-008")
async def test_a_reranker_is_not_asked_where_the_first_one_is_clear(library: Library) -> None:
    await _three(library)
    reranker = Reads(lambda texts: [0.0] * len(texts))
    await _reranked(library, reranker, rerank_within=0)
    await _reranked(library, reranker, rerank_within=1)
    assert reranker.asked == 1


@pytest.mark.proves("SEARCH-008")
async def test_a_reranker_that_fails_or_is_late_leaves_the_first_ranking(
    library: Library,
) -> None:
    await _three(library)
    before = await library.ask("leave rules")
    done = threading.Event()

    def waits(texts: Sequence[str]) -> list[float]:
        done.wait(30)
        return [0.0] * len(texts)

    def fails(texts: Sequence[str]) -> list[float]:
        raise RuntimeError("no memory")

    for reranker in (Reads(fails), Reads(waits), Reads(lambda texts: [])):
        result = await _reranked(library, reranker, rerank_timeout_s=0.05)
        assert texts(result) == texts(before)
        assert result.degraded == ["reranker"]
    done.set()

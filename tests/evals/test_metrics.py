import math
from uuid import UUID

import pytest
from rich.console import Console

from kit.wire.chat import Citation
from tests.evals import metrics, scores
from tests.evals.asking import Asked, Judged, Said
from tests.evals.golden import Claim, Question
from tests.evals.report import Report, show
from tests.scripted_platform import citation

LEAVE = Question(
    id="q1",
    question="How much leave?",
    kind="lookup",
    expected_sources=["leave.md", "faq.md"],
    answer_must_contain=["25 days", "it's"],
)
BOTH = LEAVE.model_copy(update={"id": "q2", "source_groups": [["leave.md"], ["faq.md"]]})
NOBODY = Question(id="q3", question="Dogs?", kind="unanswerable", expected_sources=[])
PAGES = {UUID(int=1): "leave.md", UUID(int=2): "pay.md"}


def named(doc_id: UUID) -> str:
    return PAGES[doc_id]


def cite(n: int, quote: str = "Staff get 25 days of leave.") -> Citation:
    return Citation.model_validate(citation(n, quote=quote))


def test_precision_counts_against_k_and_against_what_is_possible() -> None:
    ranked = metrics.top_documents(["leave.md", "leave.md", "pay.md", "faq.md"], 5)
    assert ranked == ["leave.md", "pay.md", "faq.md"]
    assert metrics.precision(ranked, ["leave.md"], 5) == 0.2
    assert metrics.precision_of_possible(ranked, ["leave.md"], 5) == 1.0
    assert metrics.precision_of_possible(ranked, ["leave.md", "gone.md"], 5) == 0.5


def test_recall_is_the_share_of_the_expected_sources() -> None:
    assert metrics.recall(["x", "leave.md"], ["leave.md", "faq.md"], 12) == 0.5
    assert metrics.recall(["x", "leave.md"], ["leave.md"], 1) == 0.0


def test_any_source_is_enough_unless_groups_ask_for_one_of_each() -> None:
    assert metrics.found(["leave.md"], LEAVE.needed)
    assert not metrics.found(["leave.md"], BOTH.needed)
    assert metrics.found(["faq.md", "leave.md"], BOTH.needed)
    assert metrics.share_found(["leave.md"], BOTH.needed) == 0.5


def test_literals_are_compared_without_case_and_with_plain_quotes() -> None:
    assert metrics.missing_literals("It’s 25 DAYS – always", ["25 days", "it's", "5 - 6"]) == ["5 - 6"]


@pytest.mark.parametrize(
    ("sentence", "quote", "document", "right"),
    [
        ("You get 25 days. [1]", "You get **25** days.", "# Leave\nYou get 25 days.", True),
        ("You get 26 days.", "You get 25 days.", "You get 25 days.", False),
        ("You get 25 days.", "You do not get 25 days.", "You do not get 25 days.", False),
        ("You get 25 days.", "You get 25 days.", "You get 125 days.", False),
        ("You get paid.", "", "You get paid.", False),
        ("See [1](x) the form.", "See the [form](http://x.example/y).", "See the form.", False),
        ("You may take 1,000 hours.", "You may take 1000 hours.", "You may take 1000 hours.", True),
    ],
)
def test_a_sentence_is_grounded_where_its_quote_stands_and_agrees(
    sentence: str, quote: str, document: str, right: bool
) -> None:
    assert metrics.grounded(sentence, quote, document) is right


TABLE = "Date | Item\nMay 1, 2025 | Cycle ends\nMay 9, 2025 | Reviews do not start before"


@pytest.mark.parametrize(
    ("sentence", "quote", "right"),
    [
        ("Date: May 1, 2025; Item: Cycle ends", TABLE, True),
        ("Date: May 9, 2025; Item: Cycle ends", TABLE, False),
        ("You may not leave if: You drive.", "You may not leave if:\n\n1. You walk.\n2. You drive.", True),
        ("You may leave if: You drive.", "You may not leave if:\n\n1. You walk.\n2. You drive.", False),
    ],
)
def test_a_lead_in_with_its_item_or_row_is_word_for_word(sentence: str, quote: str, right: bool) -> None:
    assert metrics.word_for_word(sentence, quote) is right
    assert metrics.grounded(sentence, quote, quote.replace("1. ", "").replace("2. ", "")) is right


def test_percentiles_are_by_nearest_rank() -> None:
    assert metrics.percentile([4, 1, 3, 2], 0.5) == 2
    assert metrics.percentile([4, 1, 3, 2], 0.95) == 4
    assert math.isnan(metrics.percentile([], 0.5))


def test_answers_are_scored_by_refusals_literals_and_citations() -> None:
    right = Asked(LEAVE, "answered", "It's 25 days. [1]", citations=[cite(1)])
    half = Asked(BOTH, "answered", "Hm. [1] [2]", citations=[cite(1), cite(2)])
    refused, invented = Asked(NOBODY, "not_found"), Asked(NOBODY, "answered")
    figures = scores.answers([right, half, refused, invented], named)
    assert figures == {
        "literals present (all of a question)": 0.5,
        "literals present (each)": 0.5,
        "unanswerable refused": 0.5,
        "answerable refused": 0.0,
        "citation precision": 2 / 3,
        "citation recall": 0.75,
        "turns that failed": 0.0,
    }


def test_a_fact_without_a_citation_is_found_and_a_frame_is_none() -> None:
    said = [Said("Hello!", ()), Said("Staff get 25 days of leave. [1]", (1,)), Said("Ask Bob.", ())]
    asked = Asked(LEAVE, "answered", said=said, citations=[cite(1)])
    text = "Staff get 25 days of leave."
    facts = scores.facts_of(asked, lambda _: text, lambda sentence: sentence == "Hello!", named)
    assert [(fact.sentence, fact.cited, fact.grounded, fact.verbatim) for fact in facts] == [
        ("Staff get 25 days of leave.", True, True, True),
        ("Ask Bob.", False, False, False),
    ]


def test_claims_are_counted_per_label() -> None:
    claim = Claim(id="c", sentence="s", source_file="leave.md", label="contradicted")
    counted = scores.claims([Judged(claim, passed=True, passed_on_page=False), Judged(claim)])
    assert counted["contradicted"] == {
        "claims": 2,
        "passed": 1,
        "page among the 12": 1,
        "passed on its page": 0,
    }
    assert counted["supported"]["claims"] == 0


def test_a_question_whose_kind_and_sources_disagree_is_refused() -> None:
    with pytest.raises(ValueError, match="q9"):
        Question(id="q9", question="?", kind="lookup", expected_sources=[])


def test_a_figure_that_misses_its_target_is_named() -> None:
    figures = {"source found in top 5": 0.95, "unanswerable refused": 0.8, "citation precision": math.nan}
    assert Report({}, figures).missed == ["unanswerable refused"]
    console = Console(record=True, width=100)
    show(Report({}, figures, abstaining={"0.26*": {"answerable": 0.02}}), console)
    told = console.export_text()
    assert "1 targets missed: unanswerable refused" in told
    assert "0.26*" in told

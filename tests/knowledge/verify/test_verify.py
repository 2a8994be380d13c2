from uuid import uuid4

import pytest

from kit.wire.search import ChunkMetadata, FoundChunk
from knowledge.verify import Verdict, source_of, verify
from tests.knowledge.verify.handbook import PAGE, SENTENCES, source


def check(sentence: str) -> Verdict:
    return verify(sentence, [source()])


@pytest.mark.parametrize("sentence", SENTENCES)
def test_the_sources_own_sentence_is_certain_and_quoted_exactly(sentence: str) -> None:
    verdict = check(sentence)
    assert verdict.supported
    assert verdict.confidence == 1.0
    assert verdict.quote == sentence == PAGE[verdict.start : verdict.end]
    assert verdict.reasons == ()


@pytest.mark.parametrize(
    "sentence",
    [
        "every employee  earns 6 hours of **annual leave** per pay period after three years of service. [1]",
        "You don’t need approval to create public repositories. [2]",
        "“Award leave isn't paid out when you quit.”",
        "Requests go to _Priya Raman_ in the Harbour Office at least 5 business days in advance",
    ],
)
def test_writing_it_otherwise_changes_nothing(sentence: str) -> None:
    assert check(sentence).confidence == 1.0


@pytest.mark.parametrize(
    "sentence",
    [
        "All staff earn 6 hours of annual leave per pay period after 3 years of service.",
        "You can carry over a maximum of 240 hours.",
        "When you quit, award leave is not paid out.",
        "You do not need any approval to create public repositories.",
    ],
)
def test_a_near_verbatim_sentence_that_agrees_passes(sentence: str) -> None:
    verdict = check(sentence)
    assert verdict.supported, verdict
    assert verdict.confidence < 1.0


@pytest.mark.proves("VERIFY-001")
@pytest.mark.parametrize(
    ("sentence", "why"),
    [
        ("Every employee earns 8 hours of annual leave per pay period after 3 years of service.", "number"),
        ("Every employee earns 6 days of annual leave per pay period after 3 years of service.", "number"),
        ("You can carry over a minimum of 240 hours to the next year.", "number"),
        ("Award leave is paid out when you quit.", "negation"),
        ("You need approval to create public repositories.", "negation"),
        ("Tom does not report to Maya on Mondays.", "negation"),
        ("Requests go to Priya Nair in the Harbour Office at least 5 business days in advance.", "name"),
        ("Tom reports to Maya on Fridays.", "name"),
        ("If your trip is cancelled, tell finance@example.org within 24 hours.", "name"),
        ("Write to the front desk after your first visit.", "opposite"),
        ("Contractors must use the Quiet Room only after 5 p.m.", "modality"),
        ("Contractors may use the Quiet Room after 5 p.m.", "limit"),
        ("The fee rises from $35.50 to $20 in March 2027.", "number"),
        ("The fee falls from $20 to $35.50 in March 2027.", "words"),
        ("Maya reports to Tom on Mondays.", "order"),
    ],
)
def test_what_the_quote_does_not_say_does_not_pass(sentence: str, why: str) -> None:
    verdict = check(sentence)
    assert not verdict.supported
    assert any(reason.startswith(why) for reason in verdict.reasons), verdict.reasons


def test_no_threshold_lets_a_changed_number_pass() -> None:
    assert not verify("You can carry over a maximum of 340 hours.", [source()], threshold=0.0).supported


def test_part_of_a_sentence_passes_only_where_the_rest_cannot_turn_it() -> None:
    assert check("every employee earns 6 hours of annual leave").supported
    assert not check("need approval to create public repositories").supported
    assert not check("use the Quiet Room only after 5").supported


def test_an_item_under_never_is_quoted_with_it_or_not_at_all() -> None:
    assert not check("Alcohol served at dinners").supported
    verdict = check("The following must never be claimed: Alcohol served at dinners")
    assert verdict.confidence == 1.0
    assert verdict.quote == "The following must never be claimed:\n\n- Alcohol served at dinners"


def test_a_list_is_quoted_with_its_lead_in_whole_or_in_part() -> None:
    whole = check(
        "You can use sick leave for: Doctor appointments; Mental health care; Recovering from illness"
    )
    some = check("You can use sick leave for: Doctor appointments; Recovering from illness.")
    assert whole.confidence == some.confidence == 1.0
    assert whole.quote.endswith("Recovering from illness")
    assert not check("You can use sick leave for: Doctor appointments; Gym visits").supported


def test_a_table_row_is_quoted_with_its_header() -> None:
    verdict = check("Step: Legal reviews the agreement; Who does it: Legal team; How long: 10 days")
    assert verdict.confidence == 1.0
    assert verdict.quote.startswith("Step | Who does it")
    assert verdict.quote.endswith("10 days")
    assert not check("Step: Legal reviews the agreement; How long: 3 weeks").supported


def test_a_question_in_a_document_states_nothing() -> None:
    assert not check("Can I bring my dog to the office").supported


def test_an_unrelated_sentence_has_no_quote() -> None:
    verdict = check("The canteen serves soup.")
    assert (verdict.supported, verdict.quote, verdict.source) == (False, "", None)


@pytest.mark.parametrize("sentence", ["", "   ", "[1]", "…!?"])
def test_nothing_said_is_nothing_supported(sentence: str) -> None:
    assert not verify(sentence, [source()], threshold=0.0).supported


def test_no_sources_support_nothing() -> None:
    assert not verify(SENTENCES[0], []).supported


def test_a_found_chunk_becomes_a_source() -> None:
    about = ChunkMetadata(
        source_url="https://handbook.example/leave#carry-over",
        source_hash="0" * 64,
        page_title="Leave",
        section_title="Carry over",
        service_scope="general",
        chunk_index=3,
        doc_id=uuid4(),
        page=2,
    )
    found = FoundChunk(chunk_id=uuid4(), content="240 hours.", score=0.5, metadata=about)
    made = source_of(found)
    assert (made.chunk_id, made.doc_id, made.text) == (found.chunk_id, about.doc_id, "240 hours.")
    assert (made.title, made.section, made.url, made.page) == ("Leave", "Carry over", about.source_url, 2)

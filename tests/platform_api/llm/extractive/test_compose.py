import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.verify import split_sentences, verify
from platform_api.llm.extractive import compose, decide
from platform_api.llm.extractive.outdated import outdated_among
from platform_api.llm.frames import is_frame, render
from tests.platform_api.llm.extractive.pages import HANDBOOK, LEAVE, OFFICE, OLD_TRAVEL, TRAVEL, sources


def told(question: str) -> list[str]:
    return [sentence.text for sentence in compose(question, sources(*HANDBOOK))]


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        (
            "How many days of annual leave do I get each year?",
            "Full-time employees earn 20 days of annual leave each year.",
        ),
        (
            "who do I ask before I book a flight?",
            "Ask Priya Raman at travel@harbour.example before you book a flight.",
        ),
        ("When does the office open on weekdays?", "The office opens at 8 a.m. on weekdays."),
        ("can leave be sold back to the company", "Leave cannot be sold back to the company."),
        ("do I need receipts for expenses", "Receipts are required for expenses over $75."),
    ],
)
def test_the_asked_fact_comes_first(question: str, answer: str) -> None:
    assert told(question)[0] == answer


def test_a_table_row_is_told_with_its_header() -> None:
    assert told("How long does the legal review of the agreement take?")[0] == (
        "Step: Legal reviews the agreement; Who does it: Legal team; How long: 10 days"
    )


def test_which_and_what_get_the_whole_list() -> None:
    sentences = compose("What are the things that I can use sick leave for?", sources(*HANDBOOK))
    first = [(one.text, one.item) for one in sentences[:4]]
    assert first == [
        ("You can use sick leave for:", False),
        ("Doctor appointments", True),
        ("Mental health care", True),
        ("Caring for a family member", True),
    ]


def test_a_sentence_that_points_back_is_told_after_the_one_before() -> None:
    answer = told("When at the end of March does unused leave expire?")
    assert "It expires at the end of March." in answer
    before = answer.index("Unused leave carries over up to 10 days.")
    assert before < answer.index("It expires at the end of March.")


def test_both_parts_of_a_question_are_answered() -> None:
    answer = told("How many days of annual leave do I earn, and what time does the office open?")
    assert "Full-time employees earn 20 days of annual leave each year." in answer
    assert "The office opens at 8 a.m. on weekdays." in answer


def test_sources_are_numbered_in_the_order_of_first_use() -> None:
    question = "How many days of annual leave do I earn, and what time does the office open?"
    sentences = compose(question, sources(*HANDBOOK))
    numbers = [one.number for one in sentences]
    assert numbers[0] == 1
    assert all(later <= max(numbers[:at]) + 1 for at, later in enumerate(numbers) if at)


@pytest.mark.proves("EXTRACT-002")
@pytest.mark.parametrize(
    "question",
    [
        "Is there a crèche for toddlers?",
        "what is the rate per kilometre for private motorbikes",
        "Wer kocht heute?",
    ],
)
def test_what_the_sources_do_not_say_is_not_answered(question: str) -> None:
    (sentence,) = compose(question, sources(*HANDBOOK), [0.4, 0.35, 0.3])
    assert (sentence.frame, sentence.text, sentence.source) == ("not_found", render("not_found"), None)


def test_no_sources_no_answer() -> None:
    assert [one.frame for one in compose("How many days of leave?", [])] == ["not_found"]


@pytest.mark.proves("EXTRACT-003")
def test_documents_that_disagree_are_both_cited() -> None:
    pages = sources((TRAVEL, "Travel"), (OLD_TRAVEL, "Old travel"), (LEAVE, "Leave"))
    sentences = compose("From which amount are receipts required for expenses?", pages)
    assert sentences[0].frame == "disagree"
    assert [(one.text, one.number) for one in sentences[1:]] == [
        ("Receipts are required for expenses over $75.", 1),
        ("Receipts are required for expenses over $25.", 2),
    ]


@pytest.mark.proves("EXTRACT-001")
@given(
    question=st.one_of(
        st.text(max_size=200), st.sampled_from(["how long?", "which steps are there?", "who and when?"])
    ),
    texts=st.lists(
        st.one_of(st.sampled_from([page for page, _ in HANDBOOK]), st.text(max_size=400)), max_size=4
    ),
)
def test_every_sentence_is_a_frame_or_stands_word_for_word_in_its_source(
    question: str, texts: list[str]
) -> None:
    answer = compose(question, sources(*((text, f"P{number}") for number, text in enumerate(texts))))
    assert answer
    for sentence in answer:
        if sentence.source is None:
            assert all(is_frame(one) for one in split_sentences(sentence.text))
        else:
            assert verify(sentence.text, [sentence.source]).confidence >= 0.95


@pytest.mark.proves("EXTRACT-003")
@pytest.mark.parametrize(
    "question",
    [
        "From which amount are receipts required for expenses?",
        "Are receipts required for expenses, and when does the office open?",
    ],
)
def test_the_other_parts_are_answered_beside_a_disagreement(question: str) -> None:
    pages = sources((TRAVEL, "Travel"), (OLD_TRAVEL, "Old travel"), (OFFICE, "Office"))
    told_ = [one.text for one in compose(question, pages)]
    assert {
        "Receipts are required for expenses over $75.",
        "Receipts are required for expenses over $25.",
    } <= set(told_)
    assert any("8 a.m." in one for one in told_) == ("office" in question)


@pytest.mark.proves("ANSWER-008")
def test_what_still_holds_comes_before_a_document_that_is_out_of_date() -> None:
    old = f"This guide is outdated. Read Travel instead.\n\n{OLD_TRAVEL}"
    answer = compose(
        "From which amount are receipts required for expenses?", sources((old, "Old"), (TRAVEL, "T"))
    )
    assert answer[0].text == "Receipts are required for expenses over $75."


@pytest.mark.parametrize(
    ("title", "text", "outdated"),
    [
        ("Travel (archived)", "Fly economy.", True),
        ("Travel", "This page has been superseded by the travel guide.", True),
        ("Travel", "Outdated: read the new guide.", True),
        ("Travel", "This policy is no longer in force.", True),
        ("Travel", "Travel rules of 2019. Fly economy.", False),
        ("Records", "Old files are archived after two years.", False),
        ("Travel", "This policy does not apply until it is superseded.", False),
        ("Badges", "Expired badges are replaced by the front desk.", False),
    ],
)
def test_only_what_says_so_of_itself_is_out_of_date(title: str, text: str, outdated: bool) -> None:
    assert bool(outdated_among(sources((text, title)))) is outdated


def test_each_thing_is_said_once() -> None:
    again = TRAVEL.replace("Receipts are required for expenses", "Receipts are needed for all expenses")
    answer = compose("From which amount are receipts required?", sources((TRAVEL, "A"), (again, "B")))
    assert sum("$75" in one.text for one in answer) == 1


@pytest.mark.proves("ANSWER-007")
def test_a_follow_up_is_not_answered_with_what_was_just_said() -> None:
    before = "How many days of annual leave do I get each year?"
    first = "Full-time employees earn 20 days of annual leave each year. [1]"
    meant = decide("and do unused days carry over?", [before])
    answer = compose(meant.question, sources(*HANDBOOK), told=first, adds=meant.adds)
    assert answer[0].text == "Unused leave carries over up to 10 days."


@pytest.mark.proves("ANSWER-007")
def test_a_follow_up_on_what_no_source_speaks_of_is_not_answered_with_the_first_question() -> None:
    meant = decide("and for astronauts?", ["How many days of annual leave do I get each year?"])
    answer = compose(meant.question, sources(*HANDBOOK), adds=meant.adds)
    assert [one.frame for one in answer] == ["not_found"]


@pytest.mark.proves("EXTRACT-004")
def test_a_part_that_nothing_answers_is_said_not_to_be_found() -> None:
    answer = compose(
        "When does the office open on weekdays? How many submarines does the navy own?", sources(*HANDBOOK)
    )
    assert [one.text for one in answer] == [
        "The office opens at 8 a.m. on weekdays.",
        render("missing_second"),
    ]


@pytest.mark.proves("EXTRACT-005")
def test_what_names_no_subject_is_asked_back_with_what_it_may_mean() -> None:
    cards = ("Company cards\n\nA company card has a limit of 3,000 AUD a month.", "Cards")
    alcohol = ("Alcohol\n\nThe limit on duty is 0.00: no alcohol at all.", "Conduct")
    answer = compose("What's the limit?", sources(cards, alcohol))
    assert [one.text for one in answer] == [
        "This may mean several things:",
        "A company card has a limit of 3,000 AUD a month.",
        "The limit on duty is 0.00: no alcohol at all.",
        "Which one do you mean?",
    ]
    assert [one.frame for one in compose("What's the deadline?", sources(cards, alcohol))] == ["vague"]


def test_an_answer_is_one_statement_where_one_carries_it() -> None:
    assert told("When does the office open on weekdays?") == ["The office opens at 8 a.m. on weekdays."]


def test_steps_are_told_as_the_list_that_they_are() -> None:
    steps = "1. Open the reset page.\n2. Confirm the code.\n3. Choose a new password. It works at once."
    text = f"I forgot my password\n\n{steps}"
    answer = compose("how do I reset a forgotten password", sources((text, "Passwords")))
    assert [(one.text, one.item, one.goes_on) for one in answer] == [
        ("Open the reset page.", True, False),
        ("Confirm the code.", True, False),
        ("Choose a new password.", True, False),
        ("It works at once.", False, True),
    ]


def test_everyday_words_find_the_words_of_documents() -> None:
    page = ("Leave\n\nEach parent gets 14 weeks of paid parental leave.", "Parental leave")
    answer = compose(
        "how many weeks off do new dads get", sources(page, (OFFICE, "Office"), (TRAVEL, "Travel"))
    )
    assert answer[0].text == "Each parent gets 14 weeks of paid parental leave."


@pytest.mark.proves("ANSWER-008")
def test_a_past_year_is_answered_from_its_own_document() -> None:
    old = (
        "This guide is outdated.\n\nIn 2019 hotels of up to 180 AUD a night could be booked.",
        "Guide 2019",
    )
    new = ("Book a hotel of up to 215 AUD a night.", "Travel")
    assert compose("how much could a hotel cost in 2019?", sources(new, old))[0].source is not None
    assert "180 AUD" in compose("how much could a hotel cost in 2019?", sources(new, old))[0].text
    assert "215 AUD" in compose("how much may a hotel cost a night?", sources(new, old))[0].text

"""Text that repeats itself for ever: a pattern that reads what it has read again would take minutes here."""

import pytest

from knowledge.index.tokens import document_tokens, query_tokens
from knowledge.search.query import clean, understand
from knowledge.sentences import split_sentences
from knowledge.verify import meaning_of, words_of

pytestmark = pytest.mark.proves("HOSTILE-001")


@pytest.mark.parametrize("marks", ["!", "?", "...", "…", "?!"])
def test_marks_without_end_end_one_sentence(marks: str) -> None:
    run = marks * (200_000 // len(marks))
    assert split_sentences(f"Staff get 25 days{run}past. Ask us.") == [
        f"Staff get 25 days{run}past.",
        "Ask us.",
    ]
    assert split_sentences(f"Staff get 25 days{run} Ask us.") == [f"Staff get 25 days{run}", "Ask us."]


@pytest.mark.parametrize("character", ["1", "a", "İ", "\u0301", "٣"])
def test_a_word_without_end_is_one_word(character: str) -> None:
    for tokens in (document_tokens(character * 200_000), query_tokens(character * 200_000)):
        assert (len(tokens.words), tokens.joined) == (1, [])


@pytest.mark.parametrize("numbers", ["1 ", "1-", "-1", "1 of - ", "8-1 of -1 of "])
def test_numbers_without_end_have_units_of_their_own(numbers: str) -> None:
    said = meaning_of(words_of(f"{numbers * 3_000} 5 days"))
    assert said.quantities[-1].unit == "day"


@pytest.mark.parametrize("blank", [" ", "\n", " \n", "\t", "\u2028", "\u3000"])
def test_white_space_in_a_question_is_one_blank(blank: str) -> None:
    message = f"hi{blank * 100_000}how much leave do I get?{blank * 100_000}who approves it?"
    assert not any(pair in clean(message) for pair in ("  ", "\n\n", " \n", "\n "))
    assert understand(message) == understand("hi\nhow much leave do I get? who approves it?")


@pytest.mark.parametrize("said", [", ", "and ", "also, ", "what is ", "is it? ", "; ", "hi, ", "? ", "- a\n"])
def test_words_without_end_are_understood(said: str) -> None:
    assert understand(said * (16_000 // len(said))).parts

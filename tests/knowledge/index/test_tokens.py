"""Words of any script, as they are compared."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.index.terms import document_terms, query_terms
from knowledge.index.tokens import document_tokens, says_something


def finds(query: str, text: str) -> bool:
    """All of the query's terms are in the text."""
    asked = set(query_terms(query).indices)
    return bool(asked) and asked <= set(document_terms(text).indices)


@pytest.mark.proves("SEARCH-005")
@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("年假", "员工享有年假二十天"),
        ("假", "员工享有年假二十天"),
        ("연차", "연차는 며칠인가요"),
        ("วันลา", "พนักงานมีวันลาพักร้อน"),
        ("отпуск", "График отпусков сотрудников"),
        ("إجازة", "الإجازات السنوية"),
        ("अवकाश", "अवकाश की नीति"),
        ("naive cafe", "the naïve Café"),
        ("reimburse", "we re\u00adimburse it"),
        ("\u200fإجازة\u200f", "الإجازات"),
        ("ＶＩＳＡ", "visa"),
    ],
)
def test_each_script_is_found_by_its_own_words(query: str, text: str) -> None:
    assert finds(query, text)


@pytest.mark.proves("SEARCH-005")
@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("HR-12", "form HR-12"),
        ("HR12", "form HR-12"),
        ("email", "by e-mail"),
        ("onboarding", "the on-boarding week"),
        ("PTO", "P.T.O. rules"),
        ("IT", "Ask the IT desk about it."),
        ("v1.2.3", "since v1.2.3 of it"),
        ("snake_case", "use snake_case names"),
    ],
)
def test_codes_and_acronyms_are_found_as_people_write_them(query: str, text: str) -> None:
    assert finds(query, text)


def test_a_version_is_not_another_version() -> None:
    assert not set(document_tokens("1.2.3").joined) & set(document_tokens("12.3").joined)


def test_small_it_is_no_name() -> None:
    assert not query_terms("what is it")
    assert not query_terms("WHAT IS IT")
    assert not says_something("what is it")


def test_what_is_written_together_makes_no_text_longer() -> None:
    plain, joined = document_terms("mail leave"), document_terms("mail leave e-mail")
    assert max(plain.values) > min(joined.values)


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    tokens = document_tokens(text)
    assert all([*tokens.words, *tokens.joined])
    assert bool(query_terms(text)) or not says_something(text)

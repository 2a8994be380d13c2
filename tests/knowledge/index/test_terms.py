"""Texts as terms."""

from hypothesis import given
from hypothesis import strategies as st

from knowledge.index.terms import document_terms, query_terms


def test_forms_of_a_word_are_one_term() -> None:
    assert query_terms("Reimbursed expenses") == query_terms("reimburse expense")


def test_stop_words_and_symbols_are_no_terms() -> None:
    assert not query_terms("what is the ... of it?!")


def test_a_word_that_comes_often_weighs_more_but_less_each_time() -> None:
    once, twice, thrice = (
        document_terms(" ".join(["leave"] * times + ["filler"] * (9 - times))).values for times in (1, 2, 3)
    )
    weights = [max(values) for values in (once, twice, thrice)]
    leave = [document_terms(" ".join(["leave"] * times)).values[0] for times in (1, 2, 3)]
    assert leave == sorted(leave)
    assert leave[1] - leave[0] > leave[2] - leave[1]
    assert weights


def test_the_same_word_weighs_less_in_a_longer_text() -> None:
    word = query_terms("visa").indices[0]
    short = document_terms("visa rules")
    long = document_terms("visa rules " + "apply here today " * 60)
    assert (
        dict(zip(short.indices, short.values, strict=True))[word]
        > (dict(zip(long.indices, long.values, strict=True))[word])
    )


def test_unspaced_scripts_are_found_by_parts_of_a_sentence() -> None:
    assert set(query_terms("年假").indices) <= set(document_terms("员工享有年假二十天").indices)


def test_accents_and_width_are_compared_in_one_form() -> None:
    assert query_terms("café") == query_terms("cafe\u0301")
    assert query_terms("ＶＩＳＡ") == query_terms("visa")


@given(st.text())
def test_any_text_gives_ascending_indices_of_32_bits_and_positive_weights(text: str) -> None:
    for terms in (document_terms(text), query_terms(text)):
        assert terms.indices == sorted(set(terms.indices))
        assert all(0 <= index < 2**32 for index in terms.indices)
        assert all(value > 0 for value in terms.values)

"""What must hold for every sentence, not only for those that we thought of."""

import datetime
import re

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from knowledge.verify import split_sentences, verify
from tests.knowledge.verify.handbook import PAGE, SENTENCES, source

_DIGIT = re.compile(r"\d")
_NAME = re.compile(r"Priya Raman|Harbour Office|Maya|Quiet Room|March|travel@example\.org|Mondays")
_UNIT = re.compile(r"\b(hours|years|days)\b")
_NEGATION = re.compile(r"\bnot ")
_VERB = re.compile(r"\b(can|may|is|rises|earns|go|reports)\b")

sentences = st.sampled_from(SENTENCES)
names = st.from_regex(r"[A-Z][a-z]{3,9}( [A-Z][a-z]{3,9})?", fullmatch=True)
others = st.sampled_from(
    ["Leave is quiet.", "Nobody asked 240 people.", PAGE[::-1], PAGE[200:900], "5 hours | 6"]
)


def replaced(sentence: str, found: re.Match[str], by: str) -> str:
    return sentence[: found.start()] + by + sentence[found.end() :]


@pytest.mark.proves("VERIFY-001")
@given(sentence=sentences, data=st.data())
def test_one_changed_digit_never_passes(sentence: str, data: st.DataObject) -> None:
    digits = list(_DIGIT.finditer(sentence))
    assume(digits)
    digit = data.draw(st.sampled_from(digits))
    changed = replaced(
        sentence, digit, data.draw(st.sampled_from(sorted(set("0123456789") - {digit.group()})))
    )
    assume(changed not in PAGE)
    assert not verify(changed, [source()]).supported


@pytest.mark.proves("VERIFY-001")
@given(sentence=sentences, name=names)
def test_one_changed_name_never_passes(sentence: str, name: str) -> None:
    found = _NAME.search(sentence)
    assume(found is not None and name not in PAGE)
    assert found is not None
    assert not verify(replaced(sentence, found, name), [source()]).supported


@pytest.mark.proves("VERIFY-001")
@given(sentence=sentences, unit=st.sampled_from(["minutes", "weeks", "months", "dollars", "%", "people"]))
def test_one_changed_unit_never_passes(sentence: str, unit: str) -> None:
    found = _UNIT.search(sentence)
    assume(found is not None)
    assert found is not None
    assert not verify(replaced(sentence, found, unit), [source()]).supported


@pytest.mark.proves("VERIFY-001")
@given(sentence=sentences, word=st.sampled_from(["not ", "never ", "no longer ", "hardly "]))
def test_a_negation_put_in_or_taken_out_never_passes(sentence: str, word: str) -> None:
    denied = _NEGATION.search(sentence)
    verb = _VERB.search(sentence)
    assume(denied or verb)
    if denied:
        changed = replaced(sentence, denied, "")
    else:
        assert verb is not None
        changed = sentence[: verb.end()] + " " + word + sentence[verb.end() + 1 :]
    assert not verify(changed, [source()]).supported


@given(sentence=st.one_of(sentences, st.text(max_size=200), others))
def test_the_quote_is_always_an_exact_slice_of_its_source(sentence: str) -> None:
    verdict = verify(sentence, [source(), source(PAGE[100:700], "part")])
    assert 0.0 <= verdict.confidence <= 1.0
    if verdict.source:
        assert verdict.quote == verdict.source.text[verdict.start : verdict.end]
    else:
        assert verdict.quote == ""


@given(
    sentence=sentences,
    more=st.lists(st.one_of(others, st.text(max_size=300)), max_size=4),
    at=st.integers(0, 4),
)
def test_further_sources_never_lower_a_verbatim_verdict(sentence: str, more: list[str], at: int) -> None:
    sources = [source(text, f"s{number}") for number, text in enumerate(more)]
    sources.insert(at, source())
    assert verify(sentence, sources).confidence == 1.0


@given(sentence=st.one_of(sentences, st.text(max_size=100)), texts=st.lists(others, max_size=3))
def test_the_same_question_gets_the_same_verdict(sentence: str, texts: list[str]) -> None:
    sources = [source(text) for text in texts]
    assert verify(sentence, sources) == verify(sentence, list(sources))


@given(text=st.text(max_size=500))
def test_any_text_is_a_source_and_splits_into_its_own_slices(text: str) -> None:
    verify("Anything at all, even 5 hours | 6 days?", [source(text)])
    rest = text
    for sentence in split_sentences(text):
        assert sentence == sentence.strip() != ""
        assert sentence in rest
        rest = rest[rest.index(sentence) + len(sentence) :]


_ADDED = st.sampled_from(
    [
        ", and fines are paid by the mayor",
        " together with a lawyer",
        ", which the parliament decided",
        ", but only on weekends",
        " without asking the committee",
        ", unless the telescope is broken",
        ", and parking costs 9 euros",
        " in the second building",
    ]
)


@pytest.mark.proves("VERIFY-015")
@settings(max_examples=40)
@given(sentence=sentences, more=_ADDED)
def test_a_clause_that_stands_nowhere_never_passes(sentence: str, more: str) -> None:
    assert not verify(f"{sentence.rstrip('.')}{more}.", [source()]).supported


@pytest.mark.proves("VERIFY-001")
@settings(max_examples=40)
@given(
    length=st.integers(2, 400),
    other=st.integers(2, 400),
    unit=st.sampled_from(["days", "hours", "months", "AUD", "people", "pages", "%"]),
    written=st.sampled_from(["{}", "{}.5", "{},000", "{}0"]),
)
def test_another_number_in_any_format_never_passes(length: int, other: int, unit: str, written: str) -> None:
    assume(length != other)
    page = source(f"The permit of the harbour master holds for {written.format(length)} {unit}. Ask early.")
    same = f"The permit of the harbour master holds for {written.format(length)} {unit}."
    assert verify(same, [page]).confidence == 1.0
    changed = f"The harbour master's permit holds for {written.format(other)} {unit}."
    assert not verify(changed, [page], threshold=0.3).supported


@pytest.mark.proves("VERIFY-001")
@settings(max_examples=40)
@given(
    date=st.dates(),
    other=st.dates(),
    form=st.sampled_from(["%d %B %Y", "%B %d, %Y", "%Y-%m-%d"]),
)
def test_another_date_never_passes(date: datetime.date, other: datetime.date, form: str) -> None:
    assume(date != other)
    page = source(f"The wharf closes on {date.strftime(form)} for repairs. Boats are moved before.")
    assert verify(f"The wharf closes on {date.strftime(form)} for repairs.", [page]).confidence == 1.0
    changed = f"The wharf closes on {other.strftime(form)} for repairs."
    assert not verify(changed, [page], threshold=0.3).supported

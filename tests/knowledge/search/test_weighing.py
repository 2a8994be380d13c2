"""How much meaning and words count for one question."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.index import Hit, StoredChunk
from knowledge.index.port import body_of
from knowledge.search.fusion import Weights
from knowledge.search.weighing import adapted
from tests.knowledge.index.samples import chunk, facts

USUAL = Weights(0.7, 0.3)
PAGE = "Staff carry over eight days of annual leave until the end of April."


def hits(*texts: str) -> list[Hit]:
    """Each with fewer words of the question than the one before."""
    made = [StoredChunk(chunk(UUID(int=5), text), facts(UUID(int=5))) for text in texts]
    return [Hit(one.chunk.chunk_id, body_of(one), 0.5, 9.0 - at) for at, one in enumerate(made)]


def share(query: str) -> float:
    return adapted(query, hits(PAGE, "Another page."), USUAL).dense


@pytest.mark.proves("SEARCH-010")
def test_a_question_in_the_pages_own_words_goes_by_words_one_in_other_words_by_meaning() -> None:
    assert share("staff carry over annual leave until april") == pytest.approx(0.55)
    assert share("staff carry over days of vacation until april") == pytest.approx(0.7)
    assert share("colleagues keeping unused vacation for spring") == pytest.approx(0.85)


def test_a_few_words_say_too_little_to_move_anything() -> None:
    assert share("annual leave") == pytest.approx(0.7)


@pytest.mark.parametrize("query", ["HR-12", "form HR-12", "E0382", "snake_case", "os.path.join()", "v1.2.3?"])
def test_a_code_goes_by_words(query: str) -> None:
    assert share(query) == pytest.approx(0.4)


@pytest.mark.parametrize("weights", [Weights(0.7, 0.0), Weights(0.0, 0.3), Weights(0.0, 0.0)])
def test_a_list_that_was_not_asked_gains_no_weight(weights: Weights) -> None:
    assert adapted("colleagues keeping unused vacation", hits(PAGE), weights) == weights


def test_nothing_found_moves_nothing() -> None:
    assert adapted("colleagues keeping unused vacation", [], USUAL) == USUAL


@given(st.text(max_size=60), st.floats(0.01, 1), st.floats(0.01, 1))
def test_weights_stay_between_nought_and_their_sum(query: str, dense: float, sparse: float) -> None:
    moved = adapted(query, hits(PAGE), Weights(dense, sparse))
    assert 0 <= moved.dense <= dense + sparse
    assert moved.dense + moved.sparse == pytest.approx(dense + sparse)

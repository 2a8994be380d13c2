"""How much meaning and words count for one question."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.search.fusion import Weights
from knowledge.search.weighing import weights_for

USUAL = Weights(0.75, 0.25)


@pytest.mark.proves("SEARCH-010")
@pytest.mark.parametrize("query", ["HR-12", "form HR-12", "E0382", "snake_case", "os.path.join()", "v1.2.3?"])
def test_a_code_goes_by_words(query: str) -> None:
    weights = weights_for(query, USUAL)
    assert (weights.dense, weights.sparse) == pytest.approx((0.4, 0.6))


@pytest.mark.proves("SEARCH-010")
@pytest.mark.parametrize("query", ["annual leave", "who signs form HR-12 when I am away", "25 days", ""])
def test_a_question_goes_by_the_weights_that_are_set(query: str) -> None:
    assert weights_for(query, USUAL) == USUAL


def test_who_wants_still_less_meaning_gets_it_for_a_code_too() -> None:
    assert weights_for("HR-12", Weights(0.2, 0.8)) == Weights(0.2, 0.8)


@pytest.mark.parametrize("weights", [Weights(0.7, 0.0), Weights(0.0, 0.3), Weights(0.0, 0.0)])
def test_a_list_that_was_not_asked_gains_no_weight(weights: Weights) -> None:
    assert weights_for("HR-12", weights) == weights


@given(st.text(max_size=60), st.floats(0.01, 1), st.floats(0.01, 1))
def test_weights_keep_their_sum(query: str, dense: float, sparse: float) -> None:
    given_ = weights_for(query, Weights(dense, sparse))
    assert 0 <= given_.dense <= dense
    assert given_.dense + given_.sparse == pytest.approx(dense + sparse)

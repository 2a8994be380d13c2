"""Two lists become one ranking."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.index import Hit, StoredChunk
from knowledge.index.port import body_of
from knowledge.search.fusion import Ranked, Weights, by_rank, weighted, with_best_of
from tests.knowledge.index.samples import chunk, facts

DOC = UUID(int=5)
BOTH = Weights(0.7, 0.3)


def hit(text: str, dense: float | None, sparse: float | None) -> Hit:
    stored = StoredChunk(chunk(DOC, text), facts(DOC))
    return Hit(stored.chunk.chunk_id, body_of(stored), dense, sparse)


hits = st.lists(st.tuples(st.none() | st.floats(-1, 1), st.none() | st.floats(0, 50)), max_size=30).map(
    lambda pairs: [hit(str(at), *scores) for at, scores in enumerate(pairs)]
)


def test_meaning_weighs_seven_and_words_three_tenths() -> None:
    ranked = weighted([hit("meaning", 0.8, None), hit("words", 0.2, 9.0), hit("both", 0.7, 6.0)], BOTH)
    assert [(item.hit.stored.chunk.text, round(item.score, 3)) for item in ranked] == [
        ("both", 0.69),
        ("meaning", 0.56),
        ("words", 0.44),
    ]


def test_a_list_that_was_not_asked_takes_no_share() -> None:
    [found] = weighted([hit("a", 0.8, None)], Weights(0.7, 0.0))
    assert found.score == pytest.approx(0.8)


def test_first_in_both_lists_is_one_by_rank() -> None:
    ranked = by_rank([hit("first", 0.9, 9.0), hit("second", 0.8, 8.0)], BOTH)
    assert ranked[0].score == pytest.approx(1.0)
    assert ranked[0].hit.stored.chunk.text == "first"


def test_equal_scores_stand_in_the_order_of_their_ids() -> None:
    same = [hit(str(number), 0.5, 1.0) for number in range(9)]
    for fuse in (weighted, by_rank):
        forwards = [item.hit.stored.chunk.chunk_id for item in fuse(same, BOTH)]
        assert forwards == [item.hit.stored.chunk.chunk_id for item in fuse(same[::-1], BOTH)]
    ids = [item.hit.stored.chunk.chunk_id for item in weighted(same, BOTH)]
    assert ids == sorted(ids)


@given(hits, st.sampled_from([BOTH, Weights(0.7, 0), Weights(0, 0.3), Weights(0, 0)]))
def test_scores_lie_between_nought_and_one_and_never_rise(all_hits: list[Hit], weights: Weights) -> None:
    for fuse in (weighted, by_rank):
        scores = [item.score for item in fuse(all_hits, weights)]
        assert scores == sorted(scores, reverse=True)
        assert all(0 <= score <= 1 for score in scores)
        assert len(scores) == len(all_hits)


MANY = [hit(str(at), 0.5, None) for at in range(30)]
rankings = st.permutations(MANY).flatmap(
    lambda order: st.lists(st.floats(0, 1), min_size=1, max_size=30).map(
        lambda scores: [Ranked(*pair) for pair in zip(sorted(scores, reverse=True), order, strict=False)]
    )
)


@given(rankings, st.lists(rankings, max_size=4), st.sampled_from([5, 12, 50]))
def test_the_best_of_each_part_is_among_the_first_and_nothing_is_lost(
    whole: list[Ranked], parts: list[list[Ranked]], shown: int
) -> None:
    merged = with_best_of(whole, parts, shown)

    ids = [item.hit.chunk_id for item in merged]
    assert {part[0].hit.chunk_id for part in parts} <= set(ids[:5])
    assert {item.hit.chunk_id for item in whole} <= set(ids)
    assert len(set(ids)) == len(ids)
    scores = [item.score for item in merged]
    assert scores == sorted(scores, reverse=True)


def test_where_the_best_of_each_part_is_among_the_first_the_whole_message_decides() -> None:
    whole = [Ranked(1 - at / 50, one) for at, one in enumerate(MANY)]
    assert with_best_of(whole, [[Ranked(0.9, one) for one in MANY[4:7]], whole[:3]], 12) == whole

"""Two documents that answer the same question with different numbers (SPEC 7)."""

from collections.abc import Mapping, Sequence

from platform_api.llm.extractive.question import Asked
from platform_api.llm.extractive.score import Field, Judged
from platform_api.llm.extractive.statements import Offer

_FIRST, _LOOKED_AT = 2, 8
_GOOD = 4.0  # behind the better score
_ALIKE = 0.6  # share of terms, apart from the numbers, that both must have
_FEWEST_TERMS = 2


def rivals_of(asked: Asked, ranked: Sequence[Judged], field: Field) -> tuple[Offer, ...]:
    """The best two statements of different documents that say the same with other numbers; or nothing.

    A document that says itself that it is out of date disagrees with nobody; where it comes first, it was
    asked for by its year.
    """
    if ranked[0].offer.source.doc_id in field.outdated:
        return ()
    held = [one for one in ranked[:_LOOKED_AT] if one.offer.source.doc_id not in field.outdated]
    for at, best in enumerate(held[:_FIRST]):
        for other in held[at + 1 :]:
            good = other.score.total >= best.score.total - _GOOD
            elsewhere = other.offer.source.doc_id != best.offer.source.doc_id
            if good and elsewhere and _same_subject(asked, best, other) and _other_numbers(best, other):
                return best.offer, other.offer
    return ()


def _same_subject(asked: Asked, best: Judged, other: Judged) -> bool:
    mine, theirs = (one.offer.statement.own.content for one in (best, other))
    wanted = asked.meaning.content.keys()
    if mine.keys() & wanted != theirs.keys() & wanted or len(mine.keys() & wanted) < _FEWEST_TERMS:
        return False
    shared = sum(mine[term] for term in mine.keys() & theirs.keys())
    return shared >= _ALIKE * min(sum(mine.values()), sum(theirs.values()))


def _other_numbers(best: Judged, other: Judged) -> bool:
    mine, theirs = (_by_unit(one) for one in (best, other))
    common = mine.keys() & theirs.keys()
    return bool(common) and all(mine[unit].isdisjoint(theirs[unit]) for unit in common)


def _by_unit(judged: Judged) -> Mapping[str, set[str]]:
    values: dict[str, set[str]] = {}
    for quantity in judged.offer.statement.own.quantities:
        if quantity.unit:
            values.setdefault(quantity.unit, set()).add(quantity.value)
    return values

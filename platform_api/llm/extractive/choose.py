"""Which statements answer one question: the best one, and what belongs to it; as few as carry the answer."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from platform_api.llm.extractive.question import Asked, Wanted
from platform_api.llm.extractive.score import KINDS, Judged, kinds_of, terms_of
from platform_api.llm.extractive.statements import Offer, list_of

_MOST = 3
_LOOKED_AT = 12
_LONGEST_NAME, _ENDS = 5, '.!?:;)”"'
REACHES = (6.0, 3.0, 0.5)
"""Points behind the best that a further statement may be: in its passage, in its document, elsewhere. What
another document says is rarely asked for; what stands beside the best often is: decision 30."""
_FEWEST_ITEMS, _LONGEST_STEPS = 2, 8


@dataclass(frozen=True, slots=True)
class Choice:
    """A statement to be told; whole_list: with the list that it belongs to."""

    offer: Offer
    whole_list: bool = False


def chosen_for(asked: Asked, judged: Sequence[Judged], most: int = _MOST) -> list[Choice]:
    """The best first, neighbours in the order of their document; one list where that is the answer."""
    judged = [one for one in judged if not _is_name(one.offer)] or judged
    best = judged[0].offer
    if best.statement.announces or _is_list(asked, best):
        return [Choice(best, whole_list=True)]
    offers = [best]
    for one in judged[1:_LOOKED_AT]:
        if len(offers) < most and _belongs(judged[0], one):
            offers.append(one.offer)
    return [Choice(offer, whole) for offer, whole in _lists_joined(_in_order(offers))]


def _is_list(asked: Asked, offer: Offer) -> bool:
    """The list around it is what was asked for: a list, or the steps of what its heading names."""
    many = sum(item for _, item in list_of(offer.statement, offer.source.text))
    if many < _FEWEST_ITEMS:
        return False
    steps = Wanted.STEPS in asked.wanted and many <= _LONGEST_STEPS
    return Wanted.LIST in asked.wanted or (steps and _is_named_above(asked, offer))


def _is_named_above(asked: Asked, offer: Offer) -> bool:
    """The headings and the lead-in speak of as much of the question as the item does."""
    source, statement = offer.source, offer.statement
    over = {*terms_of(f"{source.title} {source.section}"), *statement.near.terms, *statement.above.terms}
    named = sum(weight for term, weight in asked.terms.items() if asked.spoken_of(term, over))
    own = sum(w for term, w in asked.terms.items() if asked.spoken_of(term, statement.own.terms))
    return named >= own


def _belongs(best: Judged, other: Judged) -> bool:
    """Near enough to the best one; what stands in its passage may be further behind than what does not."""
    behind = best.score.total - other.score.total
    return _tells(other.offer) and behind <= _within(best.offer, other.offer)


def _within(best: Offer, other: Offer) -> float:
    passage, document, elsewhere = REACHES
    if other.source is best.source:
        return passage
    return document if other.source.doc_id == best.source.doc_id else elsewhere


def _is_name(offer: Offer) -> bool:
    """A few words on a line of their own, no sentence, address or figure: a caption, a link's text."""
    statement = offer.statement
    short = statement.unit.kind == "sentence" and len(statement.text.split()) <= _LONGEST_NAME
    return short and statement.text[-1] not in _ENDS and not kinds_of(statement.text) & KINDS


def _tells(offer: Offer) -> bool:
    """It is more than a name or a link."""
    statement = offer.statement
    return (
        statement.unit.kind == "row" or bool(statement.unit.lead) or statement.text.endswith((".", "!", ")"))
    )


def _in_order(offers: Sequence[Offer]) -> list[Offer]:
    """The best first; of the others, a sentence that stands right after another one is told after it."""
    ordered = list(offers)
    for at in range(2, len(ordered)):
        place = next((k for k in range(1, at) if _follows(ordered[k], ordered[at])), at)
        ordered.insert(place, ordered.pop(at))
    return ordered


def _follows(later: Offer, earlier: Offer) -> bool:
    return later.source is earlier.source and later.statement.at - earlier.statement.at == 1


def _lists_joined(offers: Sequence[Offer]) -> Iterator[tuple[Offer, bool]]:
    """Two items of one list are told as that list."""
    done: list[Offer] = []
    for offer in offers:
        if any(_of_one_list(offer, other) for other in done):
            continue
        done.append(offer)
        shared = any(_of_one_list(offer, other) for other in offers if other is not offer)
        yield offer, shared or offer.statement.announces


def _of_one_list(one: Offer, other: Offer) -> bool:
    lead = one.statement.unit.lead
    return (
        one.source is other.source
        and one.statement.unit.kind == "item" == other.statement.unit.kind
        and lead is not None
        and lead == other.statement.unit.lead
    )

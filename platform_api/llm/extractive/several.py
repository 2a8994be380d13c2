"""A question that names no subject, such as "what's the limit?": what it may mean."""

from collections.abc import Sequence
from uuid import UUID

from platform_api.llm.extractive.question import Asked
from platform_api.llm.extractive.score import Judged
from platform_api.llm.extractive.statements import Offer

_MOST = 3


def topics_of(asked: Asked, judged: Sequence[Judged]) -> list[Offer]:
    """The best statement of each place that speaks of it, of different documents first; at most three."""
    said = [one.offer for one in judged if _speaks(asked, one.offer)]
    places: dict[tuple[UUID, str], Offer] = {}
    for offer in said:
        places.setdefault((offer.source.doc_id, offer.source.section), offer)
    firsts: dict[UUID, Offer] = {}
    for offer in places.values():
        firsts.setdefault(offer.source.doc_id, offer)
    rest = [offer for offer in places.values() if offer not in firsts.values()]
    return [*firsts.values(), *rest][:_MOST]


def _speaks(asked: Asked, offer: Offer) -> bool:
    statement = offer.statement
    return not statement.announces and all(term in statement.own.terms for term in asked.meaning.content)

"""From sources to an answer: the best statements in the sources' own words, or that there is none."""

from collections.abc import Sequence
from dataclasses import dataclass

from knowledge.verify import Source, verify
from platform_api.llm.extractive.question import Asked, parts_of
from platform_api.llm.extractive.score import Field, Score, field_of, score
from platform_api.llm.extractive.statements import Offer, offers_of
from platform_api.llm.frames import FrameName, render

MOST_SENTENCES = 4
_FOR_ONE_PART, _FOR_EACH_PART = 3, 2


@dataclass(frozen=True, slots=True)
class AnswerSentence:
    """One sentence of an answer: a fact in its source's words, or a frame (then `source` is None).

    number: of the source, 1-based, in the order of first use. item: it stands as an item of a list.
    """

    text: str
    source: Source | None = None
    number: int = 0
    frame: FrameName | None = None
    item: bool = False


@dataclass(frozen=True, slots=True)
class Judged:
    offer: Offer
    score: Score


def compose(question: str, sources: Sequence[Source], scores: Sequence[float] = ()) -> list[AnswerSentence]:
    """The answer to a question from sources, best source first; never empty.

    scores: of the sources in the search, 0-1. Every sentence with a source passes `knowledge.verify` against
    it. Without enough evidence: one frame.
    """
    offers = offers_of(sources)
    if not offers:
        return [_framed("not_found")]
    field = field_of(offers, sources, scores)
    parts = parts_of(question)
    share = _FOR_ONE_PART if len(parts) == 1 else _FOR_EACH_PART
    chosen: dict[Offer, None] = {}
    for asked in parts:
        ranked = ranking(asked, offers, field)
        chosen |= dict.fromkeys(
            one.offer for one in ranked[: _FOR_ONE_PART if len(parts) == 1 else _FOR_EACH_PART]
        )
    return numbered(list(chosen)[:MOST_SENTENCES])


def ranking(asked: Asked, offers: Sequence[Offer], field: Field) -> list[Judged]:
    """The offers, best answer first."""
    judged = [Judged(offer, score(asked, offer, field)) for offer in offers]
    return sorted(judged, key=lambda one: -one.score.total)


def numbered(offers: Sequence[Offer]) -> list[AnswerSentence]:
    numbers: dict[object, int] = {}
    sentences: list[AnswerSentence] = []
    for offer in offers:
        text = offer.statement.text
        if verify(text, [offer.source]).supported:
            number = numbers.setdefault(offer.source.chunk_id, len(numbers) + 1)
            sentences.append(AnswerSentence(text, offer.source, number))
    return sentences or [_framed("not_found")]


def _framed(name: FrameName) -> AnswerSentence:
    return AnswerSentence(render(name), frame=name)

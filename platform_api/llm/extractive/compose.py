"""From sources to an answer: the best statements in the sources' own words, or that there is none."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, zip_longest

from knowledge.verify import Source, verify
from platform_api.llm.extractive.disagree import rivals_of
from platform_api.llm.extractive.evidence import ENOUGH, evidence
from platform_api.llm.extractive.question import Asked, Wanted, parts_of, whole
from platform_api.llm.extractive.score import Field, Judged, field_of, ranking
from platform_api.llm.extractive.statements import Offer, list_of, offers_of, spoken_before
from platform_api.llm.frames import FrameName, render

MOST_STATEMENTS = 5
_NEAR_ENOUGH = 5.0
_LOOKED_AT = 12
_SAME = 0.8  # share of content that two statements have in common which say the same


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


@dataclass(slots=True)
class _Choice:
    """A statement to be told; whole_list: with the list that it belongs to."""

    offer: Offer
    whole_list: bool = False


def compose(
    question: str, sources: Sequence[Source], scores: Sequence[float] = (), told: str = ""
) -> list[AnswerSentence]:
    """The answer to a question from sources, best source first; never empty.

    scores: of the sources in the search, 0-1; empty where they cannot be compared between searches. told: the
    answer before, where this question goes on from it: it is not said again while there is more to say. Every
    sentence with a source passes `knowledge.verify` against it. Without enough evidence: one frame.
    """
    offers = offers_of(sources)
    if not offers:
        return [framed("not_found")]
    field = field_of(offers, sources, scores)
    all_of_it, parts = whole(question), parts_of(question)
    best = ranking(all_of_it, offers, field)
    ranked = [(asked, _within(best, ranking(asked, offers, field))) for asked in parts if len(parts) > 1]
    if max(evidence(asked, judged, field) for asked, judged in [(all_of_it, best), *ranked]) < ENOUGH:
        return [framed("not_found")]
    return _answer(
        [(asked, _new_first(judged, told)) for asked, judged in ranked or [(all_of_it, best)]], field
    )


def _answer(ranked: Sequence[tuple[Asked, Sequence[Judged]]], field: Field) -> list[AnswerSentence]:
    """What disagrees first, and said to do so; then the best for each part."""
    rivals = next(filter(None, (rivals_of(asked, judged, field) for asked, judged in ranked)), ())
    lists = any(Wanted.LIST in asked.wanted for asked, _ in ranked)
    if not rivals:
        return _numbered(_told(_chosen(ranked), lists=lists))
    others = _chosen(ranked)[: MOST_STATEMENTS - len(rivals)] if len(ranked) > 1 else []
    return [framed("disagree"), *_numbered(_told([*map(_Choice, rivals), *others], lists=False))]


def _new_first(judged: Sequence[Judged], told: str) -> Sequence[Judged]:
    return sorted(judged, key=lambda one: one.offer.statement.text in told) if told else judged


def framed(name: FrameName) -> AnswerSentence:
    return AnswerSentence(render(name), frame=name)


def _within(whole: Sequence[Judged], part: Sequence[Judged]) -> list[Judged]:
    """The ranking for a part of a question, half of it that for all of it: a part alone lacks its context."""
    totals = {one.offer: one.score.total for one in whole}
    both = [Judged(one.offer, one.score.with_total_of(totals[one.offer])) for one in part]
    return sorted(both, key=lambda one: -one.score.total)


def _chosen(ranked: Sequence[tuple[Asked, Sequence[Judged]]]) -> list[_Choice]:
    """The best for each part first, then the next best, as many as an answer holds; each thing once."""
    good = [
        [one.offer for one in judged[:_LOOKED_AT] if one.score.total >= judged[0].score.total - _NEAR_ENOUGH]
        for _, judged in ranked
    ]
    chosen: list[_Choice] = []
    for offer in filter(None, chain.from_iterable(zip_longest(*good))):
        if any(_same(offer, other.offer) for other in chosen):
            continue
        listed = next((one for one in chosen if _of_one_list(one.offer, offer)), None)
        if listed:
            listed.whole_list = True
        elif len(chosen) < MOST_STATEMENTS:
            chosen.append(_Choice(offer))
    return chosen


def _of_one_list(one: Offer, other: Offer) -> bool:
    lead = one.statement.unit.lead
    return (
        one.source is other.source
        and one.statement.unit.kind == "item" == other.statement.unit.kind
        and lead is not None
        and lead == other.statement.unit.lead
    )


def _same(one: Offer, other: Offer) -> bool:
    """They say the same: all numbers and nearly all else that either speaks of."""
    if one is other:
        return True
    mine, theirs = one.statement.own.terms, other.statement.own.terms
    shared = sum(weight for term, weight in mine.items() if term in theirs)
    both = sum(mine.values()) + sum(theirs.values()) - shared
    values = [{quantity.value for quantity in each.statement.own.quantities} for each in (one, other)]
    return values[0] == values[1] and shared >= _SAME * both


def _told(choices: Iterable[_Choice], *, lists: bool) -> Iterator[AnswerSentence]:
    """What is said of each: a lead-in with its list, a sentence that leans after the one before it."""
    for choice in choices:
        offer = choice.offer
        listed = lists or choice.whole_list or offer.statement.announces
        items = list_of(offer.statement, offer.source.text) if listed else ()
        if items:
            yield from (AnswerSentence(text, offer.source, item=item) for text, item in items)
            continue
        before = spoken_before(offer.statement, offer.source.text) if offer.statement.leans else None
        if before:
            yield AnswerSentence(before, offer.source)
        yield AnswerSentence(offer.statement.text, offer.source)


def _numbered(sentences: Iterable[AnswerSentence]) -> list[AnswerSentence]:
    """Each once, with its source's number; what the source does not bear out word for word is left out."""
    numbers: dict[object, int] = {}
    said: dict[str, AnswerSentence] = {}
    lead = ""
    for sentence in sentences:
        lead = lead if sentence.item else sentence.text
        source = sentence.source
        if source and sentence.text not in said and _borne_out(sentence, source, lead):
            number = numbers.setdefault(source.chunk_id, len(numbers) + 1)
            said[sentence.text] = replace(sentence, number=number)
    return list(said.values()) or [framed("not_found")]


def _borne_out(sentence: AnswerSentence, source: Source, lead: str) -> bool:
    """By itself, or as an item under the lead-in that it is told with."""
    if sentence.item and verify(f"{lead} {sentence.text}", [source]).supported:
        return True
    return verify(sentence.text, [source]).supported

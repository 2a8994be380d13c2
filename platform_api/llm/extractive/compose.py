"""From sources to an answer: the best statements in the sources' own words, or that there is none."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil

from knowledge.verify import Source, verify
from platform_api.llm.extractive.choose import Choice, chosen_for
from platform_api.llm.extractive.disagree import rivals_of
from platform_api.llm.extractive.evidence import ENOUGH, evidence
from platform_api.llm.extractive.likeness import Likeness
from platform_api.llm.extractive.question import Asked, is_vague, parts_of, whole
from platform_api.llm.extractive.score import Field, Judged, field_of, ranking
from platform_api.llm.extractive.several import topics_of
from platform_api.llm.extractive.statements import Offer, list_of, offers_of, spoken_before
from platform_api.llm.frames import MISSING, FrameName, Language, render

MOST_STATEMENTS = 5
_ALSO_NAMED = 0.5  # share of what a follow-up adds that its answer has to speak of
_SAME = 0.8  # share of content that two statements have in common which say the same


@dataclass(frozen=True, slots=True)
class AnswerSentence:
    """One sentence of an answer: a fact in its source's words, or a frame (then `source` is None).

    number: of the source, 1-based, in the order of first use. item: it begins an item of a list; goes_on: it
    is a further sentence of that item.
    """

    text: str
    source: Source | None = None
    number: int = 0
    frame: FrameName | None = None
    item: bool = False
    goes_on: bool = False


Ranked = tuple[Asked, Sequence[Judged]]


def compose(
    question: str,
    sources: Sequence[Source],
    scores: Sequence[float] = (),
    told: str = "",
    *,
    adds: str = "",
    likeness: Likeness | None = None,
) -> list[AnswerSentence]:
    """The answer to a question from sources, best source first; never empty.

    scores: of the sources in the search, 0-1; empty where they cannot be compared between searches. told: the
    answer before, where this question goes on from it: it is not said again while there is more to say. adds:
    what the question then adds to the one before; the answer has to speak of it. likeness: by meaning, where
    it is known. Every sentence with a source passes `knowledge.verify` against it. Without enough evidence:
    one frame.
    """
    offers = offers_of(sources)
    if not offers:
        return [framed("not_found")]
    field = field_of(offers, sources, scores, likeness)
    all_of_it = whole(question)
    best = ranking(all_of_it, offers, field)
    if is_vague(all_of_it):
        return _several(all_of_it, best) or [framed("vague")]
    parts = [] if adds else parts_of(question)
    ranked = [(asked, ranking(asked, offers, field)) for asked, _ in parts]
    found = [evidence(asked, judged, field) for asked, judged in ranked]
    if max(evidence(all_of_it, best, field), *found, 0) < ENOUGH or not _speaks_of(adds, best, field):
        return [framed("not_found")]
    if not ranked:
        return _answer([(all_of_it, _new_first(best, told))], field)
    shares = [share for _, share in parts]
    ranked = [(one[0], _within(best, one[1], share)) for one, share in zip(ranked, shares, strict=True)]
    return _parts_answered(ranked, found, field)


def framed(name: FrameName, language: Language = "en") -> AnswerSentence:
    return AnswerSentence(render(name, language), frame=name)


def _several(asked: Asked, judged: Sequence[Judged]) -> list[AnswerSentence]:
    """What a bare "what's the limit?" may mean, and which one is meant; nothing where it means one thing."""
    topics = topics_of(asked, judged)
    said = _numbered(AnswerSentence(one.statement.text, one.source, item=True) for one in topics)
    if len(said) < 2 or any(one.frame for one in said):
        return []
    return [framed("several"), *said, framed("which")]


def _parts_answered(ranked: Sequence[Ranked], found: Sequence[float], field: Field) -> list[AnswerSentence]:
    """Each part answered, or said not to be found."""
    missing = [value < min(ENOUGH, max(found)) for value in found]
    there = [one for one, gone in zip(ranked, missing, strict=True) if not gone]
    gone = [framed(name) for name, none in zip(MISSING, missing, strict=False) if none]
    return [*_answer(there, field), *gone]


def _speaks_of(adds: str, judged: Sequence[Judged], field: Field) -> bool:
    """Whether the best statements and their headings speak of what a follow-up adds."""
    asked = whole(adds)
    total = sum(asked.meaning.content.values())
    if not total:
        return True
    near = [
        {*one.offer.statement.own.terms, *one.offer.statement.near.terms, *field.titles[one.offer.rank]}
        for one in judged[:3]
    ]
    spoken = (
        sum(weight for term, weight in asked.meaning.content.items() if asked.spoken_of(term, said))
        for said in near
    )
    return max(spoken) >= _ALSO_NAMED * total


def _answer(ranked: Sequence[Ranked], field: Field) -> list[AnswerSentence]:
    """What disagrees first, and said to do so; then the best for each part."""
    rivals = next(filter(None, (rivals_of(asked, judged, field) for asked, judged in ranked)), ())
    if not rivals:
        return _numbered(_told(_chosen(ranked)))
    others = _chosen(ranked)[: MOST_STATEMENTS - len(rivals)] if len(ranked) > 1 else []
    return [framed("disagree"), *_numbered(_told([*map(Choice, rivals), *others]))]


def _new_first(judged: Sequence[Judged], told: str) -> Sequence[Judged]:
    return sorted(judged, key=lambda one: one.offer.statement.text in told) if told else judged


def _within(whole: Sequence[Judged], part: Sequence[Judged], share: float) -> list[Judged]:
    """The ranking for a part of a question; what is not its share is that for all of it, the context."""
    totals = {one.offer: one.score.total for one in whole}
    both = [Judged(one.offer, one.score.with_total_of(totals[one.offer], share)) for one in part]
    return sorted(both, key=lambda one: -one.score.total)


def _chosen(ranked: Sequence[Ranked]) -> list[Choice]:
    """Part after part, each thing once; what one part leaves is for the ones after it."""
    chosen: list[Choice] = []
    for at, (asked, judged) in enumerate(ranked):
        most = ceil((MOST_STATEMENTS - len(chosen)) / (len(ranked) - at))
        for choice in chosen_for(asked, _untold(judged, chosen), max(most, 1)):
            if len(chosen) < MOST_STATEMENTS and not _is_told(choice.offer, chosen):
                chosen.append(choice)
    return chosen


def _untold(judged: Sequence[Judged], chosen: Sequence[Choice]) -> Sequence[Judged]:
    """A further part is answered by something else than the one before it, where there is anything else."""
    return [one for one in judged if not _is_told(one.offer, chosen)] or judged if chosen else judged


def _is_told(offer: Offer, chosen: Sequence[Choice]) -> bool:
    return any(_same(offer, one.offer) for one in chosen)


def _same(one: Offer, other: Offer) -> bool:
    """They say the same: all numbers and nearly all else that either speaks of."""
    if one is other:
        return True
    mine, theirs = one.statement.own.terms, other.statement.own.terms
    shared = sum(weight for term, weight in mine.items() if term in theirs)
    both = sum(mine.values()) + sum(theirs.values()) - shared
    values = [{quantity.value for quantity in each.statement.own.quantities} for each in (one, other)]
    return values[0] == values[1] and shared >= _SAME * both


def _told(choices: Iterable[Choice]) -> Iterator[AnswerSentence]:
    """What is said of each: a lead-in with its list, a sentence that leans after the one before it."""
    for choice in choices:
        offer = choice.offer
        items = list_of(offer.statement, offer.source.text) if choice.whole_list else ()
        if items:
            begun = False
            for text, item in items:
                yield AnswerSentence(text, offer.source, item=item, goes_on=begun and not item)
                begun = begun or item
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
        lead = lead if sentence.item or sentence.goes_on else sentence.text
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

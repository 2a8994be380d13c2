"""Whether a sentence may be shown: held against its own quote first, else against every source (SPEC 7)."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import structlog

from knowledge.embed import Embedder
from knowledge.verify import Source, Verdict, judged, meaning_of, undecided, verify, words_of
from platform_api.chat.citing import Citing
from platform_api.chat.objecting import objection
from platform_api.chat.sentences import Sentence
from platform_api.llm.extractive.statements import Statement, statements_of

COPIED = 0.95
"""Confidence of words that stand in the source; less is no quote."""
_ABOUT_THE_SAME = 0.7
"""Share of a sentence's content that what is said in its place has to speak of."""
QUOTE, PART, BROKEN = "quote", "part", "broken"
_AFTER_A_PART = re.compile(
    r"\s*(?:[.!…;]|[\"”’)\]*_|]*\s*\Z|[,–—-]\s*(?:and|or|but|so|plus|which|who|as\ well\ as)\b)"
)
"""What may follow on words taken out of a sentence: its end, or something said beside."""
_BEFORE_A_PART = re.compile(r"(?:\A|[;|]|,\s(?:and|but|so))[\s\"“‘(*_]*\Z")
_nothing = verify("", ())
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Checked:
    """layer: what refused the sentence, for people who operate this; "" where it passed."""

    verdict: Verdict
    layer: str = ""

    @property
    def source(self) -> Source | None:
        """Of a sentence that passed."""
        return None if self.layer else self.verdict.source

    @property
    def by_meaning(self) -> bool:
        """Whether nearness decided: stored vectors may tell otherwise."""
        return self.verdict.layer == "meaning" and self.verdict.source is not None

    @property
    def undecided(self) -> bool:
        """Whether a judge may be asked: it is near, and nothing forbids it."""
        return bool(self.layer) and self.layer != BROKEN and undecided(self.verdict)


def check(
    sentence: Sentence, sources: Sequence[Source], threshold: float, embedder: Embedder | None = None
) -> Checked:
    """The sentence against the words that it quotes; where it quotes none that exist, against all sources.

    embedder: of the vectors that stand with the sources. Never raises: a sentence that breaks the check has
    not passed it.
    """
    try:
        return _checked(sentence, sources, threshold, embedder)
    except Exception as error:
        log.error("chat.check_broke", error=type(error).__name__)
        return Checked(_nothing, BROKEN)


def decided(text: str, checked: Checked, entailed: float, threshold: float) -> Checked:
    """With a judge's opinion, 0-1, of whether the quote says the sentence."""
    verdict = judged(checked.verdict, entailed, threshold)
    if not verdict.supported:
        return replace(checked, verdict=verdict)
    return Checked(verdict, objection(text, verdict, judged=True))


def _checked(
    sentence: Sentence, sources: Sequence[Source], threshold: float, embedder: Embedder | None
) -> Checked:
    quotes = [(found, one.leading) for one in sentence.citings for found in _found(one, sources)]
    refused: Verdict | None = None
    for quote, leading in quotes:
        verdict = _against(sentence.text, quote, threshold, embedder)
        if verdict.supported:
            return _passed(sentence.text, verdict)
        refused = refused if leading else verdict
    if refused:
        return Checked(refused, _layer(refused))
    verdict = _anywhere(sentence, sources, threshold, embedder)
    if verdict.supported and verdict.source:
        return _passed(sentence.text, verdict)
    made_up = not quotes and any(one.quotes for one in sentence.citings)
    return Checked(verdict, QUOTE if made_up else _layer(verdict))


def _passed(text: str, verdict: Verdict) -> Checked:
    return Checked(verdict, objection(text, verdict) or (PART if _is_cut(verdict) else ""))


def _is_cut(verdict: Verdict) -> bool:
    """Words out of the middle of a sentence: what is left out may be what limits them ("… for meals")."""
    if verdict.layer != "verbatim" or verdict.confidence == 1.0 or verdict.source is None:
        return False
    statement = statement_at(verdict)
    if statement is None or statement.unit.kind != "sentence":
        return False
    start, end = statement.unit.span
    text = verdict.source.text
    after = _AFTER_A_PART.match(text[verdict.end : max(end, verdict.end)])
    return not (after and _BEFORE_A_PART.search(text[min(start, verdict.start) : verdict.start]))


def _found(citing: Citing, sources: Sequence[Source]) -> Iterable[Verdict]:
    """Where its quotes stand: in the source that it names, or in another one."""
    named = _named(citing, sources)
    for quote in citing.quotes:
        for among in (named, sources):
            verdict = verify(quote, among, COPIED)
            if verdict.supported:
                yield verdict
                break


def _named(citing: Citing, sources: Sequence[Source]) -> list[Source]:
    return [sources[number - 1] for number in citing.numbers if 0 < number <= len(sources)]


def _anywhere(
    sentence: Sentence, sources: Sequence[Source], threshold: float, embedder: Embedder | None
) -> Verdict:
    """By the sources that it names, else by any other: then the marker was wrong, and is put right."""
    named = [source for one in sentence.citings for source in _named(one, sources)]
    if named and (verdict := verify(sentence.text, named, threshold, embedder)).supported:
        return verdict
    return verify(sentence.text, sources, threshold, embedder)


def _against(text: str, quote: Verdict, threshold: float, embedder: Embedder | None) -> Verdict:
    """The sentence against the place of its quote: the source's sentence around it, or its words alone."""
    assert quote.source is not None, "a quote that was found has its source"
    verdict = verify(text, [quote.source], threshold, embedder)
    if verdict.source and verdict.start < quote.end and quote.start < verdict.end:
        return verdict
    alone = verify(text, [replace(quote.source, text=quote.quote, sentences=None)], threshold)
    start, end = alone.start + quote.start, alone.end + quote.start
    return replace(alone, start=start, end=end, source=quote.source)


def said_instead(text: str, verdict: Verdict) -> Statement | None:
    """What the source says where it comes nearest, if that is about the same."""
    statement = statement_at(verdict)
    if statement is None:
        return None
    claim, theirs = meaning_of(words_of(text)).content, statement.own.content | statement.near.content
    shared = sum(weight for term, weight in claim.items() if term in theirs)
    return statement if shared >= _ABOUT_THE_SAME * (sum(claim.values()) or 1.0) else None


def statement_at(verdict: Verdict) -> Statement | None:
    """The statement of the source that a verdict points at: after a lead-in or a header the item or row."""
    if verdict.source is None:
        return None
    there = [one for one in statements_of(verdict.source.text) if _shared(one, verdict) > 0]
    ends = [one for one in there if one.unit.kind != "sentence" and one.unit.span[1] == verdict.end]
    return ends[0] if ends else max(there, key=lambda one: _shared(one, verdict), default=None)


def statement_before(source: Source, start: int) -> Statement | None:
    """The one that ends right before this place of the source."""
    before = [one for one in statements_of(source.text) if one.unit.span[1] <= start]
    last = max(before, key=lambda one: one.unit.span[1], default=None)
    return last if last and not source.text[last.unit.span[1] : start].strip() else None


def _shared(statement: Statement, verdict: Verdict) -> int:
    start, end = statement.unit.span
    return min(end, verdict.end) - max(start, verdict.start)


def _layer(verdict: Verdict) -> str:
    """number, name, negation, words … as the verifier names what it objects to; `nothing` near at all."""
    if verdict.source is None or not verdict.reasons:
        return "nothing"
    return verdict.reasons[0].split(":")[0]

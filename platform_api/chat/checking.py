"""Whether a sentence may be shown: held against its own quote first, else against every source (SPEC 7)."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from knowledge.verify import Source, Verdict, meaning_of, verify, words_of
from platform_api.chat.citing import Citing
from platform_api.chat.sentences import Sentence
from platform_api.llm.extractive.statements import Statement, statements_of

COPIED = 0.95
"""Confidence of words that stand in the source; less is no quote."""
_ABOUT_THE_SAME = 0.7
"""Share of a sentence's content that what is said in its place has to speak of."""
QUOTE, ADDED = "quote", "added"
_CLAUSE = re.compile(
    r"""[,;:]\s+
      | ,?\s+(?:and|plus|but|or|nor|as\ well\ as|along\ with|including|also|so|who|which|whose|where|unless
        |except|if|when|while|because|although|though)\s+""",
    re.IGNORECASE | re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Checked:
    """layer: what refused the sentence, for people who operate this; "" where it passed."""

    verdict: Verdict
    layer: str = ""

    @property
    def source(self) -> Source | None:
        """Of a sentence that passed."""
        return None if self.layer else self.verdict.source


def check(sentence: Sentence, sources: Sequence[Source], threshold: float) -> Checked:
    """The sentence against the words that it quotes; where it quotes none that exist, against all sources."""
    quotes = [(found, one.leading) for one in sentence.citings for found in _found(one, sources)]
    refused: Verdict | None = None
    for quote, leading in quotes:
        verdict = _against(sentence.text, quote, threshold)
        if verdict.supported:
            return _passed(sentence.text, verdict)
        refused = refused if leading else verdict
    if refused:
        return Checked(refused, _layer(refused))
    verdict = _anywhere(sentence, sources, threshold)
    if verdict.supported and verdict.source:
        return _passed(sentence.text, verdict)
    made_up = not quotes and any(one.quotes for one in sentence.citings)
    return Checked(verdict, QUOTE if made_up else _layer(verdict))


def _passed(text: str, verdict: Verdict) -> Checked:
    """Unless a clause of it speaks of nothing that the quote speaks of: the rest may carry an addition."""
    quoted = meaning_of(words_of(verdict.quote)).terms
    clauses = (meaning_of(words_of(clause)).content for clause in _CLAUSE.split(text))
    added = any(clause and quoted.keys().isdisjoint(clause) for clause in clauses)
    return Checked(verdict, ADDED if added else "")


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


def _anywhere(sentence: Sentence, sources: Sequence[Source], threshold: float) -> Verdict:
    """By the sources that it names, else by any other: then the marker was wrong, and is put right."""
    named = [source for one in sentence.citings for source in _named(one, sources)]
    if named and (verdict := verify(sentence.text, named, threshold)).supported:
        return verdict
    return verify(sentence.text, sources, threshold)


def _against(text: str, quote: Verdict, threshold: float) -> Verdict:
    """The sentence against the place of its quote: the source's sentence around it, or its words alone."""
    assert quote.source is not None, "a quote that was found has its source"
    verdict = verify(text, [quote.source], threshold)
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


def _shared(statement: Statement, verdict: Verdict) -> int:
    start, end = statement.unit.span
    return min(end, verdict.end) - max(start, verdict.start)


def _layer(verdict: Verdict) -> str:
    """number, name, negation, words … as the verifier names what it objects to; `nothing` near at all."""
    if verdict.source is None or not verdict.reasons:
        return "nothing"
    return verdict.reasons[0].split(":")[0]

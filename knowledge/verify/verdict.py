"""Does one of the sources say this sentence? (SPEC 7, "Verification")."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from knowledge.sentences import Span
from knowledge.verify.agree import Objection, objections
from knowledge.verify.meaning import Meaning, meaning_of
from knowledge.verify.prepared import Passage, prepare
from knowledge.verify.source import Source, Verdict
from knowledge.verify.verbatim import find_verbatim
from knowledge.verify.words import Words, without_markers, words_of

DEFAULT_THRESHOLD = 0.85
_NEAREST = 0.5  # below this share of its words a passage is no candidate
_TIE = 0.03  # passages this close in overlap to the best may speak for the sentence
_REFUSED = 0.2  # the most that a disagreement leaves
_NOTHING = Verdict(False, 0.0, "", 0, 0, None, ("nothing comes near",))


@dataclass(frozen=True, slots=True)
class _Candidate:
    source: Source
    passage: Passage
    cover: float
    back: float

    @property
    def rank(self) -> float:
        return 0.8 * self.cover + 0.2 * self.back


def verify(sentence: str, sources: Sequence[Source], threshold: float = DEFAULT_THRESHOLD) -> Verdict:
    """The best support of a sentence among the sources.

    A number, name, date, unit or negation that the quote does not contain is not supported at any threshold.
    """
    plain = without_markers(sentence).strip()
    words = words_of(plain)
    if not words.forms:
        return _NOTHING
    return _verbatim(words, sources, plain.endswith("?"), threshold) or _near(words, sources, threshold)


def _verbatim(words: Words, sources: Sequence[Source], asks: bool, threshold: float) -> Verdict | None:
    best: tuple[float, Span, Source] | None = None
    for source in sources:
        found = find_verbatim(words, prepare(source.text), asks)
        if found and (best is None or found[0] > best[0]):
            best = (*found, source)
    if best is None:
        return None
    reasons = () if best[0] == 1.0 else ("part of a sentence",)
    return _verdict(best[0], best[1], best[2], reasons, threshold)


def _near(words: Words, sources: Sequence[Source], threshold: float) -> Verdict:
    claim = meaning_of(words)
    candidates = sorted(_candidates(claim, sources), key=lambda found: -found.rank)
    if not candidates:
        return _NOTHING
    near = [found for found in candidates if found.rank >= candidates[0].rank - _TIE]
    judged = [(_judge(claim, found), found) for found in near]
    (confidence, reasons), best = max(judged, key=lambda pair: pair[0][0])
    return _verdict(confidence, best.passage.span, best.source, reasons, threshold)


def _candidates(claim: Meaning, sources: Sequence[Source]) -> Iterator[_Candidate]:
    if not claim.total:
        return
    for source in sources:
        narrow = [0.0, 0.0]  # of the two units that a wider passage may join
        for passage in prepare(source.text).passages:
            shared = _shared(claim, passage.meaning)
            worth = not passage.wider or shared > max(narrow)
            if not passage.wider:
                narrow = [narrow[1], shared]
            if worth and shared >= _NEAREST * claim.total:
                yield _Candidate(source, passage, shared / claim.total, shared / passage.meaning.total)


def _shared(claim: Meaning, passage: Meaning) -> float:
    content = passage.content
    return sum(weight for name, weight in claim.content.items() if name in content)


def _judge(claim: Meaning, found: _Candidate) -> tuple[float, tuple[str, ...]]:
    against = sorted(_all_objections(claim, found), key=lambda objection: -objection.cost)
    confidence = 0.98 * (1 - 0.25 * (1 - found.back) ** 2)
    confidence -= sum(objection.cost for objection in against)
    if against and against[0].cost >= 1:
        confidence = _REFUSED * found.cover
    return max(confidence, 0.0), tuple(objection.reason for objection in against)


def _all_objections(claim: Meaning, found: _Candidate) -> Iterator[Objection]:
    yield from objections(claim, found.passage.meaning)
    missing = [name for name in claim.content if name not in found.passage.meaning.content]
    weight = sum(claim.content[name] for name in missing)
    if missing:
        cost = max(0.15 * weight, 1.5 * weight / claim.total)
        yield Objection(f"words: not in the quote: {', '.join(missing)}", min(cost, 0.95))


def _verdict(
    confidence: float, span: Span, source: Source, reasons: tuple[str, ...], threshold: float
) -> Verdict:
    supported = confidence >= threshold and confidence > _REFUSED
    quote = source.text[span[0] : span[1]]
    return Verdict(supported, round(confidence, 4), quote, span[0], span[1], source, reasons)

"""Does one of the sources say this sentence? (SPEC 7, "Verification")."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from knowledge.embed.port import Embedder
from knowledge.sentences import Span
from knowledge.verify.agree import objections
from knowledge.verify.features import Features, Found, features_of, little_said
from knowledge.verify.judge import Judge, judged, undecided
from knowledge.verify.meaning import Meaning, meaning_of, weight
from knowledge.verify.model import probability
from knowledge.verify.nearest import Candidate, nearest, scanned
from knowledge.verify.objection import Objection
from knowledge.verify.prepared import Passage, prepare
from knowledge.verify.source import Source, Verdict, names_in, said_above
from knowledge.verify.verbatim import find_verbatim
from knowledge.verify.words import Words, without_markers, words_of

Embed = Callable[[str], NDArray[np.float32]]
DEFAULT_THRESHOLD = 0.85
_TIE = 0.12  # passages this close in rank to the best may speak for the sentence
_OWN_WORD = 0.15  # what a word costs that the passage does not have
MOST_BY_MODEL = 0.94  # more is for the source's own words: callers tell quotes by it
_MOST_UNSAID = 0.6  # of the sentence of two that gives less
_NEIGHBOUR = 0.25  # share of the words that a neighbour must bring to speak for the sentence
_REFUSED = 0.2  # the most that a disagreement leaves
_NOTHING = Verdict(False, 0.0, "", 0, 0, None, ("nothing comes near",), layer="meaning")


@dataclass(frozen=True, slots=True)
class LookedAt:
    """One passage, and what speaks for and against the sentence in it.

    by_rules: how near its own words come to it; by_model: the model's probability.
    """

    candidate: Candidate
    against: tuple[Objection, ...]
    features: Features
    by_rules: float
    by_model: float

    @property
    def probability(self) -> float:
        return max(self.by_rules, min(self.by_model, MOST_BY_MODEL))

    @property
    def confidence(self) -> float:
        return min(self.probability, _REFUSED) if self.refused else self.probability

    @property
    def refused(self) -> bool:
        return _forbidden(self.against)


def verify(
    sentence: str,
    sources: Sequence[Source],
    threshold: float = DEFAULT_THRESHOLD,
    embedder: Embedder | None = None,
    judge: Judge | None = None,
) -> Verdict:
    """The best support of a sentence among the sources.

    A number, name, date, unit or negation that the quote does not contain is not supported at any threshold.
    embedder: of the sources' stored sentence vectors; without it, or for sources without vectors, meaning is
    judged by words alone. It embeds the sentence only where no source has it word for word. judge: asked
    about what nothing forbids and nothing proves.
    """
    plain = without_markers(sentence).strip()
    words = words_of(plain)
    if not words.forms:
        return _NOTHING
    found = _verbatim(words, sources, plain.endswith("?"), threshold)
    verdict = found or _near(plain, words, sources, threshold, _embed(sources, embedder))
    if judge is None or not undecided(verdict):
        return verdict
    return judged(verdict, judge.entailed([(verdict.quote, plain)])[0], threshold)


def _embed(sources: Sequence[Source], embedder: Embedder | None) -> Embed | None:
    if embedder is None or not any(source.sentences for source in sources):
        return None
    return lambda text: embedder.embed([text])[0]


def _verbatim(words: Words, sources: Sequence[Source], asks: bool, threshold: float) -> Verdict | None:
    best: tuple[float, Span, Source] | None = None
    for source in sources:
        found = find_verbatim(words, prepare(source.text), asks)
        if found and (best is None or found[0] > best[0]):
            best = (*found, source)
    if best is None:
        return None
    reasons = () if best[0] == 1.0 else ("part of a sentence",)
    return replace(_verdict(*best, threshold), reasons=reasons, layer="verbatim")


def _near(
    sentence: str, words: Words, sources: Sequence[Source], threshold: float, embed: Embed | None
) -> Verdict:
    claim = meaning_of(words)
    found = candidates(sentence, claim, sources, embed)
    if not found:
        return _NOTHING
    best = max(found, key=lambda each: each.confidence)
    against = tuple(sorted(best.against, key=lambda objection: -objection.cost))
    verdict = _verdict(best.confidence, best.candidate.passage.span, best.candidate.source, threshold)
    return replace(
        verdict,
        reasons=(*(objection.reason for objection in against), *_unsaid(claim, best)),
        layer=against[0].layer if best.refused else "meaning",
        against=against,
        features=best.features,
    )


def _unsaid(claim: Meaning, looked_at: LookedAt) -> tuple[str, ...]:
    missing = [name for name in claim.content if name not in looked_at.candidate.passage.meaning.content]
    return (f"words: not in the quote: {', '.join(missing)}",) if missing else ()


def candidates(
    sentence: str, claim: Meaning, sources: Sequence[Source], embed: Embed | None
) -> list[LookedAt]:
    """The nearest passages, judged; those that are clearly farther than the first may not speak.

    claim: what the sentence says. It is embedded only where something is left that no rule forbids.
    """
    found = scanned(claim, sources)
    known: dict[tuple[int, int], tuple[Objection, ...]] = {}
    looked_at = _looked_at(claim, nearest(found, None), known)
    if embed is None or all(each.refused for each in looked_at):
        return looked_at
    return _looked_at(claim, nearest(found, embed(sentence)), known)


def _looked_at(
    claim: Meaning, found: Sequence[Candidate], known: dict[tuple[int, int], tuple[Objection, ...]]
) -> list[LookedAt]:
    """known: what was found against a passage of a source before."""
    near: list[tuple[Candidate, tuple[Objection, ...]]] = []
    for each in found:
        if each.rank >= found[0].rank - _TIE:
            key = id(each.source), id(each.passage)
            if key not in known:
                known[key] = _against(claim, each)
            near.append((each, known[key]))
    refuting = max((each.rank for each, against in near if _forbidden(against)), default=None)
    looked_at = [_judged(claim, each, against, refuting) for each, against in near]
    return [each for each in looked_at if each.refused or not _widened(each, looked_at)]


def _widened(wide: LookedAt, looked_at: Sequence[LookedAt]) -> bool:
    """Whether it only adds a neighbour to a passage that disagrees: what is missing is not in there."""
    if not wide.candidate.passage.wider:
        return False
    start, end = wide.candidate.passage.span
    return any(
        one.refused
        and one.candidate.source is wide.candidate.source
        and not one.candidate.passage.wider
        and one.candidate.cover >= wide.candidate.cover - _NEIGHBOUR
        and start <= one.candidate.passage.span[0]
        and one.candidate.passage.span[1] <= end
        for one in looked_at
    )


def _against(claim: Meaning, candidate: Candidate) -> tuple[Objection, ...]:
    passage, source = candidate.passage, candidate.source
    return (
        *objections(claim, passage.meaning, said_above(source), names_in(source)),
        *_joined(claim, passage),
    )


def _forbidden(against: Sequence[Objection]) -> bool:
    return any(objection.fatal for objection in against)


def _judged(
    claim: Meaning, candidate: Candidate, against: tuple[Objection, ...], refuting: float | None
) -> LookedAt:
    """refuting: the rank of the nearest passage that disagrees."""
    passage = candidate.passage
    refuted = 0.0 if refuting is None else min(1.0, max(0.0, 0.5 + 2 * (refuting - candidate.rank)))
    found = Found(against, candidate.cosine, said_above(candidate.source), passage.joined, refuted)
    features = features_of(claim, passage.meaning, found)
    by_rules = _near_verbatim(claim, candidate, against)
    return LookedAt(candidate, against, features, by_rules, probability(features))


def _joined(claim: Meaning, passage: Passage) -> Iterator[Objection]:
    """Of two neighbours: that they belong together, and that each of them speaks of what is taken from it."""
    if not passage.joined:
        return
    if not passage.linked:
        yield Objection("order", "unlinked", "order: the quote says this of two different things", 1.0)
    if any(_other_number(claim, one, other) for one, other in permutations(passage.joined, 2)):
        yield Objection("order", "joined", "order: the number belongs to the sentence beside", 1.0)
    elif little_said(claim, passage.joined) > _MOST_UNSAID:
        reason = "order: takes a word or two from a sentence that says something else"
        yield Objection("order", "joined", reason, 0.4)


def _other_number(claim: Meaning, one: Meaning, other: Meaning) -> bool:
    """It takes a number from one, and words from the other, which has a number of its own for them."""
    said = {quantity.value for quantity in claim.quantities}
    taken = {each.unit for each in one.quantities if each.value in said}
    own = any(each.unit in taken and each.value not in said for each in other.quantities)
    return own and any(
        weight(name) == 1.0 and name in other.content and name not in one.content for name in claim.content
    )


def _near_verbatim(claim: Meaning, candidate: Candidate, against: Sequence[Objection]) -> float:
    """Nearly the source's own words: each deviation costs, a word of the sentence's own most."""
    missing = sum(w for name, w in claim.content.items() if name not in candidate.passage.meaning.content)
    cost = max(_OWN_WORD * missing, 10 * _OWN_WORD * missing / claim.total)
    unsaid = (1 - candidate.back) ** 2
    return max(0.0, 0.98 * (1 - 0.25 * unsaid) - cost - sum(one.cost for one in against))


def _verdict(confidence: float, span: Span, source: Source, threshold: float) -> Verdict:
    supported = confidence >= threshold and confidence > _REFUSED
    quote = source.text[span[0] : span[1]]
    return Verdict(supported, round(confidence, 4), quote, span[0], span[1], source, ())

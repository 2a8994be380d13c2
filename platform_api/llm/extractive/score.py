"""How well a statement answers a part of a question."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import log
from statistics import pstdev
from uuid import UUID

from knowledge.verify import Source, meaning_of, prepare, words_of
from platform_api.llm.extractive.likeness import Likeness
from platform_api.llm.extractive.outdated import outdated_among
from platform_api.llm.extractive.question import Asked, Wanted
from platform_api.llm.extractive.statements import Offer, statements_of

# A softmax over the statements of a search, fitted on queries made from the corpora themselves and on no
# question of a question file: docs/explanation/extractive.md.
_SILENT = -2.0  # by choice: neither it nor the sentence before it speaks of anything asked
_OUTDATED = -8.0  # by choice: what still holds comes first where both answer
FEATURES = ("own", "near", "title", "back", "kind", "rank", "found", "about", "announces", "alike")
WEIGHTS = (5.6, 3.6, 6.1, 2.8, 1.4, 0.9, 3.2, 1.7, -4.1, 9.1)
BY_WORDS = (6.1, 3.2, 5.7, 3.9, 1.6, 1.7, 6.8, 0.9, -4.4, 0.0)
"""Where nothing is known of meaning."""
_RANK_STEP = 3
USUAL_SCORE, USUAL_SPREAD = 0.6, 0.1
"""Of the scores where the search gave none that compare; the spread also of a few."""
_FEW = 5

_TIME = re.compile(
    r"""\b(?:mon|tues|wednes|thurs|fri|satur|sun)days?\b | \b\d{1,2}(?::\d\d)?\ ?[ap]\.?m\b
      | \b(?:january|february|march|april|june|july|august|september|october|november|december)\b
      | \b(?:seconds?|minutes?|hours?|days?|weeks?|months?|years?|daily|weekly|monthly|annual(?:ly)?)\b""",
    re.IGNORECASE | re.VERBOSE,
)
_NUMBER = re.compile(r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|twelve|twice|once)\b")
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+\.\w+")
_PHONE = re.compile(r"\b\d{3}[-. ]\d{3}[-. ]\d{4}\b|\+\d[\d ()-]{7,}")
_SITE = re.compile(r"https?://|www\.|\b[\w-]+\.(?:gov|com|org|net|io|edu)\b|#[a-z][\w-]+", re.IGNORECASE)
_MONEY = re.compile(r"[$€£]\s?\d|\b\d[\d,.]* (?:dollars|euros|pounds)\b", re.IGNORECASE)
_NAME = re.compile(
    r"\b[A-Z][a-z]+ [A-Z][a-z]+|[\w.+-]+@|#[a-z]|\bteam\b|\bsupervisor\b|\boffice of\b", re.IGNORECASE
)
_ALLOWS = re.compile(
    r"\b(?:can|cannot|can't|may|must|not|need|needs|required|allowed|permitted|eligible|prohibited|should|only|never"
    r"|available)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Field:
    """What the statements are weighed against: how rare a term is, what sources and titles speak of."""

    frequency: Counter[str]
    statements: int
    titles: tuple[Mapping[str, float], ...]
    scores: tuple[float, ...]
    spoken: tuple[Mapping[str, float], ...]
    outdated: frozenset[UUID] = frozenset()
    """Documents that say themselves that they no longer hold."""
    spread: float = USUAL_SPREAD
    """How much the scores differ: their standard deviation."""
    likeness: Likeness | None = None
    """None: nothing is known of meaning, and words alone decide."""

    def alike(self, asked: Asked, offer: Offer) -> float:
        """The cosine of what is asked and the statement; 0 where none is known."""
        if self.likeness is None:
            return 0.0
        return self.likeness.to(asked.text, offer.source.chunk_id, offer.statement.unit.span)

    @cached_property
    def _rarities(self) -> dict[str, float]:
        return {term: log(1 + self.statements / (1 + count)) for term, count in self.frequency.items()}

    def rarity(self, term: str) -> float:
        """IDF over the offered statements: a word that every one of them has tells nothing."""
        return self._rarities.get(term) or log(1 + self.statements)

    def worth(self, asked: Asked) -> tuple[dict[str, float], float]:
        """What each term of a part of a question is worth, and all together; never 0."""
        known = self._worths.get(asked.text)
        if known is None:
            each = {term: weight * self.rarity(term) for term, weight in asked.terms.items()}
            known = self._worths[asked.text] = each, sum(each.values()) or 1.0
        return known

    def whole(self, offer: Offer) -> float:
        """What all that the statement speaks of is worth; never 0."""
        known = self._wholes.get(offer)
        if known is None:
            own = offer.statement.own.terms
            known = sum(weight * self.rarity(term) for term, weight in own.items()) or 1.0
            self._wholes[offer] = known
        return known

    def about(self, rank: int, asked: Asked) -> float:
        """What the terms are worth that a source and its titles speak of."""
        said, titles = self.spoken[rank], self.titles[rank]
        worth = self.worth(asked)[0].items()
        return sum(
            value for term, value in worth if asked.spoken_of(term, said) or asked.spoken_of(term, titles)
        )

    def covered(self, asked: Asked) -> tuple[float, float]:
        """Of the question's terms the share that the best source with its titles has, and that none has."""
        whole = sum(asked.terms.values()) or 1.0
        each = [
            {t for t in asked.terms if asked.spoken_of(t, said) or asked.spoken_of(t, titles)}
            for said, titles in zip(self.spoken, self.titles, strict=True)
        ]
        best = max((sum(asked.terms[term] for term in one) for one in each), default=0.0)
        anywhere = set[str]().union(*each)
        return best / whole, sum(w for term, w in asked.terms.items() if term not in anywhere) / whole

    @cached_property
    def _worths(self) -> dict[str, tuple[dict[str, float], float]]:
        return {}

    @cached_property
    def _wholes(self) -> dict[Offer, float]:
        return {}


@dataclass(frozen=True, slots=True)
class Score:
    """total: for ranking. own: 0-1, how much of what was asked the statement itself speaks of."""

    total: float
    own: float

    def with_total_of(self, other: float, share: float) -> "Score":
        """Between this total, as to `share`, and another one."""
        return Score(share * self.total + (1 - share) * other, self.own)


@dataclass(frozen=True, slots=True)
class Judged:
    offer: Offer
    score: Score


def ranking(asked: Asked, offers: Sequence[Offer], field: Field) -> list[Judged]:
    """The offers, best answer first."""
    judged = [Judged(offer, score(asked, offer, field)) for offer in offers]
    return sorted(judged, key=lambda one: -one.score.total)


def field_of(
    offers: Sequence[Offer],
    sources: Sequence[Source],
    scores: Sequence[float],
    likeness: Likeness | None = None,
) -> Field:
    """scores: of the sources in the search, 0-1; empty where unknown."""
    frequency = Counter(term for offer in offers for term in offer.statement.own.terms)
    titles = tuple(terms_of(f"{source.title} {source.section}") for source in sources)
    spoken = tuple(_spoken(source.text) for source in sources)
    known = tuple(scores) or (USUAL_SCORE,) * len(sources)
    spread = pstdev(scores) if len(scores) >= _FEW else USUAL_SPREAD
    outdated = outdated_among(sources)
    return Field(frequency, max(len(offers), 1), titles, known, spoken, outdated, spread, likeness)


def score(asked: Asked, offer: Offer, field: Field) -> Score:
    """How well the statement answers this part of the question."""
    found = features(asked, offer, field)
    weights = BY_WORDS if field.likeness is None else WEIGHTS
    total = sum(weight * value for weight, value in zip(weights, found, strict=True))
    silent = not (found[0] or found[1])
    return Score(total + _OUTDATED * _is_past(asked, offer, field) + _SILENT * silent, found[0])


def _is_past(asked: Asked, offer: Offer, field: Field) -> bool:
    """It no longer holds, and was not asked for by its year."""
    if offer.source.doc_id not in field.outdated:
        return False
    years = {term for term in asked.terms if term.isdigit() and len(term) == len("2024")}
    return years.isdisjoint(field.titles[offer.rank]) and years.isdisjoint(offer.statement.own.terms)


def features(asked: Asked, offer: Offer, field: Field) -> tuple[float, ...]:
    """What is weighed, in the order of FEATURES: shares of what was asked for first."""
    statement, rank = offer.statement, offer.rank
    worth, whole = field.worth(asked)
    own = near = above = 0.0
    for term, value in worth.items():
        if asked.spoken_of(term, statement.own.terms):
            own += value
        elif asked.spoken_of(term, statement.near.terms):
            near += value
        elif asked.spoken_of(term, statement.above.terms) or asked.spoken_of(term, field.titles[rank]):
            above += value
    return (
        own / whole,
        near / whole,
        above / whole,
        own / field.whole(offer),
        float((asked.wanted & kinds_of(statement.text)).value.bit_count()),
        1 / (1 + rank / _RANK_STEP),
        field.scores[rank],
        field.about(rank, asked) / whole,
        float(statement.announces and Wanted.LIST not in asked.wanted),
        field.alike(asked, offer),
    )


@lru_cache(maxsize=1 << 14)
def kinds_of(text: str) -> Wanted:
    """Which kinds of thing a statement holds."""
    held = Wanted.NOTHING
    for kind, sign in _KINDS:
        if sign.search(text):
            held |= kind
    return held


@lru_cache(maxsize=4096)
def _spoken(text: str) -> Mapping[str, float]:
    """What a source speaks of: its units, and the header of its tables."""
    heads = (statement.near.terms for statement in statements_of(text) if statement.unit.kind == "row")
    return {name: weight for terms in heads for name, weight in terms.items()} | prepare(text).terms


@lru_cache(maxsize=4096)
def terms_of(titles: str) -> Mapping[str, float]:
    """What title and heading speak of."""
    return meaning_of(words_of(titles)).terms


_KINDS = (
    (Wanted.NUMBER, _NUMBER),
    (Wanted.TIME, _TIME),
    (Wanted.PERSON, _NAME),
    (Wanted.EMAIL, _EMAIL),
    (Wanted.PHONE, _PHONE),
    (Wanted.ADDRESS, _SITE),
    (Wanted.MONEY, _MONEY),
    (Wanted.PERMISSION, _ALLOWS),
)
KINDS = Wanted(sum(kind.value for kind, _ in _KINDS))
"""The kinds of thing that a single statement can hold."""

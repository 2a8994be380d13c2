"""How well a statement answers a part of a question."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import log
from uuid import UUID

from knowledge.verify import Source, meaning_of, prepare, words_of
from platform_api.llm.extractive.outdated import outdated_among
from platform_api.llm.extractive.question import Asked, Wanted
from platform_api.llm.extractive.statements import Offer

# A softmax over the statements of a search, fitted on queries made from the corpora themselves and on no
# question of a question file: docs/explanation/extractive.md. The first three: what the share of the question
# counts that the statement itself, its lead-in or neighbour, or the headings over it speak of.
_OWN, _NEAR, _TITLE = 7.1, 4.3, 5.8
_BACK, _KIND, _RANK, _FOUND, _ABOUT = 8.7, 1.7, 2.5, 5.7, 3.0
_ANNOUNCES = -4.7  # a lead-in needs its list
_OUTDATED = -3.0  # by choice: what still holds comes first where both answer
_WEIGHTS = (_OWN, _NEAR, _TITLE, _BACK, _KIND, _RANK, _FOUND, _ABOUT, _ANNOUNCES)
_RANK_STEP = 3
USUAL_SCORE = 0.5
"""Of a source where the search gave no comparable scores."""

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
            each = {term: weight * self.rarity(term) for term, weight in asked.meaning.terms.items()}
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

    def about(self, rank: int, terms: Mapping[str, float]) -> float:
        """What the terms are worth that a source and its titles speak of."""
        said, titles = self.spoken[rank], self.titles[rank]
        return sum(value for term, value in terms.items() if term in said or term in titles)

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

    def with_total_of(self, other: float) -> "Score":
        """Halfway between this and another total."""
        return Score((self.total + other) / 2, self.own)


@dataclass(frozen=True, slots=True)
class Judged:
    offer: Offer
    score: Score


def ranking(asked: Asked, offers: Sequence[Offer], field: Field) -> list[Judged]:
    """The offers, best answer first."""
    judged = [Judged(offer, score(asked, offer, field)) for offer in offers]
    return sorted(judged, key=lambda one: -one.score.total)


def field_of(offers: Sequence[Offer], sources: Sequence[Source], scores: Sequence[float]) -> Field:
    """scores: of the sources in the search, 0-1; empty where unknown."""
    frequency = Counter(term for offer in offers for term in offer.statement.own.terms)
    titles = tuple(_terms_of(f"{source.title} {source.section}") for source in sources)
    spoken = tuple(prepare(source.text).terms for source in sources)
    known = tuple(scores) or (USUAL_SCORE,) * len(sources)
    return Field(frequency, max(len(offers), 1), titles, known, spoken, outdated_among(sources))


def score(asked: Asked, offer: Offer, field: Field) -> Score:
    """How well the statement answers this part of the question."""
    found = features(asked, offer, field)
    total = sum(weight * value for weight, value in zip(_WEIGHTS, found, strict=True))
    return Score(total + _OUTDATED * (offer.source.doc_id in field.outdated), found[0])


def features(asked: Asked, offer: Offer, field: Field) -> tuple[float, ...]:
    """What is weighed, in the order of _WEIGHTS: shares of what was asked for first."""
    statement, rank = offer.statement, offer.rank
    worth, whole = field.worth(asked)
    own = near = above = 0.0
    for term, value in worth.items():
        if term in statement.own.terms:
            own += value
        elif term in statement.near.terms:
            near += value
        elif term in statement.above.terms or term in field.titles[rank]:
            above += value
    return (
        own / whole,
        near / whole,
        above / whole,
        own / field.whole(offer),
        float((asked.wanted & _kinds_of(statement.text)).value.bit_count()),
        1 / (1 + rank / _RANK_STEP),
        field.scores[rank],
        field.about(rank, worth) / whole,
        float(statement.announces),
    )


@lru_cache(maxsize=1 << 14)
def _kinds_of(text: str) -> Wanted:
    """Which kinds of thing a statement holds."""
    held = Wanted.NOTHING
    for kind, sign in _KINDS:
        if sign.search(text):
            held |= kind
    return held


@lru_cache(maxsize=4096)
def _terms_of(titles: str) -> Mapping[str, float]:
    return meaning_of(words_of(titles)).terms


_KINDS = (
    (
        Wanted.NUMBER,
        re.compile(r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|twelve|twice|once)\b"),
    ),
    (Wanted.TIME, _TIME),
    (Wanted.PERSON, _NAME),
    (Wanted.EMAIL, _EMAIL),
    (Wanted.PHONE, _PHONE),
    (Wanted.ADDRESS, _SITE),
    (Wanted.MONEY, _MONEY),
    (Wanted.PERMISSION, _ALLOWS),
)

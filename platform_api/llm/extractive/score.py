"""How well a statement answers a part of a question."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import log

from knowledge.verify import Source, meaning_of, words_of
from platform_api.llm.extractive.question import Asked, Wanted
from platform_api.llm.extractive.statements import Offer

# Chosen by cross-validation, see docs/explanation/extractive.md. The first four: what a term of the question
# counts where it stands nearest to the statement.
_OWN, _NEAR, _ABOVE, _TITLE = 1.0, 0.4, 0.2, 0.3
_BACK, _FITS, _RANK, _FOUND = 0.5, 1.0, 1.7, 1.3
_ANNOUNCES = -0.3  # a lead-in needs its list
_RANK_STEP = 3

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
    """What the statements are weighed against: how rare each term is, and what the titles over them say."""

    frequency: Counter[str]
    statements: int
    titles: tuple[Mapping[str, float], ...]
    scores: tuple[float, ...]

    @cached_property
    def _rarities(self) -> dict[str, float]:
        return {term: log(1 + self.statements / (1 + count)) for term, count in self.frequency.items()}

    def rarity(self, term: str) -> float:
        """IDF over the offered statements: a word that every one of them has tells nothing."""
        return self._rarities.get(term) or log(1 + self.statements)

    def worth(self, terms: Mapping[str, float]) -> dict[str, float]:
        return {term: weight * self.rarity(term) for term, weight in terms.items()}

    def whole(self, offer: Offer) -> float:
        """What all that the statement speaks of is worth; never 0."""
        known = self._wholes.get(offer)
        if known is None:
            own = offer.statement.own.terms
            known = sum(weight * self.rarity(term) for term, weight in own.items()) or 1.0
            self._wholes[offer] = known
        return known

    @cached_property
    def _wholes(self) -> dict[Offer, float]:
        return {}


@dataclass(frozen=True, slots=True)
class Score:
    """total: for ranking. own: 0-1, how much of what was asked the statement itself speaks of."""

    total: float
    own: float


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
    titles = tuple(meaning_of(words_of(f"{source.title} {source.section}")).terms for source in sources)
    return Field(frequency, max(len(offers), 1), titles, tuple(scores) or (0.0,) * len(sources))


def score(asked: Asked, offer: Offer, field: Field) -> Score:
    """How well the statement answers this part of the question."""
    statement = offer.statement
    worth = field.worth(asked.meaning.terms)
    whole = sum(worth.values()) or 1.0
    own = sum(value for term, value in worth.items() if term in statement.own.terms)
    total = (
        sum(value * _nearness(term, offer, field) for term, value in worth.items()) / whole
        + _BACK * own / field.whole(offer)
        + _FITS * _fits(asked.wanted, statement.text)
        + _RANK / (1 + offer.rank / _RANK_STEP)
        + _FOUND * field.scores[offer.rank]
        + _ANNOUNCES * statement.announces
    )
    return Score(total, own / whole)


def _nearness(term: str, offer: Offer, field: Field) -> float:
    statement = offer.statement
    places = (
        (_OWN, statement.own.terms),
        (_NEAR, statement.near.terms),
        (_ABOVE, statement.above.terms),
        (_TITLE, field.titles[offer.rank]),
    )
    return next((share for share, terms in places if term in terms), 0.0)


def _fits(wanted: Wanted, text: str) -> bool:
    return any(kind in wanted and sign.search(text) for kind, sign in _KINDS)


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

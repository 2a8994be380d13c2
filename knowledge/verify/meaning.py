"""What a stretch of text says, as a row of comparable concepts: stems with synonyms joined, numbers with unit
and bound, and tags for negation, modality, quantity and limits (lexicon.py).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cached_property, lru_cache
from itertools import chain

from knowledge.verify.lexicon import BOUNDS, CONCEPTS, FUNCTION, LIGHT, NOT, PHRASES, TAGS, UNITS, WORD_TAGS
from knowledge.verify.words import Words, stem

_LONGEST_PHRASE = 4
_FORBIDDEN = frozenset({"prohibited", "forbidden", "banned", "disallowed", "forbids", "prohibits"})
_ACRONYMS = frozenset({"IT", "US", "WHO", "OR"})  # written like this they are no function words
_CURRENCY = {"$": "dollar", "€": "euro", "£": "pound"}
_BEFORE_UNIT = 3  # words between a number and its unit: "240 annual leave hours"
_SAME_LENGTH = {("24", "hour"): ("1", "day"), ("7", "day"): ("1", "week"), ("12", "month"): ("1", "year")}


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number. value: plain digits ("10th" for ordinals); unit: a stem or "%"; bound: one of ≥ ≤ < > ~."""

    value: str
    unit: str | None
    bound: str | None
    at: int


@dataclass(frozen=True)
class Meaning:
    """concepts: in order, without function words; names: forms that were written as a name."""

    concepts: tuple[str, ...]
    names: frozenset[str]

    @cached_property
    def content(self) -> dict[str, float]:
        """The weight of each concept that carries content; numbers and tags are judged apart."""
        return {name: weight(name) for name in self.concepts if name not in TAGS and not is_number(name)}

    @cached_property
    def terms(self) -> dict[str, float]:
        """Content and numbers: what the text speaks of."""
        return self.content | {name: 1.0 for name in self.concepts if is_number(name)}

    @cached_property
    def places(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for at, name in enumerate(self.concepts):
            found.setdefault(name, []).append(at)
        return found

    @cached_property
    def quantities(self) -> tuple[Quantity, ...]:
        return tuple(self._quantities())

    @cached_property
    def total(self) -> float:
        return sum(self.content.values())

    def count(self, tag: str) -> int:
        return len(self.places.get(tag, ()))

    def _quantities(self) -> Iterator[Quantity]:
        for at, name in enumerate(self.concepts):
            if is_number(name):
                value, unit = _canonical(name), self._unit(at)
                value, unit = _SAME_LENGTH.get((value, unit or ""), (value, unit))
                yield Quantity(value, unit, self._bound(at), at)

    def _unit(self, at: int) -> str | None:
        if at and self.concepts[at - 1] in _CURRENCY:
            return _CURRENCY[self.concepts[at - 1]]
        following = self.concepts[at + 1 : at + 1 + _BEFORE_UNIT]
        if following[:1] == ("-",):  # "8 - 15 months": the range has one unit
            return self._unit(at + 2) if at + 2 < len(self.concepts) else None
        for name in following:
            if is_number(name):
                return None
            if name == "%" or name in UNITS:
                return name
        return next((name for name in following if name not in TAGS), None)

    def _bound(self, at: int) -> str | None:
        before = [name for name in self.concepts[max(0, at - 2) : at] if name in BOUNDS]
        return before[-1] if before else self._bound_after(at)

    def _bound_after(self, at: int) -> str | None:
        """ "5 days or more", but not "2 shifts at least 11 hours apart"."""
        for place in range(at + 1, min(at + 3, len(self.concepts))):
            following = self.concepts[place + 1 : place + 2]
            if self.concepts[place] in "≥≤" and not any(map(is_number, following)):
                return self.concepts[place]
        return None


def meaning_of(words: Words, first: int = 0, last: int | None = None) -> Meaning:
    """The meaning of all words, or of those from `first` up to, without, `last`."""
    last = len(words) if last is None else last
    return Meaning(tuple(_concepts(words, first, last)), frozenset(_names(words, first, last)))


def together(*meanings: Meaning) -> Meaning:
    """What several stretches say one after the other."""
    concepts = chain.from_iterable(meaning.concepts for meaning in meanings)
    names = frozenset(chain.from_iterable(meaning.names for meaning in meanings))
    return Meaning(tuple(concepts), names)


NOTHING = Meaning((), frozenset())


def weight(name: str) -> float:
    """How much a content concept counts."""
    return 0.3 if name in LIGHT else 1.0


def is_number(name: str) -> bool:
    return name[0].isdigit()


def _concepts(words: Words, first: int, last: int) -> Iterator[str]:
    at = first
    while at < last:
        form = words.forms[at]
        phrase, length = _phrase(words.forms, at, last) if form in _FIRST_WORDS else (None, 1)
        if phrase:
            yield from (phrase,) if phrase in TAGS else _word(phrase)
        elif words.written[at] in _ACRONYMS:
            yield form
        else:
            yield from _word(form)
        at += length


def _phrase(forms: Sequence[str], at: int, last: int) -> tuple[str | None, int]:
    for length in range(min(_LONGEST_PHRASE, last - at), 1, -1):
        phrase = PHRASES.get(" ".join(forms[at : at + length]))
        if phrase:
            return phrase, length
    return None, 1


@lru_cache(maxsize=1 << 16)
def _word(form: str) -> tuple[str, ...]:
    if form in WORD_TAGS:
        return (WORD_TAGS[form],)
    if form in _FORBIDDEN:
        return NOT, CONCEPTS[stem("allowed")]
    if form in FUNCTION:
        return ()
    stemmed = stem(form)
    return (CONCEPTS.get(stemmed, stemmed),)


def _names(words: Words, first: int, last: int) -> Iterator[str]:
    for at in range(first, last):
        written = words.written[at]
        inside = at > first and written != "I"
        acronym = written.isupper() and len(written) > 1
        if "@" in written or "/" in written or acronym or (inside and written[0].isupper()):
            yield stem(words.forms[at])


def _canonical(number: str) -> str:
    ordinal = number.endswith("th")
    try:
        value = format(Decimal(number.removesuffix("th")).normalize(), "f")
    except InvalidOperation:  # 10:30, 1.2.3
        return number
    return value + "th" if ordinal else value


_FIRST_WORDS = frozenset(phrase.split()[0] for phrase in PHRASES)

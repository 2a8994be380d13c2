"""What a stretch of text says, as a row of comparable concepts: stems with synonyms joined, numbers with unit
and bound, and tags for negation, modality, quantity and limits (lexicon.py).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import chain

from knowledge.verify.lexicon import (
    BEFORE_NUMBERS,
    BOUNDS,
    CONCEPTS,
    FUNCTION,
    LIGHT,
    NOT,
    PHRASES,
    RHYTHMS,
    TAGS,
    UNITS,
    WORD_TAGS,
)
from knowledge.verify.numerals import canonical, measured
from knowledge.verify.polarity import bounded
from knowledge.verify.related import beginning, lines_of
from knowledge.verify.words import Words, stem

_LONGEST_PHRASE = 4
_FORBIDDEN = frozenset({"prohibited", "forbidden", "banned", "disallowed", "forbids", "prohibits"})
_LASTING = frozenset({"lasts", "lasting", "lasted"})
_ACRONYMS = frozenset({"IT", "US", "WHO", "OR"})  # written like this they are no function words
_CURRENCY = {"$": "dollar", "€": "euro", "£": "pound"}
_BEFORE_A_RANGE = frozenset(["%", *_CURRENCY])
_YEAR = "january february march april may june july august september october november december"
_MONTHS = frozenset(map(stem, _YEAR.split()))
_BEFORE_UNIT = 3  # words between a number and its unit: "240 annual leave hours"


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number. value: plain digits ("10th" for ordinals, "-18" below zero); unit: a stem or "%".

    bound: one of ≥ ≤ < > ~. label: what stands right before it ("level 3"), None for tags and signs.
    """

    value: str
    unit: str | None
    bound: str | None
    at: int
    label: str | None = None


@dataclass(frozen=True)
class Meaning:
    """concepts: in order, without function words; names: stems of what was written as a name; letters: the
    first letter and the stem of every word in order, to tell what an acronym stands for."""

    concepts: tuple[str, ...]
    names: frozenset[str]
    letters: tuple[tuple[str, str], ...] = ()

    @cached_property
    def content(self) -> dict[str, float]:
        """The weight of each concept that carries content; numbers and tags are judged apart."""
        return {name: weight(name) for name in self.concepts if name not in TAGS and not is_number(name)}

    @cached_property
    def terms(self) -> dict[str, float]:
        """Content and numbers: what the text speaks of."""
        return self.content | {name: 1.0 for name in self.concepts if is_number(name)}

    @cached_property
    def lines(self) -> frozenset[int]:
        """The lines of related words (related.py) that its content stands in."""
        return frozenset(line for name in self.content for line in lines_of(name))

    @cached_property
    def beginnings(self) -> dict[str, list[str]]:
        """Its content by the first letters."""
        found: dict[str, list[str]] = {}
        for name in self.content:
            found.setdefault(beginning(name), []).append(name)
        return found

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

    def spelt(self, acronym: str) -> set[str]:
        """The stems of words whose first letters make the acronym (lower case, three letters or more)."""
        size = len(acronym)
        if size < 3 or not acronym.isalpha():
            return set()
        initials = "".join(letter for letter, _ in self.letters)
        at = initials.find(acronym)
        return {name for _, name in self.letters[at : at + size]} if at >= 0 else set()

    def count(self, tag: str) -> int:
        return len(self.places.get(tag, ()))

    def _quantities(self) -> Iterator[Quantity]:
        units = self._units()
        for at, name in enumerate(self.concepts):
            if is_number(name):
                value = f"-{canonical(name)}" if self._is_below_zero(at) else canonical(name)
                yield Quantity(value, units[at], self._bound(at), at, self._label(at))

    def _is_below_zero(self, at: int) -> bool:
        """ "-18", "-$5", but not the end of a range: "8-15", "5%-10%"."""
        sign = at - 2 if at and self.concepts[at - 1] in _CURRENCY else at - 1
        if sign < 0 or self.concepts[sign] != "-":
            return False
        before = self.concepts[sign - 1] if sign else ""
        return not (before in _BEFORE_A_RANGE or (before and is_number(before)))

    def _units(self) -> dict[int, str | None]:
        """Of numbers, and of what ends a range ("8 - $15"); the last first, whose unit others may share."""
        units: dict[int, str | None] = {}
        for at in range(len(self.concepts) - 1, -1, -1):
            if is_number(self.concepts[at]) or self.concepts[at - 1] == "-":
                units[at] = self._unit(at, units)
        return units

    def _label(self, at: int) -> str | None:
        before = self.concepts[at - 1] if at else ""
        return before if before.isalpha() and before in self.content and before not in UNITS else None

    def _unit(self, at: int, later: Mapping[int, str | None]) -> str | None:
        """later: the units of what stands behind it."""
        if ":" in self.concepts[at]:  # a time of day
            return None
        if at and self.concepts[at - 1] in _CURRENCY:
            return _CURRENCY[self.concepts[at - 1]]
        month = next((name for name in self.concepts[max(0, at - 1) : at + 2] if name in _MONTHS), None)
        if month:
            return month
        following = self.concepts[at + 1 : at + 1 + _BEFORE_UNIT]
        if following[:1] == ("-",):  # "8 - 15 months": the range has one unit
            return later.get(at + 2)
        for place, name in enumerate(following):
            if is_number(name):
                own = next((each for each in following[:place] if each not in TAGS), None)
                return later.get(at + 1) if place == 0 else own
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
    letters = tuple((form[0], stem(form)) for form in words.forms[first:last])
    return Meaning(tuple(_concepts(words, first, last)), frozenset(_names(words, first, last)), letters)


def together(*meanings: Meaning) -> Meaning:
    """What several stretches say one after the other."""
    concepts = chain.from_iterable(meaning.concepts for meaning in meanings)
    names = frozenset(chain.from_iterable(meaning.names for meaning in meanings))
    letters = chain.from_iterable(meaning.letters for meaning in meanings)
    return Meaning(tuple(concepts), names, tuple(letters))


NOTHING = Meaning((), frozenset())


def weight(name: str) -> float:
    """How much a content concept counts."""
    return 0.3 if name in LIGHT else 1.0


def is_number(name: str) -> bool:
    """18f and 2fa are names."""
    return name[0].isdigit() and (name[-1].isdigit() or name.endswith("th"))


def _concepts(words: Words, first: int, last: int) -> Iterator[str]:
    return iter(bounded(list(_plain_concepts(words, first, last))))


def _plain_concepts(words: Words, first: int, last: int) -> Iterator[str]:
    forms: list[str] = []
    acronyms: set[int] = set()
    at = first
    for made, used in measured(words.forms[first:last]):
        if used == 1 and (words.written[at] in _ACRONYMS or (words.written[at] == "May" and at > first)):
            acronyms.add(len(forms))
        forms += made
        at += used
    at = 0
    while at < len(forms):
        form = forms[at]
        phrase, length = _phrase(forms, at, len(forms)) if form in _FIRST_WORDS else (None, 1)
        if phrase:
            yield from (phrase,) if phrase in TAGS else chain.from_iterable(map(_word, phrase.split()))
        elif at in acronyms:
            yield form
        else:
            yield from _word(form)
        at += length


def _phrase(forms: Sequence[str], at: int, last: int) -> tuple[str | None, int]:
    for length in range(min(_LONGEST_PHRASE, last - at), 0, -1):
        written = " ".join(forms[at : at + length])
        phrase = PHRASES.get(written)
        if phrase is None and is_number(forms[at + length] if at + length < len(forms) else " "):
            phrase = BEFORE_NUMBERS.get(written)
        if phrase:
            return phrase, length
    return None, 1


@lru_cache(maxsize=1 << 16)
def _word(form: str) -> tuple[str, ...]:
    if form in WORD_TAGS:
        return (WORD_TAGS[form],)
    if form in _FORBIDDEN:
        return NOT, CONCEPTS[stem("allowed")]
    if form in RHYTHMS:
        return (RHYTHMS[form],)
    if form in _LASTING:  # "last" may be the last one
        return ("continu",)
    if form in FUNCTION:
        return ()
    stemmed = stem(form)
    return (CONCEPTS.get(stemmed, stemmed),)


def _names(words: Words, first: int, last: int) -> Iterator[str]:
    for at in range(first, last):
        written = words.written[at]
        inside = at > first and written != "I" and words.spans[at] != words.spans[first]
        acronym = written.isupper() and len(written) > 1
        if "@" in written or "/" in written or acronym or (inside and written[0].isupper()):
            yield stem(words.forms[at])


_FIRST_WORDS = frozenset(phrase.split()[0] for phrase in (*PHRASES, *BEFORE_NUMBERS))

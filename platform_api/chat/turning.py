"""Small words that turn a sentence which else repeats its source: how much, how often, how sure, who, when.

A model that retells freely uses them as well; then the source's own words are shown instead, at little cost.
"""

import re
from collections.abc import Set
from functools import lru_cache

from knowledge.verify import Meaning, meaning_of, words_of

_GROUPS = tuple(
    (frozenset(said.split()), frozenset(kept.split()))
    for said, kept in (
        (
            "must shall obliged mandatory",
            "must shall need needs required requires has have obliged mandatory",
        ),
        (
            "may might could can",
            "may might could can allowed permitted able possible entitled eligible optional offer offers",
        ),
        ("should ought", "should ought recommended advised better"),
        ("was were had did", "was were had did been"),
        (
            "about around nearly almost roughly approximately circa",
            "about around nearly almost roughly approximately",
        ),
        (
            "half twice double doubled triple thrice quarter dozen",
            "half twice double doubled triple thrice quarter",
        ),
        ("sometimes occasionally often frequently", "sometimes occasionally often frequently"),
        (
            "usually normally generally typically mostly mainly partly partially largely",
            "usually normally generally typically mostly mainly partly partially largely",
        ),
        ("everyone everybody anyone anybody", "everyone everybody anyone anybody all every any each"),
        ("all every", "all every each any whole everyone everybody always"),
        ("some few several many most", "some few several many most"),
        ("after", "after following once later past since from when"),
        ("before", "before prior until ahead earlier by advance"),
        ("part", "part"),
        ("former acting deputy interim future", "former acting deputy interim future"),
    )
)
"""Words, and those of which the source needs one so that they may be said."""
_BOUNDS = (
    (
        re.compile(r"\b(?:up to|at most|no more than|not more than|maximum)\b", re.IGNORECASE),
        re.compile(
            r"up to|at most|more than|maxim|max\b|limit|exceed|within|below|under|less|≤|until", re.IGNORECASE
        ),
    ),
    (
        re.compile(r"\b(?:at least|no less than|no fewer than|minimum|or more)\b", re.IGNORECASE),
        re.compile(r"at least|less than|fewer|minim|min\b|more|over|above|exceed|≥|from|earl", re.IGNORECASE),
    ),
    (re.compile(r"\bused to\b", re.IGNORECASE), re.compile(r"\bused to\b", re.IGNORECASE)),
    (
        re.compile(r"\bone\s+(?:%|per ?cent|minute|hour|day|week|month|year|AUD|dollar|euro)", re.IGNORECASE),
        re.compile(
            r"\b(?:one|1|an?|each|every|per|once|daily|hourly|weekly|monthly|yearly)\b", re.IGNORECASE
        ),
    ),
)
_NEGATIVE = re.compile(r"(?:un|non)(?!der|til|less|ion|i[tqv]|animous)[a-z]{3,}")
_BY = re.compile(r"\bby\b", re.IGNORECASE)
_LITTLE = 0.5


def turns(text: str, quote: str, headings: str) -> bool:
    """Whether the sentence says how much, how often, how sure, who or when otherwise than its quote."""
    said, quoted = set(words_of(text).forms), set(words_of(quote).forms)
    if any(said & words - quoted and not quoted & kept for words, kept in _GROUPS):
        return True
    if any(_bounded(one, other) for one, other in ((text, quote), (quote, text))):
        return True
    if any(_NEGATIVE.fullmatch(word) for word in said - quoted):
        return True
    ours, theirs = meaning_in(text), meaning_in(quote)
    return _adds(ours, theirs, headings) or _joins(text, quote, ours, theirs) or _crosses(text, quote)


def _bounded(text: str, other: str) -> bool:
    """Whether one sets a bound that the other does not."""
    return any(pattern.search(text) and not kept.search(other) for pattern, kept in _BOUNDS)


def _adds(ours: Meaning, theirs: Meaning, headings: str) -> bool:
    """All that the quote says, and a word more: no other word for anything."""
    if _weight(theirs, ours.content.keys()) > _LITTLE:
        return False
    return _weight(ours, {*theirs.content, *meaning_in(headings).content}) > _LITTLE


def _joins(text: str, quote: str, ours: Meaning, theirs: Meaning) -> bool:
    """ "and" for "or", or neither, between all that the quote names."""
    if _count("or", quote) <= _count("or", text):
        return _count("or", text) > _count("or", quote) and _count("and", text) < _count("and", quote)
    return _count("and", text) > _count("and", quote) or _weight(theirs, ours.content.keys()) <= _LITTLE


def _crosses(text: str, quote: str) -> bool:
    """Done by whom it is done to."""
    ours, theirs = _BY.split(text, maxsplit=1), _BY.split(quote, maxsplit=1)
    if len(ours) < 2 or len(theirs) < 2:
        return False
    before, after = meaning_in(ours[0]).content.keys(), meaning_in(ours[1]).content.keys()
    there, behind = meaning_in(theirs[0]).content.keys(), meaning_in(theirs[1]).content.keys()
    return bool(before & behind - there and after & there - behind)


def _weight(meaning: Meaning, without: Set[str]) -> float:
    return sum(weight for name, weight in meaning.content.items() if name not in without)


def _count(word: str, text: str) -> int:
    return words_of(text).forms.count(word)


@lru_cache(maxsize=1024)
def meaning_in(text: str) -> Meaning:
    """Of a sentence, a clause or a quote; objections of several kinds ask for the same ones."""
    return meaning_of(words_of(text))

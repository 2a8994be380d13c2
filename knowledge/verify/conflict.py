"""Whether two statements disagree on a fact: the same subject and predicate with another value (SPEC 7)."""

from dataclasses import dataclass
from typing import Literal

from knowledge.verify.agree import opposed
from knowledge.verify.lexicon import NOT, UNITS
from knowledge.verify.meaning import Meaning, meaning_of
from knowledge.verify.words import words_of

ConflictKind = Literal["number", "negation", "opposite"]
_ALIKE = 0.6  # share of the content that both must have, of the one that has less
_FEWEST_SHARED = 1.2  # one word and a light one


@dataclass(frozen=True, slots=True)
class Conflict:
    """one, other: the values that stand against each other, as words of the statements' meaning."""

    kind: ConflictKind
    one: str
    other: str


def conflict(one: str, other: str, about: str = "") -> Conflict | None:
    """The disagreement of two statements, None where they agree or speak of different things.

    about: the question; each of its words must stand in both statements or in neither, so that two values of
    different things are no conflict.
    """
    mine, theirs = meaning_of(words_of(one)), meaning_of(words_of(other))
    asked = meaning_of(words_of(about)).content.keys()
    if not _same_subject(mine, theirs) or mine.content.keys() & asked != theirs.content.keys() & asked:
        return None
    return _numbers(mine, theirs) or _opposites(mine, theirs) or _negation(mine, theirs)


def _same_subject(mine: Meaning, theirs: Meaning) -> bool:
    left, right = _subject(mine), _subject(theirs)
    shared = sum(weight for name, weight in left.items() if name in right)
    return shared >= _FEWEST_SHARED and shared >= _ALIKE * min(sum(left.values()), sum(right.values()))


def _subject(meaning: Meaning) -> dict[str, float]:
    """What it speaks of, without the units of its numbers."""
    units = UNITS.union(unit for each in meaning.quantities if (unit := each.unit))
    return {name: weight for name, weight in meaning.content.items() if name not in units}


def _numbers(mine: Meaning, theirs: Meaning) -> Conflict | None:
    """Values of a unit that both have, none of which they share."""
    for unit in dict.fromkeys(quantity.unit for quantity in mine.quantities):
        left = [each.value for each in mine.quantities if each.unit == unit]
        right = [each.value for each in theirs.quantities if each.unit == unit]
        if unit and right and not set(left) & set(right):
            return Conflict("number", _shown(left, unit), _shown(right, unit))
    return None


def _shown(values: list[str], unit: str) -> str:
    return f"{', '.join(values)} {unit}"


def _opposites(mine: Meaning, theirs: Meaning) -> Conflict | None:
    pair = opposed(mine, theirs)
    return Conflict("opposite", *pair) if pair and mine.count(NOT) == theirs.count(NOT) else None


def _negation(mine: Meaning, theirs: Meaning) -> Conflict | None:
    if mine.count(NOT) == theirs.count(NOT) or opposed(mine, theirs):
        return None
    return Conflict("negation", *("denied" if each.count(NOT) else "said" for each in (mine, theirs)))

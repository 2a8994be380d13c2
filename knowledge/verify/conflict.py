"""Whether two statements disagree on a fact: the same subject and predicate with another value (SPEC 7)."""

from dataclasses import dataclass
from typing import Literal

from knowledge.verify.agree_direction import opposed
from knowledge.verify.features import nearness
from knowledge.verify.lexicon import FAMILIES, NOT, UNITS, VAGUE
from knowledge.verify.meaning import Meaning, meaning_of
from knowledge.verify.words import stem, words_of

ConflictKind = Literal["number", "negation", "opposite"]
_ALIKE = 0.6  # share of the content that both must have, of the one that has less
_MORE_ALIKE = 0.6  # of the one that has more, where the conflict is no number
_FEWEST_SHARED = 1.2  # one word and a light one
_TIME = frozenset({"second", "minut", "hour", "day", "month"})
_LABELS = """level phase step section chapter room floor grade type tier zone line route gate berth wharf
terminal page version rule form table figure appendix platform band stage week line bus train"""
_LABELLED = frozenset(stem(word) for word in _LABELS.split())
"""What a number only names: level 4 and level 5 are two things."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """one, other: the values that stand against each other, as words of the statements' meaning."""

    kind: ConflictKind
    one: str
    other: str


def conflict(one: str, other: str, about: str = "") -> Conflict | None:
    """The disagreement of two statements, None where they agree or speak of different things.

    about: the question; each of its words must stand in both statements or in neither, so that two values of
    different things are no conflict. Where each of the two has words of its own that tell something, they are
    taken to speak of two things.
    """
    mine, theirs = meaning_of(words_of(one)), meaning_of(words_of(other))
    asked = meaning_of(words_of(about)).content.keys()
    if not _same_subject(mine, theirs) or mine.content.keys() & asked != theirs.content.keys() & asked:
        return None
    return _numbers(mine, theirs) or _opposites(mine, theirs) or _negation(mine, theirs)


def _same_subject(mine: Meaning, theirs: Meaning) -> bool:
    left, right = _subject(mine), _subject(theirs)
    shared = _shared(left, right)
    if shared < _FEWEST_SHARED or shared < _ALIKE * min(sum(left.values()), sum(right.values())):
        return False
    return not (_apart(mine, theirs) and _apart(theirs, mine)) and _labels(mine) == _labels(theirs)


def _shared(left: dict[str, float], right: dict[str, float]) -> float:
    return sum(weight for name, weight in left.items() if name in right)


def _apart(mine: Meaning, theirs: Meaning) -> bool:
    """Whether it tells something that the other has nothing like, nor the opposite of."""
    sides = {family for name in theirs.content for family, _ in FAMILIES.get(name, ())}
    return any(
        name not in VAGUE
        and nearness(name, theirs) == 0.0
        and sides.isdisjoint(family for family, _ in FAMILIES.get(name, ()))
        for name in _subject(mine)
    )


def _labels(meaning: Meaning) -> set[tuple[str, str]]:
    return {(each.label, each.value) for each in meaning.quantities if each.label and each.label in _LABELLED}


def _subject(meaning: Meaning) -> dict[str, float]:
    """What it speaks of, without the units of its numbers."""
    units = UNITS.union(unit for each in meaning.quantities if (unit := each.unit))
    return {name: weight for name, weight in meaning.content.items() if name not in units}


def _numbers(mine: Meaning, theirs: Meaning) -> Conflict | None:
    """Values of a unit that both have, none of which they share; not where one is of before or after it."""
    if any((tag in mine.places) != (tag in theirs.places) for tag in _SEQUENCE):
        return None
    left, right = _by_measure(mine), _by_measure(theirs)
    for measure, ours in left.items():
        others = right.get(measure, [])
        alike = len(ours) == len(others) == 1 or _units(ours) == _units(others)
        if others and alike and not set(ours) & set(others):
            return Conflict("number", _shown(ours), _shown(others))
    return None


_SEQUENCE = ("befor", "after")


def _by_measure(meaning: Meaning) -> dict[str, list[tuple[str, str]]]:
    """(value, unit) of its numbers: those that measure time together."""
    found: dict[str, list[tuple[str, str]]] = {}
    for each in meaning.quantities:
        if each.unit:
            measure = "time" if each.unit in _TIME else each.unit
            found.setdefault(measure, []).append((each.value, each.unit))
    return found


def _units(values: list[tuple[str, str]]) -> set[str]:
    return {unit for _, unit in values}


def _shown(values: list[tuple[str, str]]) -> str:
    units = _units(values)
    if len(units) == 1:
        return f"{', '.join(value for value, _ in values)} {units.pop()}"
    return ", ".join(f"{value} {unit}" for value, unit in values)


def _opposites(mine: Meaning, theirs: Meaning) -> Conflict | None:
    pair = opposed(mine, theirs)
    if pair is None or mine.count(NOT) != theirs.count(NOT) or not _near_same(mine, theirs):
        return None
    return Conflict("opposite", *pair)


def _negation(mine: Meaning, theirs: Meaning) -> Conflict | None:
    if ("IF" in mine.places) != ("IF" in theirs.places):
        return None
    if mine.count(NOT) == theirs.count(NOT) or opposed(mine, theirs) or not _near_same(mine, theirs):
        return None
    values = ["denied" if each.count(NOT) else "said" for each in (mine, theirs)]
    return Conflict("negation", *values) if values[0] != values[1] else None


def _near_same(mine: Meaning, theirs: Meaning) -> bool:
    """A negation is about the whole: both must say nearly nothing else."""
    left, right = _subject(mine), _subject(theirs)
    return _shared(left, right) >= _MORE_ALIKE * max(sum(left.values()), sum(right.values()))

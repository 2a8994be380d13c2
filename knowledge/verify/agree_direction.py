"""Opposites, rhythms, before and after."""

from collections.abc import Iterator, Mapping

from knowledge.verify.agree_numbers import counted_units
from knowledge.verify.alignment import edits
from knowledge.verify.lexicon import (
    CALENDAR,
    FAMILIES,
    RHYTHMS,
    SIDES,
    UNITS,
)
from knowledge.verify.meaning import Meaning, is_number
from knowledge.verify.objection import FATAL, Objection
from knowledge.verify.reach import says_it_all, says_what_follows

_AROUND = 5  # concepts on each side of "before" and "after"
_OFTEN = frozenset(RHYTHMS.values())
_EXACT = CALENDAR | _OFTEN


def opposites(claim: Meaning, passage: Meaning) -> Iterator[Objection]:
    for name, other in _opposed(claim, passage):
        sure = _two_sided(name, other) or name in _EXACT or _in_place_of(name, other, claim, passage)
        code = "opposite" if _two_sided(name, other) else "one_of_a_kind"
        yield Objection("direction", code, f"opposite: {name} against {other}", FATAL if sure else 0.4)


def _in_place_of(name: str, other: str, claim: Meaning, passage: Meaning) -> bool:
    """A phone is no laptop where it stands at its place; elsewhere a laptop may only be left out."""
    return any(
        name in edit.extra and other in edit.missing for edit in edits(claim.concepts, passage.concepts)
    )


def opposed(one: Meaning, other: Meaning) -> tuple[str, str] | None:
    """The first word of one that excludes a word of the other, with that word."""
    return next(_opposed(one, other), None)


def _opposed(claim: Meaning, passage: Meaning) -> Iterator[tuple[str, str]]:
    theirs: dict[int, list[tuple[int, str]]] = {}
    counted = (counted_units(claim) | counted_units(passage)) & UNITS
    for name in passage.places:
        if passage.count(name) > claim.count(name) and name not in counted:
            for family, side in FAMILIES.get(name, ()):
                theirs.setdefault(family, []).append((side, name))
    for name in claim.places:
        if claim.count(name) <= passage.count(name) or name in counted:
            continue
        other = _opposite(name, theirs)
        if other:
            yield name, other


def _opposite(name: str, theirs: Mapping[int, list[tuple[int, str]]]) -> str | None:
    for family, side in FAMILIES.get(name, ()):
        rivals = theirs.get(family, ())
        if any(way == side for way, _ in rivals):
            return None  # said with another word of the same side
        other = next((word for way, word in rivals if way != side), None)
        if other:
            return other
    return None


def _two_sided(one: str, other: str) -> bool:
    families = {family for family, _ in FAMILIES[one]} & {family for family, _ in FAMILIES[other]}
    return any(SIDES[family] == 2 for family in families)


def frequency(claim: Meaning, passage: Meaning) -> Iterator[Objection]:
    """ "Weekly" of what the quote gives no rhythm; another rhythm is an opposite."""
    cost = FATAL if says_it_all(claim, passage) else 0.4
    for name in sorted(_OFTEN.intersection(claim.places) - passage.places.keys()):
        yield Objection("quantity", "rhythm_added", f"quantity: the quote does not say {name}", cost)


_BEFORE, _AFTER = "befor", "after"
_THEN = frozenset({"after", "onc", "later", "follow", "sinc", "upon"})


def sequence(claim: Meaning, passage: Meaning) -> Iterator[Objection]:
    """Before and after: where only one of the two says either, and what they stand between."""
    # In a sentence with no word of its own nothing else can stand for it.
    cost = FATAL if claim.content.keys() - passage.content.keys() <= {_BEFORE, _AFTER} else 0.4
    if _BEFORE in claim.places and passage.places.keys().isdisjoint({_BEFORE, _AFTER, "UNTIL"}):
        yield Objection("direction", "before_added", "direction: the quote does not say before", cost)
    if _AFTER in claim.places and passage.places.keys().isdisjoint({_BEFORE, *_THEN}):
        yield Objection("direction", "after_added", "direction: the quote does not say after", 0.15)
    if _AFTER in passage.places and claim.places.keys().isdisjoint({_BEFORE, *_THEN}):
        yield Objection(
            "direction",
            "after_left_out",
            "direction: the sentence leaves out after",
            _dropped(_AFTER, claim, passage),
        )
    if _BEFORE in passage.places and claim.places.keys().isdisjoint({_BEFORE, _AFTER, "UNTIL"}):
        yield Objection(
            "direction",
            "before_left_out",
            "direction: the sentence leaves out before",
            _dropped(_BEFORE, claim, passage),
        )
    if _crossed(claim, passage) or _turned_round(claim, passage):
        yield Objection("direction", "crossed", "direction: the quote has it the other way round", FATAL)


def _dropped(tag: str, claim: Meaning, passage: Meaning) -> float:
    """It turns what the sentence says only where the sentence speaks of what follows."""
    if not says_what_follows(tag, claim, passage):
        return 0.15
    return FATAL if claim.content.keys() <= passage.content.keys() else 0.5


def _turned_round(claim: Meaning, passage: Meaning) -> bool:
    """One "after" of the quote has become a "before", or the other way round."""
    more_before = claim.count(_BEFORE) - passage.count(_BEFORE)
    more_after = claim.count(_AFTER) - passage.count(_AFTER)
    return more_before * more_after < 0 and min(claim.count(_BEFORE) + claim.count(_AFTER), 2) == 2


def _crossed(claim: Meaning, passage: Meaning) -> bool:
    """A before B against B before A, or against A after B."""
    mine, theirs = _sides(claim), _sides(passage)
    if mine is None or theirs is None:
        return False
    straight = len(mine[0] & theirs[0]) + len(mine[1] & theirs[1])
    crossed = len(mine[0] & theirs[1]) + len(mine[1] & theirs[0])
    return crossed > straight


def _sides(meaning: Meaning) -> tuple[set[str], set[str]] | None:
    """What comes first and what then; None without exactly one of the two words, or where it begins."""
    found = [(at, name) for name in (_BEFORE, _AFTER) for at in meaning.places.get(name, ())]
    if len(found) != 1 or not found[0][0]:
        return None
    at, name = found[0]
    if is_number(meaning.concepts[min(at + 1, len(meaning.concepts) - 1)]):
        return None  # "after 26 pay periods": how long, not what
    left = {word for word in meaning.concepts[max(0, at - _AROUND) : at] if word in meaning.content}
    right = {word for word in meaning.concepts[at + 1 : at + 1 + _AROUND] if word in meaning.content}
    if not left or not right:
        return None
    return (left, right) if name == _BEFORE else (right, left)

"""What only one of a sentence and a passage denies, or what each of them denies."""

from collections.abc import Iterator
from itertools import takewhile

from knowledge.verify.lexicon import (
    FAMILIES,
    NOT,
)
from knowledge.verify.meaning import Meaning
from knowledge.verify.objection import FATAL, Objection
from knowledge.verify.reach import REACH, heads, near, no_modal


def polarity(claim: Meaning, passage: Meaning, against: list[Objection]) -> Iterator[Objection]:
    """Negation and opposites together: "not open" says what "closed" says."""
    differ = not _denials(claim, passage) & _denials(passage, claim)
    if differ and len(against) == 1 and against[0].code == "opposite" and _one_apart(claim, passage):
        yield Objection("negation", "denied_opposite", "negation: the quote says it with the opposite", 0.3)
        return
    yield from against
    if differ:
        yield Objection(
            "negation", "negation_differs", "negation: only one of sentence and quote denies this", FATAL
        )
    elif 0 < claim.count(NOT) <= passage.count(NOT):
        yield from _moved_negation(claim, passage)


def _denials(meaning: Meaning, other: Meaning) -> set[int]:
    """How often it denies: "without" and "except" may stand for "not" where the other has none of them."""
    least = meaning.count(NOT)
    more = sum(max(0, meaning.count(tag) - other.count(tag)) for tag in ("WITHOUT", "EXCEPT"))
    return set(range(least, least + more + 1))


def _one_apart(claim: Meaning, passage: Meaning) -> bool:
    """One of the two has one negation more, and in the reach of it a word that the other lacks."""
    mine, theirs = claim.count(NOT), passage.count(NOT)
    if abs(mine - theirs) != 1:
        return False
    denying, other = (claim, passage) if mine > theirs else (passage, claim)
    return any(name in FAMILIES and name not in other.places for name in _reach(denying))


def _moved_negation(claim: Meaning, passage: Meaning) -> Iterator[Objection]:
    my_heads, their_heads = set(heads(claim, NOT)), set(heads(passage, NOT))
    moved = [head for head in my_heads - their_heads if head in passage.places]
    said = any(head in claim.places for head in their_heads - my_heads)
    if moved and (said or not any(_denied(head, passage) for head in moved)):
        yield Objection("negation", "negation_moved", "negation: the quote denies something else", FATAL)
    elif not any(near(name, _reach(passage)) for name in _reach(claim)):
        yield Objection("negation", "negation_elsewhere", "negation: the quote denies something else", FATAL)


def _denied(name: str, meaning: Meaning) -> bool:
    """Whether a negation reaches it, before the next modal."""
    return any(
        name in takewhile(no_modal, meaning.concepts[at + 1 : at + 1 + _FAR])
        or name in meaning.concepts[max(0, at - _BEHIND) : at]
        for at in meaning.places.get(NOT, ())
    )


_BEHIND = 2
_FAR = 8


def _reach(meaning: Meaning) -> set[str]:
    """The content that a negation may be about."""
    return {
        name
        for at in meaning.places.get(NOT, ())
        for name in meaning.concepts[max(0, at - _BEHIND) : at + 1 + REACH]
        if name in meaning.content
    }

"""What was put in, taken out or exchanged against the order of a passage: who does what to whom."""

from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise

from knowledge.verify.alignment import Edit, edits, exchanged
from knowledge.verify.lexicon import (
    BOUNDS,
    CONCEPTS,
    CONVERSES,
    MODALS,
    NOT,
    QUANTIFIERS,
    TAGS,
    VAGUE,
)
from knowledge.verify.meaning import Meaning, is_number
from knowledge.verify.objection import FATAL, Objection
from knowledge.verify.reach import near
from knowledge.verify.words import stem

_REPEATED = 0.85
_MOST_OF_IT = 0.5


def put_together(claim: Meaning, passage: Meaning) -> Iterator[Objection]:
    """What was put in, taken out or exchanged against the quote's own row of concepts.

    Sets of words cannot see who does what to whom, or which of two numbers belongs to which thing.
    """
    swapped = exchanged(claim.concepts, passage.concepts) and not _converse(claim, passage)
    if _taken_role(claim, passage):
        yield Objection("order", "role_taken", "order: in the quote this is done to it, not by it", 0.6)
    if swapped or _name_reordered(claim, passage) or _roles_exchanged(claim, passage):
        yield Objection("order", "exchanged", "order: two things stand at each other's place", FATAL)
    for edit in edits(claim.concepts, passage.concepts):
        for name in edit.extra:
            yield from _put_in(name, claim, passage, edit)
        yield from _taken_out(claim, passage, edit)


_BE = frozenset(map(stem, ["is", "are", "was", "were", "be", "been", "being", "get", "gets", "got"]))


def _taken_role(claim: Meaning, passage: Meaning) -> bool:
    """ "Guests pay for meals" of "we pay for the meals of guests": what stands behind the verb has come
    before it, and who did it is gone. In the passive that changes nothing."""
    mine, theirs = ({stemmed for _, stemmed in each.letters} for each in (claim, passage))
    if (
        mine & _BE
        or theirs & _BE
        or _converse(claim, passage)
        or not claim.content.keys() <= passage.content.keys()
    ):
        return False
    return any(_turned_about(name, claim, passage) for name in claim.content)


def _turned_about(name: str, claim: Meaning, passage: Meaning) -> bool:
    one, other = claim.places[name], passage.places.get(name, [])
    if len(one) != 1 or len(other) != 1:
        return False
    left, right = ({*claim.concepts[: one[0]]}, {*claim.concepts[one[0] + 1 :]})
    before, behind = {*passage.concepts[: other[0]]}, {*passage.concepts[other[0] + 1 :]}
    content = claim.content.keys()
    subject = before & passage.content.keys()
    return bool(
        left & content
        and left & content <= behind
        and right & content & behind
        and subject
        and subject.isdisjoint(content)
    )


def _name_reordered(claim: Meaning, passage: Meaning) -> bool:
    """ "Management of Personnel Office" for "Office of Personnel Management"."""
    theirs = set(_name_runs(passage))
    mine = set(_name_runs(claim)) - theirs
    sorted_theirs = {tuple(sorted(run)) for run in theirs}
    return any(tuple(sorted(run)) in sorted_theirs for run in mine)


def _name_runs(meaning: Meaning) -> Iterator[tuple[str, ...]]:
    names = {CONCEPTS.get(name, name) for name in meaning.names}
    for named, run in groupby(meaning.concepts, names.__contains__):
        found = tuple(run)
        if named and len(found) > 1:
            yield found


def another_subject(claim: Meaning, passage: Meaning) -> Iterator[Objection]:
    """What the sentence begins with stands nowhere in the quote, whose own subject it leaves out."""
    first = next(iter(edits(claim.concepts, passage.concepts)), None)
    if first is None or first.after or not first.extra:
        return
    mine, theirs = _telling(first.extra, claim), _telling(first.missing, passage)
    if not mine or not theirs or any(near(name, passage.content.keys()) for name in mine):
        return
    if not any(near(name, claim.content.keys()) for name in theirs):
        reason = f"name: the quote says it of {' '.join(theirs)}, not of {' '.join(mine)}"
        yield Objection(
            "name", "another_subject", reason, FATAL if _else_repeated(mine, claim, passage) else 0.4
        )


def added(claim: Meaning, passage: Meaning) -> Iterator[Objection]:
    """A stretch at an end that the quote has nothing for, where all else is its own words."""
    for edit in edits(claim.concepts, passage.concepts):
        more = [name for name in _telling(edit.extra, claim) if not near(name, passage.content.keys())]
        bare = not any(name in passage.content for name in edit.missing)
        if edit.outside and more and bare and _else_repeated(edit.extra, claim, passage):
            yield Objection("order", "added", f"words: the quote has nothing of {' '.join(more)}", FATAL)


def exchanged_thing(claim: Meaning, passage: Meaning) -> Iterator[Objection]:
    """Something stands at the place of something else, where all else is the quote's own words."""
    for edit in edits(claim.concepts, passage.concepts):
        mine = [name for name in _telling(edit.extra, claim) if not near(name, passage.content.keys())]
        theirs = [name for name in edit.missing if name in passage.content]
        if mine and theirs and not edit.outside and _else_repeated(mine, claim, passage):
            reason = f"words: the quote has {' '.join(theirs)} where the sentence has {' '.join(mine)}"
            yield Objection("order", "word_exchanged", reason, FATAL)


def _telling(names: Sequence[str], meaning: Meaning) -> list[str]:
    return [name for name in names if name in meaning.content and name not in VAGUE]


def _else_repeated(own: Sequence[str], claim: Meaning, passage: Meaning) -> bool:
    """Whether the sentence, these words apart, has nearly no words but the passage's, and most of these."""
    rest = {name: each for name, each in claim.content.items() if name not in own}
    same = sum(each for name, each in rest.items() if name in passage.content)
    return same >= _REPEATED * sum(rest.values()) and same >= _MOST_OF_IT * passage.total


def _roles_exchanged(claim: Meaning, passage: Meaning) -> bool:
    """A does it to B against B does it to A: two names or numbers in the other order around the same word, in
    the same voice."""
    if ("b", "by") in set(claim.letters) ^ set(passage.letters) or _converse(claim, passage):
        return False
    if not claim.content.keys() <= passage.content.keys():
        return False
    keys = [name for name in claim.concepts if is_number(name) or name in claim.names | passage.names]
    for one, other in pairwise(keys):
        mine, theirs = _between(one, other, claim), _between(other, one, passage)
        if mine is not None and theirs is not None and mine & theirs:
            return True
    return False


def _converse(claim: Meaning, passage: Meaning) -> bool:
    """A gives B to C, C gets B from A."""
    mine, theirs = claim.content.keys(), passage.content.keys()
    return any(
        (mine & left and theirs & right) or (mine & right and theirs & left) for left, right in CONVERSES
    )


def _between(one: str, other: str, meaning: Meaning) -> set[str] | None:
    """The content between two concepts that occur once each, in this order."""
    places = meaning.places.get(one, []), meaning.places.get(other, [])
    if len(places[0]) != 1 or len(places[1]) != 1 or places[0][0] >= places[1][0]:
        return None
    return {name for name in meaning.concepts[places[0][0] + 1 : places[1][0]] if name in meaning.content}


def _put_in(name: str, claim: Meaning, passage: Meaning, edit: Edit) -> Iterator[Objection]:
    rival = next((other for other in edit.missing if _kind(other) == _kind(name) and other in TAGS), None)
    counted = rival in BOUNDS and claim.quantities and passage.quantities  # judged with its number
    if rival and not counted and name in TAGS and name not in passage.places:
        yield Objection("quantity", "exchanged", f"exchanged: {name.lower()} for {rival.lower()}", FATAL)
    elif name == NOT and claim.count(NOT) == passage.count(NOT):
        yield Objection("negation", "negation_moved", "negation: the quote denies this elsewhere", 0.3)
    elif name in BOUNDS or (name in TAGS and name in passage.places):
        yield Objection("order", "moved", f"order: {name.lower()} stands elsewhere in the quote", 0.2)
    elif name in passage.places:
        yield Objection(
            "order",
            "moved",
            f"order: {name} stands elsewhere in the quote",
            _moved(name, claim, passage, edit),
        )


def _moved(name: str, claim: Meaning, passage: Meaning, edit: Edit) -> float:
    """In a sentence with no word of its own, a name or number at another's place is a swap."""
    exchanged = any(other not in TAGS for other in edit.missing)
    if is_number(name) or name in claim.names:
        own_words = claim.content.keys() <= passage.content.keys()
        return (0.5 if own_words else 0.3) if exchanged else 0.3
    return 0.2 if exchanged else 0.06


def _taken_out(claim: Meaning, passage: Meaning, edit: Edit) -> Iterator[Objection]:
    goes_on = edit.missing[:1] if edit.outside and edit.after in passage.names else ()
    for name in goes_on if edit.outside and not edit.extra else edit.missing:
        if name in passage.names and name not in claim.places:
            yield Objection("name", "name_left_out", f"name: the sentence leaves out {name}", 0.2)


def _kind(tag: str) -> frozenset[str] | str:
    return next((kind for kind in (BOUNDS, MODALS, QUANTIFIERS) if tag in kind), tag)

"""What a sentence and a passage disagree on. Overlap of words cannot tell a contradiction; this can."""

from collections.abc import Iterator
from dataclasses import dataclass

from knowledge.verify.alignment import Edit, edits
from knowledge.verify.lexicon import BOUNDS, FAMILIES, MODALS, NOT, QUANTIFIERS, TAGS, UNITS
from knowledge.verify.meaning import Meaning, Quantity, is_number

_SCOPE = 4  # concepts after a negation in which its head is looked for


@dataclass(frozen=True, slots=True)
class Objection:
    """reason: for people. cost: what it takes off the confidence; 1.0 forbids support at any threshold."""

    reason: str
    cost: float


def objections(claim: Meaning, passage: Meaning) -> Iterator[Objection]:
    """Everything in which the claim goes beyond or against the passage, apart from missing words."""
    yield from _numbers(claim, passage)
    yield from _names(claim, passage)
    yield from _negation(claim, passage)
    yield from _limits(claim, passage)
    yield from _modality(claim, passage)
    yield from _amount(claim, passage)
    yield from _opposites(claim, passage)
    yield from _edits(claim, passage)


def _numbers(claim: Meaning, passage: Meaning) -> Iterator[Objection]:
    free = list(passage.quantities)
    last: dict[str | None, int] = {}
    for quantity in claim.quantities:
        match = next((other for other in free if _same(quantity, other, passage)), None)
        if match is None:
            yield Objection(f"number: {_shown(quantity)} is not in the quote", 1.0)
            continue
        free.remove(match)
        if match.at < last.get(match.unit, -1):
            yield Objection("number: the quote gives the numbers in another order", 1.0)
        last[match.unit] = match.at
        yield from _bound(quantity, match)


def _same(quantity: Quantity, other: Quantity, passage: Meaning) -> bool:
    if quantity.value != other.value:
        return False
    if quantity.unit == other.unit or quantity.unit is None:
        return True
    return quantity.unit not in UNITS and quantity.unit != "%" and quantity.unit in passage.places


def _shown(quantity: Quantity) -> str:
    return f"{quantity.value} {quantity.unit}" if quantity.unit else quantity.value


def _bound(quantity: Quantity, other: Quantity) -> Iterator[Objection]:
    mine, theirs = quantity.bound, other.bound
    if mine == theirs:
        return
    if mine and theirs and "~" not in (mine, theirs):
        yield Objection(f"number: the quote bounds {_shown(quantity)} otherwise", 1.0)
    else:
        vague = {mine, theirs} <= {"~", None}
        yield Objection(f"number: the quote bounds {_shown(quantity)} differently", 0.04 if vague else 0.15)


def _names(claim: Meaning, passage: Meaning) -> Iterator[Objection]:
    for name in sorted(claim.names - passage.names):
        if name not in passage.places and name not in TAGS and not is_number(name):
            yield Objection(f"name: {name} is not in the quote", 1.0)


def _negation(claim: Meaning, passage: Meaning) -> Iterator[Objection]:
    mine, theirs = claim.count(NOT), passage.count(NOT)
    if mine != theirs:
        yield Objection("negation: only one of sentence and quote denies this", 1.0)
    elif mine:
        my_heads, their_heads = set(_heads(claim)), set(_heads(passage))
        moved = [head for head in my_heads - their_heads if head in passage.places]
        if moved and any(head in claim.places for head in their_heads - my_heads):
            yield Objection("negation: the quote denies something else", 1.0)


def _heads(meaning: Meaning) -> Iterator[str]:
    for at in meaning.places.get(NOT, ()):
        following = meaning.concepts[at + 1 : at + 1 + _SCOPE]
        yield next((name for name in following if name not in TAGS), "")


_LIMIT_COSTS = {"ONLY": 0.3, "EXCEPT": 0.4, "WITHOUT": 0.4, "UNTIL": 0.3, "INSTEAD": 0.2, "IF": 0.1}


def _limits(claim: Meaning, passage: Meaning) -> Iterator[Objection]:
    for tag, cost in _LIMIT_COSTS.items():
        mine, theirs = claim.count(tag), passage.count(tag)
        if mine > theirs:
            yield Objection(f"limit: the quote has no {tag.lower()}", max(cost, 0.2))
        elif theirs > mine:
            yield Objection(f"limit: the sentence leaves out {tag.lower()}", cost)


_UNSAID_MODAL = {"MUST": 0.12, "SHOULD": 0.15, "MAY": 0.1}
_DROPPED_MODAL = {"MUST": 0.03, "SHOULD": 0.15, "MAY": 0.1}


def _modality(claim: Meaning, passage: Meaning) -> Iterator[Objection]:
    mine, theirs = MODALS.intersection(claim.places), MODALS.intersection(passage.places)
    for modal in sorted(mine - theirs):
        clash = bool(theirs - mine)
        yield Objection(
            f"modality: the quote does not say {modal.lower()}", 1.0 if clash else _UNSAID_MODAL[modal]
        )
    if not mine:
        for modal in sorted(theirs):
            yield Objection(f"modality: the sentence leaves out {modal.lower()}", _DROPPED_MODAL[modal])


_PARTIAL = ("SOME", "MOST", "FEW")


def _amount(claim: Meaning, passage: Meaning) -> Iterator[Objection]:
    mine = [tag for tag in ("ALL", *_PARTIAL) if tag in claim.places]
    theirs = [tag for tag in ("ALL", *_PARTIAL) if tag in passage.places]
    for tag in mine:
        if tag not in theirs:
            clash = any(other not in mine for other in theirs)
            cost = 1.0 if clash else (0.08 if tag == "ALL" else 0.2)
            yield Objection(f"quantity: the quote does not say {tag.lower()}", cost)
    for tag in _PARTIAL:
        if tag in theirs and tag not in mine:
            yield Objection(f"quantity: the sentence leaves out {tag.lower()}", 0.15)


def _opposites(claim: Meaning, passage: Meaning) -> Iterator[Objection]:
    theirs = {
        (family, side): name
        for name in passage.content
        if name not in claim.content
        for family, side in FAMILIES.get(name, ())
    }
    for name in claim.content:
        if name in passage.content:
            continue
        for family, side in FAMILIES.get(name, ()):
            other = next((word for (kin, way), word in theirs.items() if kin == family and way != side), None)
            if other:
                yield Objection(f"opposite: {name} against {other}", 1.0)


def _edits(claim: Meaning, passage: Meaning) -> Iterator[Objection]:
    """What was put in, taken out or exchanged against the quote's own row of concepts.

    Sets of words cannot see who does what to whom, or which of two numbers belongs to which thing.
    """
    for edit in edits(claim.concepts, passage.concepts):
        for name in edit.extra:
            yield from _put_in(name, claim, passage, edit)
        yield from _taken_out(claim, passage, edit)


def _put_in(name: str, claim: Meaning, passage: Meaning, edit: Edit) -> Iterator[Objection]:
    rival = next((other for other in edit.missing if _kind(other) == _kind(name) and other in TAGS), None)
    if rival and name in TAGS:
        yield Objection(f"exchanged: {name.lower()} for {rival.lower()}", 1.0)
    elif name == NOT:
        yield Objection("negation: the quote does not deny this", 1.0)
    elif name in BOUNDS or (name in TAGS and name in passage.places):
        yield Objection(f"order: {name.lower()} stands elsewhere in the quote", 0.2)
    elif name in passage.places:
        yield Objection(f"order: {name} stands elsewhere in the quote", _moved(name, claim, edit))


def _moved(name: str, claim: Meaning, edit: Edit) -> float:
    exchanged = any(other not in TAGS for other in edit.missing)
    if is_number(name) or name in claim.names:
        return 1.0 if exchanged else 0.3
    return 0.2 if exchanged else 0.06


def _taken_out(claim: Meaning, passage: Meaning, edit: Edit) -> Iterator[Objection]:
    if NOT in edit.missing and NOT in claim.places and not edit.outside:
        yield Objection("negation: the quote denies this elsewhere", 1.0)
    goes_on = edit.missing[:1] if edit.outside and edit.after in passage.names else ()
    for name in goes_on if edit.outside and not edit.extra else edit.missing:
        if name in passage.names and name not in claim.places:
            yield Objection(f"name: the sentence leaves out {name}", 0.2)


def _kind(tag: str) -> frozenset[str] | str:
    return next((kind for kind in (BOUNDS, MODALS, QUANTIFIERS) if tag in kind), tag)

"""What a sentence and a passage disagree on. Overlap of words cannot tell a contradiction; this can."""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import groupby, pairwise, takewhile
from typing import Literal

from knowledge.verify.alignment import Edit, edits, exchanged
from knowledge.verify.lexicon import (
    BOUNDS,
    CALENDAR,
    CONCEPTS,
    CONVERSES,
    FAMILIES,
    MODALS,
    NOT,
    PERSONS,
    QUANTIFIERS,
    SIDES,
    TAGS,
    TURNED,
    UNITS,
    VAGUE,
)
from knowledge.verify.meaning import Meaning, Quantity, is_number
from knowledge.verify.related import relation
from knowledge.verify.words import stem

_SCOPE = 4  # concepts after a negation or a modal in which its head is looked for
_FATAL = 1.0

Layer = Literal[
    "number",
    "name",
    "negation",
    "limit",
    "modality",
    "quantity",
    "direction",
    "order",
    "meaning",
    "judge",
]


@dataclass(frozen=True, slots=True)
class Objection:
    """One disagreement of sentence and passage.

    layer, code: which check found it, and what (for tables). reason: for people. cost: its weight; 1.0
    forbids support at any threshold.
    """

    layer: Layer
    code: str
    reason: str
    cost: float

    @property
    def fatal(self) -> bool:
        return self.cost >= _FATAL


def objections(
    claim: Meaning,
    passage: Meaning,
    context: frozenset[str] = frozenset(),
    around: frozenset[str] = frozenset(),
) -> Iterator[Objection]:
    """Everything in which the claim goes beyond or against the passage, apart from missing words.

    context: stems of the title and headings above the passage, which say what it is about. around: names in
    the rest of its chunk.
    """
    against = list(_opposites(claim, passage))
    yield from _numbers(claim, passage)
    yield from _names(claim, passage, context, around)
    yield from _polarity(claim, passage, against)
    yield from _limits(claim, passage)
    yield from _unconditional(claim, passage)
    yield from _scopes(claim, passage)
    yield from _modality(claim, passage)
    yield from _amount(claim, passage)
    yield from _sequence(claim, passage)
    yield from _frequency(claim, passage)
    yield from _edits(claim, passage)
    yield from _another_subject(claim, passage)
    yield from _added(claim, passage)
    yield from _exchanged_thing(claim, passage)


def _numbers(claim: Meaning, passage: Meaning) -> Iterator[Objection]:
    free = list(passage.quantities)
    last: dict[str | None, int] = {}
    for quantity in claim.quantities:
        match = _match(quantity, free, passage)
        if match is None and quantity.value == _FIRST and not _other_ordinal(passage):
            yield Objection("number", "first_unsaid", "number: the quote does not say first", 0.3)
            continue
        if match is None and _just_one(quantity, claim, passage):
            yield Objection("number", "one_unsaid", "number: the quote does not say one", 0.1)
            continue
        if match is None:
            code, why = _no_match(quantity, passage)
            yield Objection("number", code, f"number: {why}", _FATAL)
            continue
        free.remove(match)
        if match.at < last.get(match.unit, -1) and claim.content.keys() <= passage.content.keys():
            yield Objection(
                "number", "number_order", "number: the quote gives the numbers in another order", _FATAL
            )
        last[match.unit] = match.at
        yield from _bound(quantity, match)
        yield from _elsewhere(quantity, match, claim, passage)


def _just_one(quantity: Quantity, claim: Meaning, passage: Meaning) -> bool:
    """ "One" that only stands for "a", or for a noun: the quote counts nothing there."""
    if quantity.value != "1":
        return False
    said = {each.value for each in claim.quantities}
    counted = [each for each in passage.quantities if each.value not in said]
    measured = quantity.unit in UNITS
    return all((each.unit in UNITS or each.unit == "%") != measured for each in counted if each.unit) and all(
        each.unit for each in counted
    )


_FIRST = "1th"
_AROUND = 5  # concepts on each side of a number that say what it is about


def _other_ordinal(passage: Meaning) -> bool:
    return (
        any(name.endswith("th") and is_number(name) for name in passage.concepts) or "last" in passage.places
    )


def _elsewhere(quantity: Quantity, match: Quantity, claim: Meaning, passage: Meaning) -> Iterator[Objection]:
    """Of two numbers of one unit the sentence has taken the one that is about something else."""
    rivals = [one for one in passage.quantities if one.unit == match.unit and one.value != match.value]
    if any(one.value == other.value for one in rivals for other in claim.quantities):
        return  # the sentence has both
    about = _about(match, claim, passage)
    if any(_about(one, claim, passage) > about for one in rivals):
        reason = f"number: in the quote {_shown(quantity)} is about something else"
        yield Objection("number", "number_elsewhere", reason, 0.5)


def _about(quantity: Quantity, claim: Meaning, passage: Meaning) -> int:
    around = passage.concepts[max(0, quantity.at - _AROUND) : quantity.at + _AROUND + 1]
    return sum(name in claim.content for name in set(around))


def _match(quantity: Quantity, free: list[Quantity], passage: Meaning) -> Quantity | None:
    fitting = [other for other in free if _same(quantity, other, passage)]
    same_bound = [other for other in fitting if other.bound == quantity.bound]
    return next(iter(same_bound or fitting), None)


def _no_match(quantity: Quantity, passage: Meaning) -> tuple[str, str]:
    other = next((each for each in passage.quantities if each.value == quantity.value), None)
    if other is None:
        return "number_missing", f"{_shown(quantity)} is not in the quote"
    return "unit_differs", f"{_shown(quantity)} is not in the quote, which has {_shown(other)}"


_DAYS_OF_A_MONTH = 30


def _same(quantity: Quantity, other: Quantity, passage: Meaning) -> bool:
    mine, theirs = quantity.unit, other.unit
    if quantity.value != other.value:
        return _same_length(quantity, other) or _same_length(other, quantity)
    if mine == theirs or mine is None:
        return True
    if quantity.label and quantity.label == other.label and not {mine, theirs} <= UNITS | {"%"}:
        return True  # "level 3 employees", "level 3 is": what follows is not counted
    if mine in PERSONS and theirs in PERSONS:
        return True
    if mine in UNITS or mine == "%":
        return theirs is None and mine in passage.places
    if theirs is None or theirs not in UNITS:
        return _counts_the_same(mine, theirs, other, passage)
    return mine in passage.places and mine not in _counted(passage)


def _counts_the_same(mine: str, theirs: str | None, other: Quantity, passage: Meaning) -> bool:
    """412 employees are 412 people; but 8 wheelchairs and 30 bicycles are not 8 bicycles."""
    if theirs and relation(mine, theirs):
        return True
    return mine not in _counted(passage) or mine in _until_number(passage, other.at)


def _until_number(passage: Meaning, at: int) -> tuple[str, ...]:
    following = passage.concepts[at + 1 : at + 1 + _AROUND]
    return tuple(takewhile(lambda name: not is_number(name), following))


def _counted(passage: Meaning) -> set[str | None]:
    return {quantity.unit for quantity in passage.quantities}


def _same_length(months: Quantity, days: Quantity) -> bool:
    """Handbooks say 90 days and mean three months."""
    if (months.unit, days.unit) != ("month", "day") or not (months.value + days.value).isdigit():
        return False
    return int(months.value) * _DAYS_OF_A_MONTH == int(days.value)


def _shown(quantity: Quantity) -> str:
    return f"{quantity.value} {quantity.unit}" if quantity.unit else quantity.value


_SIDES = {"≥": "up", ">": "up", "≤": "down", "<": "down"}


def _bound(quantity: Quantity, other: Quantity) -> Iterator[Objection]:
    mine, theirs = quantity.bound, other.bound
    if mine == theirs:
        return
    if mine and theirs and "~" not in (mine, theirs) and _SIDES[mine] != _SIDES[theirs]:
        yield Objection(
            "number", "bound_differs", f"number: the quote bounds {_shown(quantity)} otherwise", _FATAL
        )
    else:
        cost = 0.04 if {mine, theirs} <= {"~", None} or (mine and theirs) else 0.15
        yield Objection(
            "number", "bound_unsaid", f"number: the quote bounds {_shown(quantity)} differently", cost
        )


def _names(
    claim: Meaning, passage: Meaning, context: frozenset[str], around: frozenset[str]
) -> Iterator[Objection]:
    for name in sorted(claim.names - passage.names - context):
        known = name in passage.places or CONCEPTS.get(name, name) in passage.places
        if known or name in TAGS or is_number(name) or _abbreviated(name, claim, passage):
            continue
        if name in around and not _for_another(name, claim, passage):
            yield Objection("name", "name_around", f"name: {name} stands only near the quote", 0.3)
        else:
            yield Objection("name", "name_missing", f"name: {name} is not in the quote", _FATAL)


def _for_another(name: str, claim: Meaning, passage: Meaning) -> bool:
    """Whether it stands where the passage has another name, or a name of the passage is left out."""
    concept = CONCEPTS.get(name, name)
    missing = passage.names - claim.names - claim.places.keys()
    return any(
        missing.intersection(edit.missing)
        for edit in edits(claim.concepts, passage.concepts)
        if concept in edit.extra
    )


def _abbreviated(name: str, claim: Meaning, passage: Meaning) -> bool:
    """PPL is Paid Parental Leave, whichever of the two says it in full."""
    return bool(passage.spelt(name)) or any(name in claim.spelt(other) for other in passage.names)


def _polarity(claim: Meaning, passage: Meaning, against: list[Objection]) -> Iterator[Objection]:
    """Negation and opposites together: "not open" says what "closed" says."""
    differ = not _denials(claim, passage) & _denials(passage, claim)
    if differ and len(against) == 1 and against[0].code == "opposite" and _one_apart(claim, passage):
        yield Objection("negation", "denied_opposite", "negation: the quote says it with the opposite", 0.3)
        return
    yield from against
    if differ:
        yield Objection(
            "negation", "negation_differs", "negation: only one of sentence and quote denies this", _FATAL
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
    my_heads, their_heads = set(_heads(claim, NOT)), set(_heads(passage, NOT))
    moved = [head for head in my_heads - their_heads if head in passage.places]
    said = any(head in claim.places for head in their_heads - my_heads)
    if moved and (said or not any(_denied(head, passage) for head in moved)):
        yield Objection("negation", "negation_moved", "negation: the quote denies something else", _FATAL)
    elif not any(_near(name, _reach(passage)) for name in _reach(claim)):
        yield Objection("negation", "negation_elsewhere", "negation: the quote denies something else", _FATAL)


def _denied(name: str, meaning: Meaning) -> bool:
    """Whether a negation reaches it, before the next modal."""
    return any(
        name in takewhile(_no_modal, meaning.concepts[at + 1 : at + 1 + _FAR])
        or name in meaning.concepts[max(0, at - _BEHIND) : at]
        for at in meaning.places.get(NOT, ())
    )


def _near(name: str, others: AbstractSet[str]) -> bool:
    return name in others or any(relation(name, other) for other in others)


_BEHIND = 2
_FAR = 8


def _reach(meaning: Meaning) -> set[str]:
    """The content that a negation may be about."""
    return {
        name
        for at in meaning.places.get(NOT, ())
        for name in meaning.concepts[max(0, at - _BEHIND) : at + 1 + _SCOPE]
        if name in meaning.content
    }


def _heads(meaning: Meaning, tag: str) -> Iterator[str]:
    for at in meaning.places.get(tag, ()):
        following = meaning.concepts[at + 1 : at + 1 + _SCOPE]
        yield next((name for name in takewhile(_no_modal, following) if name not in TAGS), "")


def _no_modal(name: str) -> bool:
    return name not in MODALS


_AGAINST_ONLY = ("EXCEPT", "WITHOUT", "UNTIL")
"""In the one writing of polarity.py "not until" is "only after": the bare limit says the opposite."""
_LIMIT_COSTS = {"ONLY": 0.3, "EXCEPT": 0.4, "WITHOUT": 0.4, "UNTIL": 0.3, "INSTEAD": 0.2, "IF": 0.1}


def _limits(claim: Meaning, passage: Meaning) -> Iterator[Objection]:
    more = {tag: claim.count(tag) - passage.count(tag) for tag in ("ONLY", *_AGAINST_ONLY)}
    if any(more["ONLY"] * more[tag] < 0 for tag in _AGAINST_ONLY):
        cost = _FATAL if _says_it_all(claim, passage) else 0.5
        yield Objection("limit", "limit_exchanged", "limit: only stands against except or until", cost)
    for tag, cost in _LIMIT_COSTS.items():
        mine, theirs = claim.count(tag), passage.count(tag)
        if theirs > mine and tag == "EXCEPT" and _excepted(claim, passage):
            yield Objection("limit", "exception_said", "limit: the quote excepts this", _FATAL)
        elif mine > theirs:
            added = _FATAL if tag != "IF" and _says_it_all(claim, passage) else max(cost, 0.2)
            yield Objection("limit", "limit_added", f"limit: the quote has no {tag.lower()}", added)
        elif theirs > mine:
            whole = _FATAL if tag in _TURNING and _says_it_all(claim, passage) else cost
            yield Objection("limit", "limit_left_out", f"limit: the sentence leaves out {tag.lower()}", whole)


def _says_what_follows(tag: str, claim: Meaning, passage: Meaning) -> bool:
    """Whether the sentence speaks of what stands right after this word of the passage."""
    return any(
        name in claim.places
        for at in passage.places.get(tag, ())
        for name in [
            each
            for each in passage.concepts[at + 1 : at + 1 + _SCOPE]
            if each in passage.content or is_number(each)
        ][:_CLOSE]
    )


def _excepted(claim: Meaning, passage: Meaning) -> bool:
    return claim.count(NOT) <= passage.count(NOT) and _says_what_follows("EXCEPT", claim, passage)


def _unconditional(claim: Meaning, passage: Meaning) -> Iterator[Objection]:
    """ "Spend it" of "do not spend it without approval"."""
    if passage.count(TURNED) <= claim.count(TURNED):
        return
    if not any(claim.count(tag) > passage.count(tag) for tag in _CONDITIONS):
        yield Objection(
            "limit", "condition_left_out", "limit: the quote allows this under a condition", _FATAL
        )


_CLOSE = 2
_CONDITIONS = ("ONLY", "MUST", NOT, "IF", "WITHOUT", "EXCEPT", "UNTIL", "after", "onc", "befor")
_SCOPES = frozenset("<>")


def _scopes(claim: Meaning, passage: Meaning) -> Iterator[Objection]:
    """ "For meals above 20" says nothing of meals."""
    said = {quantity.value for quantity in claim.quantities}
    for quantity in passage.quantities:
        if quantity.bound in _SCOPES and quantity.value not in said:
            reason = f"limit: the sentence leaves out {quantity.bound} {_shown(quantity)}"
            yield Objection("limit", "limit_left_out", reason, 0.4)


_TURNING = frozenset({"ONLY", "EXCEPT", "WITHOUT"})
_ALL_BUT = 0.8
_REPEATED = 0.85
_MOST_OF_IT = 0.5


def _says_it_all(claim: Meaning, passage: Meaning) -> bool:
    """Whether it repeats nearly all of the passage, the limit apart."""
    shared = sum(weight for name, weight in passage.content.items() if name in claim.content)
    return shared >= _ALL_BUT * passage.total


_UNSAID_MODAL = {"MUST": 0.12, "SHOULD": 0.15, "MAY": 0.1}
_DROPPED_MODAL = {"MUST": 0.03, "SHOULD": 0.15, "MAY": 0.1}


def _modality(claim: Meaning, passage: Meaning) -> Iterator[Objection]:
    mine, theirs = MODALS.intersection(claim.places), MODALS.intersection(passage.places)
    for modal in sorted(mine & theirs):
        if _of_another(modal, claim, passage):
            reason = f"modality: the quote does not say {modal.lower()} of this"
            yield Objection("modality", "modal_exchanged", reason, _FATAL)
    for modal in sorted(mine & theirs):
        if claim.count(modal) > passage.count(modal) and theirs - mine:
            reason = f"modality: the quote says {modal.lower()} less often"
            yield Objection("modality", "modal_exchanged", reason, _FATAL)
    for modal in sorted(mine - theirs):
        clash = bool(theirs - mine)
        yield Objection(
            "modality",
            "modal_exchanged" if clash else "modal_added",
            f"modality: the quote does not say {modal.lower()}",
            _FATAL if clash else _UNSAID_MODAL[modal],
        )
    if not mine:
        for modal in sorted(theirs):
            yield Objection(
                "modality",
                "modal_left_out",
                f"modality: the sentence leaves out {modal.lower()}",
                _DROPPED_MODAL[modal],
            )


def _of_another(modal: str, claim: Meaning, passage: Meaning) -> bool:
    """Whether what the sentence says under this modal, the quote says under another one only."""
    theirs = set(_heads(passage, modal))
    others = {head for other in MODALS - {modal} for head in _heads(passage, other)}
    return any(head in others and head not in theirs for head in _heads(claim, modal) if head)


_PARTIAL = ("SOME", "MOST", "FEW")


def _amount(claim: Meaning, passage: Meaning) -> Iterator[Objection]:
    mine = [tag for tag in ("ALL", *_PARTIAL) if tag in claim.places]
    theirs = [tag for tag in ("ALL", *_PARTIAL) if tag in passage.places]
    for tag in mine:
        if tag not in theirs:
            clash = any(other not in mine for other in theirs)
            cost = _FATAL if clash else (0.08 if tag == "ALL" else 0.2)
            code = "quantifier_exchanged" if clash else "quantifier_added"
            yield Objection("quantity", code, f"quantity: the quote does not say {tag.lower()}", cost)
    for tag in _PARTIAL:
        if tag in theirs and tag not in mine:
            yield Objection(
                "quantity", "quantifier_left_out", f"quantity: the sentence leaves out {tag.lower()}", 0.15
            )


_OFTEN = frozenset({"annual", "month", "week", "daili", "hour", "quarter"})
_EXACT = CALENDAR | _OFTEN


def _opposites(claim: Meaning, passage: Meaning) -> Iterator[Objection]:
    for name, other in _opposed(claim, passage):
        sure = _two_sided(name, other) or name in _EXACT or _in_place_of(name, other, claim, passage)
        code = "opposite" if _two_sided(name, other) else "one_of_a_kind"
        yield Objection("direction", code, f"opposite: {name} against {other}", _FATAL if sure else 0.4)


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
    counted = (_counted(claim) | _counted(passage)) & UNITS
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


def _frequency(claim: Meaning, passage: Meaning) -> Iterator[Objection]:
    """ "Weekly" of what the quote gives no rhythm; another rhythm is an opposite."""
    counted = _counted(claim)
    for name in _OFTEN.intersection(claim.places) - passage.places.keys():
        if name not in counted:
            yield Objection("quantity", "rhythm_added", f"quantity: the quote does not say {name}", 0.4)


_BEFORE, _AFTER = "befor", "after"
_THEN = frozenset({"after", "onc", "later", "follow", "sinc", "upon"})


def _sequence(claim: Meaning, passage: Meaning) -> Iterator[Objection]:
    """Before and after: where only one of the two says either, and what they stand between."""
    # In a sentence with no word of its own nothing else can stand for it.
    cost = _FATAL if claim.content.keys() - passage.content.keys() <= {_BEFORE, _AFTER} else 0.4
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
        yield Objection("direction", "crossed", "direction: the quote has it the other way round", _FATAL)


def _dropped(tag: str, claim: Meaning, passage: Meaning) -> float:
    """It turns what the sentence says only where the sentence speaks of what follows."""
    if not _says_what_follows(tag, claim, passage):
        return 0.15
    return _FATAL if claim.content.keys() <= passage.content.keys() else 0.5


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


def _edits(claim: Meaning, passage: Meaning) -> Iterator[Objection]:
    """What was put in, taken out or exchanged against the quote's own row of concepts.

    Sets of words cannot see who does what to whom, or which of two numbers belongs to which thing.
    """
    swapped = exchanged(claim.concepts, passage.concepts) and not _converse(claim, passage)
    if _taken_role(claim, passage):
        yield Objection("order", "role_taken", "order: in the quote this is done to it, not by it", 0.6)
    if swapped or _name_reordered(claim, passage) or _roles_exchanged(claim, passage):
        yield Objection("order", "exchanged", "order: two things stand at each other's place", _FATAL)
    for edit in edits(claim.concepts, passage.concepts):
        for name in edit.extra:
            yield from _put_in(name, claim, passage, edit)
        yield from _taken_out(claim, passage, edit)


_BE = frozenset(map(stem, ["is", "are", "was", "were", "be", "been", "being", "get", "gets", "got"]))


def _taken_role(claim: Meaning, passage: Meaning) -> bool:
    """ "Guests pay for meals" of "we pay for the meals of guests": what stands behind the verb has come before
    it, and who did it is gone. In the passive that changes nothing."""
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


def _another_subject(claim: Meaning, passage: Meaning) -> Iterator[Objection]:
    """What the sentence begins with stands nowhere in the quote, whose own subject it leaves out."""
    first = next(iter(edits(claim.concepts, passage.concepts)), None)
    if first is None or first.after or not first.extra:
        return
    mine, theirs = _telling(first.extra, claim), _telling(first.missing, passage)
    if not mine or not theirs or any(_near(name, passage.content.keys()) for name in mine):
        return
    if not any(_near(name, claim.content.keys()) for name in theirs):
        reason = f"name: the quote says it of {' '.join(theirs)}, not of {' '.join(mine)}"
        yield Objection(
            "name", "another_subject", reason, _FATAL if _else_repeated(mine, claim, passage) else 0.4
        )


def _added(claim: Meaning, passage: Meaning) -> Iterator[Objection]:
    """A stretch at the end or the beginning that the quote has nothing for, where all else is its own words."""
    for edit in edits(claim.concepts, passage.concepts):
        more = [name for name in _telling(edit.extra, claim) if not _near(name, passage.content.keys())]
        bare = not any(name in passage.content for name in edit.missing)
        if edit.outside and more and bare and _else_repeated(more, claim, passage):
            yield Objection("order", "added", f"words: the quote has nothing of {' '.join(more)}", _FATAL)


def _exchanged_thing(claim: Meaning, passage: Meaning) -> Iterator[Objection]:
    """Something stands at the place of something else, where all else is the quote's own words."""
    for edit in edits(claim.concepts, passage.concepts):
        mine = [name for name in _telling(edit.extra, claim) if not _near(name, passage.content.keys())]
        theirs = [name for name in edit.missing if name in passage.content]
        if mine and theirs and not edit.outside and _else_repeated(mine, claim, passage):
            reason = f"words: the quote has {' '.join(theirs)} where the sentence has {' '.join(mine)}"
            yield Objection("order", "word_exchanged", reason, _FATAL)


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
        yield Objection("quantity", "exchanged", f"exchanged: {name.lower()} for {rival.lower()}", _FATAL)
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

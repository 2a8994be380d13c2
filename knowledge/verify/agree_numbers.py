"""Numbers with their units and bounds: what a sentence says that a passage does not."""

from collections.abc import Iterator
from itertools import takewhile

from knowledge.verify.lexicon import (
    PERSONS,
    UNITS,
)
from knowledge.verify.meaning import Meaning, Quantity, is_number
from knowledge.verify.objection import FATAL, Objection
from knowledge.verify.related import relation


def numbers(claim: Meaning, passage: Meaning) -> Iterator[Objection]:
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
            yield Objection("number", code, f"number: {why}", FATAL)
            continue
        free.remove(match)
        if match.at < last.get(match.unit, -1) and claim.content.keys() <= passage.content.keys():
            yield Objection(
                "number", "number_order", "number: the quote gives the numbers in another order", FATAL
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
        reason = f"number: in the quote {shown(quantity)} is about something else"
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
        instead = [shown(each) for each in passage.quantities if each.unit == quantity.unit and each.unit]
        has = f", which has {' and '.join(instead)}" if instead else ""
        return "number_missing", f"{shown(quantity)} is not in the quote{has}"
    return "unit_differs", f"{shown(quantity)} is not in the quote, which has {shown(other)}"


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
    return mine in passage.places and mine not in counted_units(passage)


def _counts_the_same(mine: str, theirs: str | None, other: Quantity, passage: Meaning) -> bool:
    """412 employees are 412 people; but 8 wheelchairs and 30 bicycles are not 8 bicycles."""
    if theirs and relation(mine, theirs):
        return True
    return mine not in counted_units(passage) or mine in _until_number(passage, other.at)


def _until_number(passage: Meaning, at: int) -> tuple[str, ...]:
    following = passage.concepts[at + 1 : at + 1 + _AROUND]
    return tuple(takewhile(lambda name: not is_number(name), following))


def counted_units(passage: Meaning) -> set[str | None]:
    return {quantity.unit for quantity in passage.quantities}


def _same_length(months: Quantity, days: Quantity) -> bool:
    """Handbooks say 90 days and mean three months."""
    if (months.unit, days.unit) != ("month", "day") or not (months.value + days.value).isdigit():
        return False
    return int(months.value) * _DAYS_OF_A_MONTH == int(days.value)


def shown(quantity: Quantity) -> str:
    return f"{quantity.value} {quantity.unit}" if quantity.unit else quantity.value


_SIDES = {"≥": "up", ">": "up", "≤": "down", "<": "down"}


def _bound(quantity: Quantity, other: Quantity) -> Iterator[Objection]:
    mine, theirs = quantity.bound, other.bound
    if mine == theirs:
        return
    if mine and theirs and "~" not in (mine, theirs) and _SIDES[mine] != _SIDES[theirs]:
        yield Objection(
            "number", "bound_differs", f"number: the quote bounds {shown(quantity)} otherwise", FATAL
        )
    else:
        cost = 0.04 if {mine, theirs} <= {"~", None} or (mine and theirs) else 0.15
        yield Objection(
            "number", "bound_unsaid", f"number: the quote bounds {shown(quantity)} differently", cost
        )

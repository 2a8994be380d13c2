"""Negation that belongs to a number, a modal or a limit, in one writing."""

from collections.abc import Iterator
from itertools import chain

from knowledge.verify.lexicon import CALENDAR, LATEST, NOR, NOT, TURNED

_REACH = 4
_BEFORE = 3
_DENIED = {">": "≤", "<": "≥", "≥": "<", "≤": ">"}
_AFTER_NUMBER = frozenset("≥≤")  # "5 days or more"
_FAR = 14  # concepts between a negation and the limit that turns it round
_TURNED = {
    "UNTIL": f"{TURNED} ONLY after",
    "EXCEPT": f"{TURNED} ONLY",
    "WITHOUT": f"{TURNED} ONLY",
    "befor": f"{TURNED} ONLY after",
}
_NOT_NEEDED = "requir"


def bounded(concepts: list[str]) -> list[str]:
    """ "cannot be longer than 4" says ≤ 4, and "no later than 4 before" ≥ 4; "must not" and "may not" forbid
    as "not" does; "need not" obliges to nothing; "not until", "not unless", "not without" say "only"."""
    row = list(concepts)
    for at, name in enumerate(row):
        following = row[at + 1 : at + 2]
        if name == LATEST:
            row[at] = "≥" if "befor" in row[at + 2 : at + 2 + _BEFORE] else "≤"
        if name == NOR:
            row[at] = "" if NOT in row[:at] else NOT
        if name == "MUST" and at and row[at - 1] == NOT:
            row[at] = _NOT_NEEDED
        if name == "UNTIL" and _is_range(row, at):
            row[at] = ""
        if name in _DENIED:
            _deny_bound(row, at)
        if name in ("MUST", "MAY") and following == [NOT]:
            row[at] = ""
        if name == "MAY" and (following == ["ONLY"] or row[max(0, at - 1) : at] == ["ONLY"]):
            row[at] = ""
    return _without_turned([part for name in row for part in name.split()])


def _deny_bound(row: list[str], at: int) -> None:
    number = next((place for place in (at + 1, *_before(row, at)) if _is_digits(row, place)), None)
    denied = -1 if number is None else _last_not(row, min(at, number))
    if number is None or denied < 0:
        return
    row[denied] = ""
    bound = _DENIED[row[at]]
    if number > at:
        row[at] = bound
    else:
        row[at], row[number] = "", f"{bound} {row[number]}"


def _before(row: list[str], at: int) -> tuple[int, ...]:
    return (at - 1, at - 2) if row[at] in _AFTER_NUMBER else ()


def _is_digits(row: list[str], at: int) -> bool:
    return 0 <= at < len(row) and row[at][:1].isdigit()


def _last_not(row: list[str], at: int) -> int:
    for place in range(at - 1, max(-1, at - 1 - _REACH), -1):
        if row[place] == NOT:
            return place
        if row[place][:1].isdigit():
            return -1
    return -1


def _without_turned(row: list[str]) -> list[str]:
    made = list(row)
    for at, name in enumerate(row):
        if name == NOT and row[at + 1 : at + 2] != [_NOT_NEEDED]:
            limit = next(_limits_after(row, at), None)
            if limit is not None:
                made[at], made[limit] = "", _TURNED[row[limit]]
    return list(chain.from_iterable(name.split() for name in made))


def _limits_after(row: list[str], at: int) -> Iterator[int]:
    """The first limit in its reach, unless another negation comes first."""
    for place in range(at + 1, min(len(row), at + 1 + _FAR)):
        if row[place] == NOT:
            return
        if row[place] in _TURNED:
            yield place


def _is_range(row: list[str], at: int) -> bool:
    """ "From May until August" is one stretch."""
    sides = [*row[max(0, at - 1) : at], *row[at + 1 : at + 2]]
    return len(sides) == 2 and all(name in CALENDAR or name[:1].isdigit() for name in sides)

"""Negation that belongs to a number or to a modal, in one writing."""

from knowledge.verify.lexicon import LATEST, NOT

_REACH = 4
_BEFORE = 3
_DENIED = {">": "≤", "<": "≥"}


def bounded(concepts: list[str]) -> list[str]:
    """ "cannot be longer than 4" says ≤ 4, and "no later than 4 before" ≥ 4; "must not" and "may not" forbid
    as "not" does; "need not" obliges to nothing."""
    row = list(concepts)
    for at, name in enumerate(row):
        if name == LATEST:
            row[at] = "≥" if "befor" in row[at + 2 : at + 2 + _BEFORE] else "≤"
        if name == "MUST" and at and row[at - 1] == NOT:
            row[at] = "requir"
        if name in _DENIED and at + 1 < len(row) and row[at + 1][:1].isdigit():
            denied = _last_not(row, at)
            if denied >= 0:
                row[denied], row[at] = "", _DENIED[name]
        if name in ("MUST", "MAY") and row[at + 1 : at + 2] == [NOT]:
            row[at] = ""
    return [name for name in row if name]


def _last_not(row: list[str], at: int) -> int:
    for place in range(at - 1, max(-1, at - 1 - _REACH), -1):
        if row[place] == NOT:
            return place
        if row[place][:1].isdigit():
            return -1
    return -1

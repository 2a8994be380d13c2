"""Restrictions, conditions and exceptions; must, should and may; all, most and some."""

from collections.abc import Iterator

from knowledge.verify.agree_numbers import shown
from knowledge.verify.lexicon import (
    MODALS,
    NOT,
    TURNED,
)
from knowledge.verify.meaning import Meaning
from knowledge.verify.objection import FATAL, Objection
from knowledge.verify.reach import heads, says_it_all, says_what_follows

_AGAINST_ONLY = ("EXCEPT", "WITHOUT", "UNTIL")
"""In the one writing of polarity.py "not until" is "only after": the bare limit says the opposite."""
_LIMIT_COSTS = {"ONLY": 0.3, "EXCEPT": 0.4, "WITHOUT": 0.4, "UNTIL": 0.3, "INSTEAD": 0.2, "IF": 0.1}


def limits(claim: Meaning, passage: Meaning) -> Iterator[Objection]:
    more = {tag: claim.count(tag) - passage.count(tag) for tag in ("ONLY", *_AGAINST_ONLY)}
    if any(more["ONLY"] * more[tag] < 0 for tag in _AGAINST_ONLY):
        cost = FATAL if says_it_all(claim, passage) else 0.5
        yield Objection("limit", "limit_exchanged", "limit: only stands against except or until", cost)
    for tag, cost in _LIMIT_COSTS.items():
        mine, theirs = claim.count(tag), passage.count(tag)
        if theirs > mine and tag == "EXCEPT" and _excepted(claim, passage):
            yield Objection("limit", "exception_said", "limit: the quote excepts this", FATAL)
        elif mine > theirs:
            added = FATAL if tag != "IF" and says_it_all(claim, passage) else max(cost, 0.2)
            yield Objection("limit", "limit_added", f"limit: the quote has no {tag.lower()}", added)
        elif theirs > mine:
            whole = FATAL if tag in _TURNING and says_it_all(claim, passage) else cost
            yield Objection("limit", "limit_left_out", f"limit: the sentence leaves out {tag.lower()}", whole)


def _excepted(claim: Meaning, passage: Meaning) -> bool:
    return claim.count(NOT) <= passage.count(NOT) and says_what_follows("EXCEPT", claim, passage)


def unconditional(claim: Meaning, passage: Meaning) -> Iterator[Objection]:
    """ "Spend it" of "do not spend it without approval"."""
    if passage.count(TURNED) <= claim.count(TURNED) or claim.count("ONLY") >= passage.count("ONLY"):
        return
    if not any(claim.count(tag) > passage.count(tag) for tag in _CONDITIONS):
        yield Objection(
            "limit", "condition_left_out", "limit: the quote allows this under a condition", FATAL
        )


_CONDITIONS = ("ONLY", "MUST", NOT, "IF", "WITHOUT", "EXCEPT", "UNTIL", "after", "onc", "befor")
_SCOPES = frozenset("<>")


def scopes(claim: Meaning, passage: Meaning) -> Iterator[Objection]:
    """ "For meals above 20" says nothing of meals."""
    said = {quantity.value for quantity in claim.quantities}
    for quantity in passage.quantities:
        if quantity.bound in _SCOPES and quantity.value not in said:
            reason = f"limit: the sentence leaves out {quantity.bound} {shown(quantity)}"
            yield Objection("limit", "limit_left_out", reason, 0.4)


_TURNING = frozenset({"ONLY", "EXCEPT", "WITHOUT"})


_UNSAID_MODAL = {"MUST": 0.12, "SHOULD": 0.15, "MAY": 0.1}
_DROPPED_MODAL = {"MUST": 0.03, "SHOULD": 0.15, "MAY": 0.1}


def modality(claim: Meaning, passage: Meaning) -> Iterator[Objection]:
    mine, theirs = MODALS.intersection(claim.places), MODALS.intersection(passage.places)
    for modal in sorted(mine & theirs):
        if _of_another(modal, claim, passage):
            reason = f"modality: the quote does not say {modal.lower()} of this"
            yield Objection("modality", "modal_exchanged", reason, FATAL)
    for modal in sorted(mine & theirs):
        if claim.count(modal) > passage.count(modal) and theirs - mine:
            reason = f"modality: the quote says {modal.lower()} less often"
            yield Objection("modality", "modal_exchanged", reason, FATAL)
    for modal in sorted(mine - theirs):
        clash = bool(theirs - mine)
        yield Objection(
            "modality",
            "modal_exchanged" if clash else "modal_added",
            f"modality: the quote does not say {modal.lower()}",
            FATAL if clash else _UNSAID_MODAL[modal],
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
    theirs = set(heads(passage, modal))
    others = {head for other in MODALS - {modal} for head in heads(passage, other)}
    return any(head in others and head not in theirs for head in heads(claim, modal) if head)


_PARTIAL = ("SOME", "MOST", "FEW")


def amount(claim: Meaning, passage: Meaning) -> Iterator[Objection]:
    mine = [tag for tag in ("ALL", *_PARTIAL) if tag in claim.places]
    theirs = [tag for tag in ("ALL", *_PARTIAL) if tag in passage.places]
    for tag in mine:
        if tag not in theirs:
            clash = any(other not in mine for other in theirs)
            cost = FATAL if clash else (0.08 if tag == "ALL" else 0.2)
            code = "quantifier_exchanged" if clash else "quantifier_added"
            yield Objection("quantity", code, f"quantity: the quote does not say {tag.lower()}", cost)
    for tag in _PARTIAL:
        if tag in theirs and tag not in mine:
            yield Objection(
                "quantity", "quantifier_left_out", f"quantity: the sentence leaves out {tag.lower()}", 0.15
            )

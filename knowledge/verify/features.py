"""How near a sentence and a passage are, as numbers that a small model weighs (weights.json).

Whether they agree is for agree.py: nearness can not tell a contradiction from support.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from knowledge.verify.alignment import edits
from knowledge.verify.lexicon import NOT
from knowledge.verify.meaning import Meaning
from knowledge.verify.objection import Objection
from knowledge.verify.related import RELATED, beginning, lines_of, relation

NAMES = (
    "cosine",
    "same_words",
    "related_words",
    "words_missing",
    "words_unrelated",
    "passage_said",
    "numbers_shared",
    "names_shared",
    "both_deny",
    "order",
    "limit_added",
    "limit_left_out",
    "modality",
    "quantity",
    "bound",
    "doubt",
    "length",
    "substituted",
    "several",
    "swapped",
    "subject",
    "refuted",
)
"""In the order of `Features.row`."""
_COSTS: tuple[frozenset[str], ...] = (
    frozenset({"moved"}),
    frozenset({"limit_added"}),
    frozenset({"limit_left_out", "limit_exchanged"}),
    frozenset({"modal_added", "modal_left_out"}),
    frozenset({"quantifier_added", "quantifier_left_out", "rhythm_added"}),
    frozenset({"bound_unsaid", "first_unsaid", "number_elsewhere"}),
)
_SUBJECT = frozenset({"another_subject", "role_taken"})
_DOUBTS = ("negation", "name", "direction")
_MOST_COST = 2.0
_MOST_MISSING = 5.0


@dataclass(frozen=True, slots=True)
class Features:
    """cosine: of the sentence's vector with the passage's; None without vectors."""

    cosine: float | None
    shares: tuple[float, ...]

    @property
    def row(self) -> tuple[float, ...]:
        """As the model reads it; without vectors its first entry is 0."""
        return (self.cosine or 0.0, *self.shares)


@dataclass(frozen=True, slots=True)
class Found:
    """What is known of a sentence and a passage before they are measured.

    said: stems of title and headings, which a sentence may repeat to say what it is about. joined: the
    sentences that the passage is made of, where it is several. refuted: how near a passage comes that
    disagrees, against this one: 0 for none, 0.5 for as near.
    """

    against: Sequence[Objection]
    cosine: float | None
    said: frozenset[str]
    joined: Sequence[Meaning] = ()
    refuted: float = 0.0


def features_of(claim: Meaning, passage: Meaning, found: Found) -> Features:
    """The measures of a sentence and a passage."""
    against = found.against
    same, related, missing, unrelated = _covered(claim, passage, found.said)
    substituted = min(_substituted(claim, passage), 2.0) / 2.0
    costs = _costs(against)
    doubt = sum(one.cost for one in against if one.layer in _DOUBTS and one.code not in _SUBJECT)
    shares = (
        same,
        related,
        min(missing, _MOST_MISSING) / _MOST_MISSING,
        min(unrelated, _MOST_MISSING) / _MOST_MISSING,
        _covered(passage, claim, frozenset())[1],
        min(_shared_numbers(claim, passage), 2) / 2,
        min(len(claim.names & passage.names), 2) / 2,
        float(min(claim.count(NOT), passage.count(NOT)) > 0),
        *costs,
        min(doubt, _MOST_COST),
        min(math.log1p(claim.total), 3.0) / 3.0,
        substituted,
        little_said(claim, found.joined),
        substituted * same * same,
        float(any(one.code in _SUBJECT for one in against)),
        found.refuted,
    )
    return Features(found.cosine, shares)


def _covered(claim: Meaning, passage: Meaning, said: frozenset[str]) -> tuple[float, float, float, float]:
    """Shares of the claim's content in the passage, in the same words and in related ones; what is missing,
    and what is missing without anything related, in weights."""
    same = related = unrelated = 0.0
    for name, weight in claim.content.items():
        near = 0.9 if name in said and name not in passage.content else nearness(name, passage)
        same += weight * (near == 1.0)
        related += weight * near
        unrelated += weight * (near == 0.0)
    total = claim.total or 1.0
    return same / total, related / total, claim.total - same, unrelated


def nearness(name: str, passage: Meaning) -> float:
    """1 for a concept that the passage has, less for one that it has a related one of."""
    if name in passage.content:
        return 1.0
    if not lines_of(name).isdisjoint(passage.lines):
        return RELATED
    alike = passage.beginnings.get(beginning(name))
    return max([relation(name, other) for other in alike]) if alike else 0.0


def _shared_numbers(claim: Meaning, passage: Meaning) -> int:
    values = {quantity.value for quantity in passage.quantities}
    return sum(quantity.value in values for quantity in claim.quantities)


def _costs(against: Sequence[Objection]) -> tuple[float, ...]:
    return tuple(min(sum(one.cost for one in against if one.code in codes), _MOST_COST) for codes in _COSTS)


def _substituted(claim: Meaning, passage: Meaning) -> float:
    """The weight of what stands at the place of something else that it is not related to."""
    found = 0.0
    for edit in edits(claim.concepts, passage.concepts):
        missing = [name for name in edit.missing if name in passage.content and name not in claim.content]
        for name in edit.extra:
            if missing and name in claim.content and name not in passage.content:
                found += 0.0 if nearness(name, passage) else claim.content[name]
    return found


def little_said(claim: Meaning, joined: Sequence[Meaning]) -> float:
    """Of two sentences that are only together said: how much of the one that gives less is left out. "Food is
    kept for 60 days" takes its first word from a sentence that says something else of food."""
    said = [_covered(part, claim, frozenset())[1] for part in joined]
    return 1 - min(said) if said else 0.0

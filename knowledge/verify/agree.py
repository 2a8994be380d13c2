"""What a sentence and a passage disagree on. Overlap of words cannot tell a contradiction; this can."""

from collections.abc import Iterator

from knowledge.verify.agree_direction import frequency, opposites, sequence
from knowledge.verify.agree_limits import amount, limits, modality, scopes, unconditional
from knowledge.verify.agree_names import names
from knowledge.verify.agree_negation import polarity
from knowledge.verify.agree_numbers import numbers
from knowledge.verify.agree_order import added, another_subject, exchanged_thing, put_together
from knowledge.verify.meaning import Meaning
from knowledge.verify.objection import Objection


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
    against = list(opposites(claim, passage))
    yield from numbers(claim, passage)
    yield from names(claim, passage, context, around)
    yield from polarity(claim, passage, against)
    yield from limits(claim, passage)
    yield from unconditional(claim, passage)
    yield from scopes(claim, passage)
    yield from modality(claim, passage)
    yield from amount(claim, passage)
    yield from sequence(claim, passage)
    yield from frequency(claim, passage)
    yield from put_together(claim, passage)
    yield from another_subject(claim, passage)
    yield from added(claim, passage)
    yield from exchanged_thing(claim, passage)

"""Names of a sentence that a passage does not have."""

from collections.abc import Iterator

from knowledge.verify.alignment import edits
from knowledge.verify.lexicon import (
    CONCEPTS,
    TAGS,
)
from knowledge.verify.meaning import Meaning, is_number
from knowledge.verify.objection import FATAL, Objection


def names(
    claim: Meaning, passage: Meaning, context: frozenset[str], around: frozenset[str]
) -> Iterator[Objection]:
    for name in sorted(claim.names - passage.names - context):
        known = name in passage.places or CONCEPTS.get(name, name) in passage.places
        if known or name in TAGS or is_number(name) or _abbreviated(name, claim, passage):
            continue
        if name in around and not _for_another(name, claim, passage):
            yield Objection("name", "name_around", f"name: {name} stands only near the quote", 0.3)
        else:
            yield Objection("name", "name_missing", f"name: {name} is not in the quote", FATAL)


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

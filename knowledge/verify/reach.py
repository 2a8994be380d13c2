"""How far words of negation, limit and modality reach, and how much of a passage a sentence repeats."""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from itertools import takewhile

from knowledge.verify.lexicon import (
    MODALS,
    TAGS,
)
from knowledge.verify.meaning import Meaning, is_number
from knowledge.verify.related import relation

REACH = 4  # concepts after a negation or a modal in which its head is looked for
_ALL_BUT = 0.8
_CLOSE = 2


def near(name: str, others: AbstractSet[str]) -> bool:
    return name in others or any(relation(name, other) for other in others)


def heads(meaning: Meaning, tag: str) -> Iterator[str]:
    for at in meaning.places.get(tag, ()):
        following = meaning.concepts[at + 1 : at + 1 + REACH]
        yield next((name for name in takewhile(no_modal, following) if name not in TAGS), "")


def no_modal(name: str) -> bool:
    return name not in MODALS


def says_it_all(claim: Meaning, passage: Meaning) -> bool:
    """Whether it repeats nearly all of the passage, the limit apart."""
    shared = sum(weight for name, weight in passage.content.items() if name in claim.content)
    return shared >= _ALL_BUT * passage.total


def says_what_follows(tag: str, claim: Meaning, passage: Meaning) -> bool:
    """Whether the sentence speaks of what stands right after this word of the passage."""
    return any(
        name in claim.places
        for at in passage.places.get(tag, ())
        for name in [
            each
            for each in passage.concepts[at + 1 : at + 1 + REACH]
            if each in passage.content or is_number(each)
        ][:_CLOSE]
    )

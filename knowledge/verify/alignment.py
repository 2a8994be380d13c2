"""Two rows of concepts laid side by side."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from functools import lru_cache

from knowledge.verify.lexicon import TAGS


@dataclass(frozen=True, slots=True)
class Edit:
    """Between what both share: `extra` stands in the claim only, `missing` in the passage only.

    outside: before the first or after the last shared concept; what is missing there was only left out.
    after: the shared concept just before, "" at the beginning.
    """

    extra: tuple[str, ...]
    missing: tuple[str, ...]
    outside: bool
    after: str


def exchanged(claim: tuple[str, ...], passage: tuple[str, ...]) -> bool:
    """Whether two runs stand at each other's place, and all else where it stood."""
    swaps = [edit for edit in _opcodes(claim, passage) if edit.extra and edit.missing]
    return any(
        one.extra == other.missing and one.missing == other.extra
        for at, one in enumerate(swaps)
        for other in swaps[at + 1 :]
    )


@lru_cache(maxsize=256)
def edits(claim: tuple[str, ...], passage: tuple[str, ...]) -> tuple[Edit, ...]:
    """What makes the claim of the passage, without clauses that only moved."""
    return tuple(_unmoved(_opcodes(claim, passage)))


@lru_cache(maxsize=256)
def _opcodes(claim: tuple[str, ...], passage: tuple[str, ...]) -> tuple[Edit, ...]:
    matcher = SequenceMatcher(None, claim, passage, autojunk=False)
    return tuple(
        Edit(
            tuple(claim[a:b]),
            tuple(passage[c:d]),
            outside=a in (0, len(claim)) or b == len(claim),
            after=claim[a - 1] if a else "",
        )
        for kind, a, b, c, d in matcher.get_opcodes()
        if kind != "equal"
    )


def _unmoved(found: Sequence[Edit]) -> Iterator[Edit]:
    if not any(edit.extra for edit in found) or not any(edit.missing for edit in found):
        yield from found
        return
    for edit in found:
        came = any(_same_clause(edit.missing, other.extra) for other in found)
        gone = any(_same_clause(edit.extra, other.missing) for other in found)
        yield replace(edit, extra=() if gone else edit.extra, missing=() if came else edit.missing)


def _same_clause(run: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """The same run of two or more concepts; a single one that moved has changed its role."""
    content = [name for name in run if name not in TAGS]
    width = len(run)
    return len(content) > 1 and any(other[at : at + width] == run for at in range(len(other) - width + 1))

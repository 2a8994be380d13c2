"""A source made ready once for any number of sentences: its words, its units, its passages."""

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import pairwise

from knowledge.sentences import Span
from knowledge.verify.lexicon import LIMITS, NOT, UNITS
from knowledge.verify.meaning import NOTHING, Meaning, meaning_of, together, weight
from knowledge.verify.units import Unit, units_of
from knowledge.verify.words import Words, words_of

_BETWEEN_CLAUSES = re.compile(
    r";(?=\s)|,(?=\s+(?:but|though|although|whereas|however|while|so|which)\b)"
    r"|(?<!,)(?<=[^,]{40}),(?=\s+(?:and|or)\b)|\s[–—](?=\s)| -(?=- )"
)
_MOST_CLAUSES = 4
_FEWEST_CONCEPTS = 3
_RESTRICTIONS = LIMITS - {NOT}
_KEPT = 4096  # prepared chunks, about 40 KB each at most


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch that a sentence may lean on: a unit, a unit with its lead-in or header, two neighbours.

    wider: it only widens the passages before it, and counts where it has more of the sentence's words.
    part_of: of a clause, the passage of its whole sentence, whose span it has.
    joined: what each of two neighbours says. linked: whether they speak of one thing, as far as words show.
    """

    span: Span
    meaning: Meaning
    wider: bool = False
    part_of: "Passage | None" = None
    joined: tuple[Meaning, ...] = ()
    linked: bool = True


@dataclass(frozen=True)
class Group:
    """A lead-in with its items, or a row's cells with their labels: parts that may be quoted together.

    parts: (normal form, span) in the order of the source. whole_lead: the parts may not go without the lead.
    """

    lead: str
    lead_span: Span
    parts: tuple[tuple[str, Span], ...]


@dataclass(frozen=True)
class Prepared:
    text: str
    words: Words
    joined: str
    offsets: tuple[int, ...]
    units: tuple[Unit, ...]
    ranges: tuple[tuple[int, int], ...]
    _meanings: dict[Span, Meaning] = field(default_factory=dict[Span, Meaning])

    def meaning(self, span: Span) -> Meaning:
        """What these characters say; made once."""
        known = self._meanings.get(span)
        if known is None:
            known = self._meanings[span] = meaning_of(self.words, *self.word_range(span))
        return known

    def word_range(self, span: Span) -> tuple[int, int]:
        """The words inside a span: (first, past the last)."""
        starts = self._starts
        return bisect_left(starts, span[0]), bisect_left(starts, span[1])

    def form(self, span: Span) -> str:
        first, last = self.word_range(span)
        return " ".join(self.words.forms[first:last])

    @cached_property
    def _starts(self) -> list[int]:
        return [start for start, _ in self.words.spans]

    @cached_property
    def terms(self) -> dict[str, float]:
        """What the whole source speaks of."""
        return {name: weight for unit in self.units for name, weight in self.meaning(unit.span).terms.items()}

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        return (*_lists(self), *_rows(self))

    @cached_property
    def passages(self) -> tuple[Passage, ...]:
        return tuple(_passages(self))


@lru_cache(maxsize=_KEPT)
def prepare(text: str) -> Prepared:
    """The prepared source; the same text is prepared once."""
    words = words_of(text)
    offsets: list[int] = []
    at = 1
    for form in words.forms:
        offsets.append(at)
        at += len(form) + 1
    units = tuple(units_of(text))
    starts = [start for start, _ in words.spans]
    ranges = tuple((bisect_left(starts, unit.span[0]), bisect_left(starts, unit.span[1])) for unit in units)
    return Prepared(text, words, words.joined, tuple(offsets), units, ranges)


def _lists(source: Prepared) -> Iterator[Group]:
    leads: dict[Span, dict[Span, str]] = {}
    for unit in source.units:
        if unit.kind == "item" and unit.lead and unit.whole:
            leads.setdefault(unit.lead, {})[unit.whole] = source.form(unit.whole)
    for lead, parts in leads.items():
        yield Group(source.form(lead), lead, tuple((form, span) for span, form in parts.items()))


def _rows(source: Prepared) -> Iterator[Group]:
    for unit in source.units:
        if unit.kind == "row" and unit.lead and unit.cells:
            pairs = zip(unit.labels, unit.cells, strict=False)
            parts = [(_pair(source, label, cell), cell) for label, cell in pairs if cell[0] < cell[1]]
            if parts:
                yield Group("", unit.lead, tuple(parts))


def _pair(source: Prepared, label: Span, cell: Span) -> str:
    return " ".join(filter(None, (source.form(label), source.form(cell))))


def _passages(source: Prepared) -> Iterator[Passage]:
    for at, unit in enumerate(source.units):
        if unit.kind == "heading" or unit.question or not source.form(unit.span):
            continue
        if unit.kind == "row" and unit.lead:
            yield Passage((unit.lead[0], unit.span[1]), _row_meaning(source, unit))
            continue
        own = source.meaning(unit.span)
        lead = source.meaning(unit.lead) if unit.lead else NOTHING
        turned = not LIMITS.isdisjoint(_unconditional(source, unit.lead).concepts) if unit.lead else False
        if not turned:  # "never:" above a list turns every item around
            whole = Passage(unit.span, own)
            yield whole
            yield from _clauses(source, unit, whole)
        if unit.lead:
            yield Passage((unit.lead[0], unit.span[1]), together(lead, own), not turned)
        if at and not turned and _neighbours(source.units[at - 1], unit):
            before = source.units[at - 1].span
            parts = source.meaning(before), own
            linked = source.units[at - 1].kind == "heading" or _linked(source, unit, *parts)
            yield Passage((before[0], unit.span[1]), together(*parts), True, joined=parts, linked=linked)


_CONDITION = re.compile(r"(?i)\b(?:if|when|where|once)\b[^,;:]*")


def _unconditional(source: Prepared, lead: Span) -> Meaning:
    """What a lead-in says apart from its condition, whose "not" turns nothing around."""
    match = _CONDITION.search(source.text, *lead)
    if match is None:
        return source.meaning(lead)
    return together(source.meaning((lead[0], match.start())), source.meaning((match.end(), lead[1])))


def _clauses(source: Prepared, unit: Unit, whole: Passage) -> Iterator[Passage]:
    """What says something for itself beside what only adds: "A, but B" says A. Not where the rest is a
    condition or a restriction, which may turn it."""
    start, end = unit.span
    cuts = [start, *(match.end() for match in _BETWEEN_CLAUSES.finditer(source.text, start, end)), end]
    parts = [source.meaning(part) for part in pairwise(cuts)]
    if len(parts) < 2 or len(parts) > _MOST_CLAUSES:
        return
    for at, part in enumerate(parts):
        rest = {name for other in (*parts[:at], *parts[at + 1 :]) for name in other.concepts}
        if len(part.content) >= _FEWEST_CONCEPTS and rest.isdisjoint(_RESTRICTIONS):
            yield Passage(unit.span, part, part_of=whole)


_BACK = frozenset(
    [
        "it",
        "its",
        "they",
        "them",
        "their",
        "this",
        "these",
        "those",
        "such",
        "he",
        "she",
        "his",
        "her",
        "there",
        "then",
        "otherwise",
        "one",
        "ones",
        "else",
        "instead",
    ]
)


def _linked(source: Prepared, unit: Unit, before: Meaning, own: Meaning) -> bool:
    """Items of one list, a word that points back, or something that both speak of."""
    first, last = source.word_range(unit.span)
    if unit.kind == "item" or not _BACK.isdisjoint(source.words.forms[first:last]):
        return True
    shared = before.content.keys() & own.content.keys()
    units = {each.unit for each in before.quantities if each.unit}
    return any(weight(name) == 1.0 and name not in UNITS for name in shared) or any(
        each.unit in units for each in own.quantities
    )


def _neighbours(before: Unit, unit: Unit) -> bool:
    if unit.kind == "item":
        return before.whole == unit.whole and not before.question
    return unit.kind == "sentence" and before.kind in ("sentence", "heading") and not before.question


def _row_meaning(source: Prepared, unit: Unit) -> Meaning:
    pairs = zip(unit.labels, unit.cells, strict=False)
    spans = [span for label, cell in pairs if cell[0] < cell[1] for span in (label, cell)]
    return together(*map(source.meaning, spans or [unit.span]))

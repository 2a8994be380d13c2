"""What the sources offer to say: every sentence, list item and table row that can be quoted as it stands."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from knowledge.verify import NOTHING, Meaning, Prepared, Source, Unit, prepare, split_sentences

_FEWEST_WORDS = 3
_LONGEST = 600  # characters; longer ones are no answer
_MOST_ITEMS = 12
_LEANING = frozenset(["it", "they", "this", "these", "that", "those", "he", "she", "such"])


@dataclass(frozen=True, slots=True, eq=False)
class Statement:
    """A quotable piece of one source.

    text: as it is said in an answer, one sentence. at: its place among the source's units. own: what it
    says itself; near: what its lead-in, or the sentence before it, says; above: question or heading over it.
    announces: it ends with a colon and is nothing without its list. leans: it points at the sentence before.
    """

    text: str
    unit: Unit
    at: int
    own: Meaning
    near: Meaning
    above: Meaning
    announces: bool
    leans: bool


@dataclass(frozen=True, slots=True, eq=False)
class Offer:
    """A statement with its source; rank: the source's place in the search result, from 0."""

    statement: Statement
    source: Source
    rank: int


def offers_of(sources: Sequence[Source]) -> list[Offer]:
    """All statements of all sources; what overlapping chunks say twice is offered once, by the better one."""
    offers: list[Offer] = []
    seen: set[tuple[object, str]] = set()
    for rank, source in enumerate(sources):
        for statement in statements_of(source.text):
            key = (source.doc_id, statement.text)
            if key not in seen:
                seen.add(key)
                offers.append(Offer(statement, source, rank))
    return offers


@lru_cache(maxsize=4096)
def statements_of(text: str) -> tuple[Statement, ...]:
    """The statements of a source's text, made once per text."""
    return tuple(_statements(prepare(text)))


def _statements(source: Prepared) -> Iterator[Statement]:
    above = NOTHING
    for at, unit in enumerate(source.units):
        if unit.kind == "heading" or unit.question:
            above = source.meaning(unit.span)
            continue
        text = said(source, unit)
        words = source.words.forms[slice(*source.ranges[at])]
        if words and len(text.split()) >= _FEWEST_WORDS and len(text) <= _LONGEST:
            yield Statement(
                text,
                unit,
                at,
                own=source.meaning(unit.span),
                near=_near(source, at),
                above=above,
                announces=text.endswith(":"),
                leans=words[0] in _LEANING,
            )


def list_of(statement: Statement, text: str) -> list[tuple[str, bool]]:
    """The list that a statement announces or belongs to: (sentence, whether it begins an item), lead first.

    A list that stands right under its heading has no lead. Empty where there is none, or it is too long to be
    told.
    """
    source = prepare(text)
    lead = statement.unit.span if statement.announces else statement.unit.lead
    items = (
        [unit for unit in source.units if unit.kind == "item" and unit.lead == lead]
        if lead
        else _beside(source, statement.at)
    )
    if not 2 <= len({unit.whole for unit in items}) <= _MOST_ITEMS:
        return []
    told = [(_plain(text, unit.span), bool(unit.whole and unit.whole[0] == unit.span[0])) for unit in items]
    return [(_plain(text, lead), False), *told] if lead else told


def _beside(source: Prepared, at: int) -> list[Unit]:
    """The items without a lead-in that stand in one row with this one."""
    first = last = at
    while first > 0 and _is_loose(source.units[first - 1]):
        first -= 1
    while last < len(source.units) and _is_loose(source.units[last]):
        last += 1
    return list(source.units[first:last]) if _is_loose(source.units[at]) else []


def _is_loose(unit: Unit) -> bool:
    return unit.kind == "item" and unit.lead is None


def spoken_before(statement: Statement, text: str) -> str | None:
    """The sentence before, where it is one of the same paragraph that states something."""
    source = prepare(text)
    before = source.units[statement.at - 1] if statement.at else None
    if before is None or before.question or before.kind != statement.unit.kind != "row":
        return None
    return said(source, before) or None


def said(source: Prepared, unit: Unit) -> str:
    """How a unit is said in an answer; "" where it cannot be said in one sentence."""
    text = _row(source.text, unit) if unit.kind == "row" else _plain(source.text, unit.span)
    if unit.kind == "item" and unit.lead and unit.span == unit.whole:
        led = f"{_plain(source.text, unit.lead)} {text}"
        return led if len(led) <= _LONGEST and _is_one(led) else text
    return text if unit.kind == "sentence" or _is_one(text) else ""


def _is_one(text: str) -> bool:
    return len(split_sentences(text)) == 1


def _row(text: str, unit: Unit) -> str:
    pairs = zip(unit.labels, unit.cells, strict=False)
    told = [
        ": ".join(part for part in (_plain(text, label), _plain(text, cell)) if part)
        for label, cell in pairs
        if cell[0] < cell[1]
    ]
    return "; ".join(told)


def _near(source: Prepared, at: int) -> Meaning:
    unit, before = source.units[at], source.units[at - 1] if at else None
    if unit.lead:
        return source.meaning(unit.lead)
    if before and before.kind == unit.kind == "sentence":
        return source.meaning(before.span)
    return NOTHING


def _plain(text: str, span: tuple[int, int]) -> str:
    return " ".join(text[span[0] : span[1]].split())
